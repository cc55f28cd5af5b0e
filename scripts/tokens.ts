/** `npm run tokens -- --role driver --count 1000 [--offset N]`: JSON lines `{id, phone, token}` of seeded users, for load tests. */
import { parseArgs } from "node:util";
import pg from "pg";
import { findTarget } from "#scripts/services/running.ts";
import { describeFailure } from "#scripts/services/startup-error.ts";
import { Tokens } from "#server/domain/identity/tokens.ts";

/** A load test lasts longer than the 15 minutes of a phone's token. */
const LIFE_SECONDS = 24 * 3600;
const USAGE = "usage: npm run tokens -- --role driver|customer --count N [--offset N]";

/** Load users first (they are online and of one category), then the demo's; each by phone. */
const SEEDED = `
SELECT id, phone, first_name || ' ' || last_name AS name, token_version FROM users
WHERE user_type = $1 AND is_active AND (phone LIKE '+2010%' OR phone LIKE '+2011%' OR phone LIKE '+2012%' OR phone LIKE '+2013%')
ORDER BY (phone LIKE '+2012%' OR phone LIKE '+2013%') DESC, phone LIMIT $2 OFFSET $3`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      role: { type: "string" },
      count: { type: "string", default: "1" },
      offset: { type: "string", default: "0" },
    },
  });
  const [count, offset] = [Number(values.count), Number(values.offset)];
  const { role } = values;
  if (
    (role !== "driver" && role !== "customer") ||
    !Number.isInteger(count) ||
    count < 1 ||
    !Number.isInteger(offset) ||
    offset < 0
  )
    throw new Error(USAGE);
  // A platform with no demo in it is somebody's real one.
  if (process.env.NODE_ENV === "production" && process.env.SMARTLINE_DEMO !== "1")
    throw new Error("tokens are for load tests: not in production");
  const target = findTarget();
  const tokens = new Tokens({
    secret: target.authSecret,
    accessTokenSeconds: LIFE_SECONDS,
  });
  const client = new pg.Client({ connectionString: target.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string; phone: string; name: string; token_version: number }>(SEEDED, [
      role,
      count,
      offset,
    ]);
    for (const row of rows) {
      const token = await tokens.issue({
        id: row.id,
        type: role,
        role: null,
        name: row.name,
        tokenVersion: row.token_version,
      });
      process.stdout.write(`${JSON.stringify({ id: row.id, phone: row.phone, token })}\n`);
    }
    if (rows.length < count)
      process.stderr.write(`only ${rows.length} of ${count} ${role}s are seeded: npm run seed -- --scenario load\n`);
  } finally {
    await client.end();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = 1;
});
