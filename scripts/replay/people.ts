import type pg from "pg";
import { insertDrivers, insertUsers } from "#prisma/seed/people.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import { newId } from "#server/contracts/ids.ts";
import { Tokens } from "#server/domain/identity/tokens.ts";
import { hashPassword } from "#server/platform/crypto.ts";

/** A replay's own people. +2014 and +2015: apart from the demo's and from load scenarios', whose numbers others count on. */
const PHONE = {
  driver: (n: number) => `+2014${String(n).padStart(8, "0")}`,
  customer: (n: number) => `+2015${String(n).padStart(8, "0")}`,
};
/** A replay at real speed lasts longer than a phone's token. */
const TOKEN_SECONDS = 24 * 3600;

export interface Person {
  readonly id: string;
  readonly token: string;
}

export interface ReplayDriver extends Person {
  readonly at: Coordinates;
}

/**
 * The replay's drivers, one at each place of `stands`, and its riders: those of an earlier replay first, more where they
 * do not suffice. Drivers begin on line and free. Tokens are signed here: a thousand sign-ins would measure scrypt.
 */
export async function enlist(
  client: pg.Client,
  options: { readonly authSecret: string; readonly stands: readonly Coordinates[]; readonly riders: number },
): Promise<{ drivers: ReplayDriver[]; riders: Person[] }> {
  const { stands } = options;
  const tokens = new Tokens({
    secret: options.authSecret,
    accessTokenSeconds: TOKEN_SECONDS,
  });
  await client.query("BEGIN");
  await client.query("SELECT pg_advisory_xact_lock(hashtext('smartline-seed'))");
  const passwordHash = await hashPassword(newId()); // nobody signs in with a password
  const driverRows = await ensurePeople(client, "driver", stands.length, passwordHash);
  const riderRows = await ensurePeople(client, "customer", options.riders, passwordHash);
  const categories = await client.query<{ id: string; code: string }>("SELECT id, code FROM vehicle_categories");
  const fresh = driverRows.flatMap((row, i) => (row.isNew ? [{ row, at: stands[i] as Coordinates, n: i + 1 }] : []));
  if (fresh.length > 0) {
    await insertDrivers(
      client,
      fresh.map(({ row, at, n }) => ({
        id: row.id,
        n,
        category: "economy" as const,
        plate: `REPLAY ${n}`,
        online: false,
        ...at,
      })),
      new Map(categories.rows.map((row) => [row.code, row.id])),
    );
  }
  const ids = driverRows.map((row) => row.id);
  // A trip that an interrupted replay left behind keeps its driver: only the free ones are put to work.
  await client.query(
    `UPDATE driver_details SET is_online = true, availability_status = 'available', availability_since = now()
     WHERE user_id = ANY($1) AND availability_status IN ('available', 'unavailable')`,
    [ids],
  );
  await client.query(
    `UPDATE user_last_locations l SET location = point(s.lng, s.lat), recorded_at = now(), updated_at = now()
     FROM unnest($1::uuid[], $2::float8[], $3::float8[]) AS s(id, lat, lng) WHERE l.user_id = s.id`,
    [ids, stands.map((at) => at.lat), stands.map((at) => at.lng)],
  );
  await client.query("COMMIT");
  await client.query("ANALYZE users, driver_details, vehicles, user_last_locations, zones, zone_areas");
  const issue = (row: PersonRow, type: "driver" | "customer") =>
    tokens.issue({ id: row.id, type, role: null, name: row.name, tokenVersion: row.token_version });
  return {
    drivers: await Promise.all(
      driverRows.map(async (row, i) => ({
        id: row.id,
        token: await issue(row, "driver"),
        at: stands[i] as Coordinates,
      })),
    ),
    riders: await Promise.all(riderRows.map(async (row) => ({ id: row.id, token: await issue(row, "customer") }))),
  };
}

interface PersonRow {
  readonly id: string;
  readonly name: string;
  readonly token_version: number;
  readonly isNew: boolean;
}

async function ensurePeople(
  client: pg.Client,
  type: "driver" | "customer",
  count: number,
  passwordHash: string,
): Promise<PersonRow[]> {
  const phones = Array.from({ length: count }, (_, i) => PHONE[type](i + 1));
  const known = await client.query<{ phone: string }>("SELECT phone FROM users WHERE phone = ANY($1)", [phones]);
  const there = new Set(known.rows.map((row) => row.phone));
  const missing = phones.flatMap((phone, i) => (there.has(phone) ? [] : [{ id: newId(), n: i + 1, type, phone }]));
  if (missing.length > 0) await insertUsers(client, missing, passwordHash);
  const { rows } = await client.query<Omit<PersonRow, "isNew"> & { phone: string }>(
    `SELECT id, phone, first_name || ' ' || last_name AS name, token_version FROM users
     WHERE phone = ANY($1) ORDER BY phone`,
    [phones],
  );
  return rows.map((row) => ({ ...row, isNew: !there.has(row.phone) }));
}
