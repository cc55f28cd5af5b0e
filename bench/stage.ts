import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { migrate } from "#prisma/migrate.ts";
import { seedScenario } from "#prisma/seed/seed.ts";
import { ROOT } from "#scripts/services/data-dir.ts";
import { findFreePort } from "#scripts/services/ports.ts";
import { startScratchPostgres } from "#scripts/services/postgres.ts";
import { type ManagedChild, spawnChild } from "#scripts/services/process-group.ts";
import { startRedis } from "#scripts/services/redis.ts";
import { newId } from "#server/contracts/ids.ts";
import { Tokens } from "#server/domain/identity/tokens.ts";

const SECRET = randomBytes(48).toString("base64");

/** Services of the bench's own: nothing of a running platform is touched or measured. */
export interface Stage {
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
  readonly pool: pg.Pool;
  readonly tokens: Tokens;
  /** Starts `server/main.ts`, or the engine behind a bare HTTP server; the port it listens on. */
  startServer(
    what: `--roles=${string}` | "engine alone",
    env?: Readonly<Record<string, string>>,
  ): Promise<{ readonly port: number; readonly child: ManagedChild }>;
  close(): Promise<void>;
}

export async function setUpStage(): Promise<Stage> {
  const dataDir = mkdtempSync(join(tmpdir(), "smartline-bench-"));
  // fsync on: commits are what is measured.
  const postgres = await startScratchPostgres({ durable: true });
  const redis = await startRedis({ dataDir, log: () => undefined });
  await migrate({ databaseUrl: postgres.url, log: () => undefined });
  await seedScenario({ databaseUrl: postgres.url, scenario: "base" });
  const pool = new pg.Pool({ connectionString: postgres.url, max: 32 });
  const children: ManagedChild[] = [];
  const stageEnv = {
    NODE_ENV: "production" as const,
    LOG_LEVEL: "warn",
    HOST: "127.0.0.1",
    DATABASE_URL: postgres.url,
    AUTH_SECRET: SECRET,
    ENCRYPTION_KEYS: `1:${randomBytes(32).toString("base64")}`,
    ...(redis.kind === "running" ? { REDIS_URL: redis.url } : {}),
  };
  return {
    databaseUrl: postgres.url,
    redisUrl: redis.kind === "running" ? redis.url : null,
    pool,
    tokens: new Tokens({ secret: SECRET, accessTokenSeconds: 3600 }),
    async startServer(what, env = {}) {
      const port = await findFreePort();
      const child = spawnChild({
        name: "server",
        command: process.execPath,
        args:
          what === "engine alone"
            ? [join(ROOT, "bench", "engine-server.ts")]
            : [join(ROOT, "server", "main.ts"), what, "--no-console"],
        cwd: ROOT,
        env: {
          ...process.env,
          ...stageEnv,
          ...env,
          PORT: String(port),
        },
        output: "inherit",
      });
      children.push(child);
      const deadline = Date.now() + 30_000;
      while (
        !(await fetch(`http://127.0.0.1:${port}/health/ready`).then(
          (r) => r.ok,
          () => false,
        ))
      ) {
        if (Date.now() > deadline || !child.running()) throw new Error("the bench's server did not start");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return { port, child };
    },
    async close() {
      for (const child of children) await child.stop();
      await pool.end();
      if (redis.kind === "running") await redis.stop();
      await postgres.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export interface Pair {
  readonly tripId: string;
  readonly driverId: string;
}

/** `count` waiting trips and as many available drivers, made for each other; not due for dispatch meanwhile. */
export async function makePairs(pool: pg.Pool, count: number): Promise<Pair[]> {
  const drivers = Array.from({ length: count }, () => newId());
  const trips = Array.from({ length: count }, () => newId());
  const customer = newId();
  const tag = customer.slice(0, 13);
  await pool.query(
    "INSERT INTO users (id, first_name, last_name, phone, user_type) VALUES ($1, 'Bench', 'Rider', $2, 'customer')",
    [customer, `c${tag}`],
  );
  await pool.query(
    `INSERT INTO users (id, first_name, last_name, phone, user_type)
     SELECT id, 'Bench', 'Driver', $2 || n, 'driver' FROM unnest($1::uuid[]) WITH ORDINALITY AS d(id, n)`,
    [drivers, `d${tag}-`],
  );
  await pool.query(
    "INSERT INTO driver_details (user_id, is_online, availability_status) SELECT id, true, 'available' FROM unnest($1::uuid[]) AS d(id)",
    [drivers],
  );
  await pool.query(
    `INSERT INTO vehicles (id, driver_id, category_id, licence_plate_number, model)
     SELECT gen_random_uuid(), d.id, k.id, $2 || n, 'Bench' FROM unnest($1::uuid[]) WITH ORDINALITY AS d(id, n), vehicle_categories k WHERE k.code = 'economy'`,
    [drivers, `B${tag}-`],
  );
  await pool.query(
    `INSERT INTO trip_requests (id, ref_id, customer_id, vehicle_category_id, zone_id, payment_method, currency, estimated_fare,
       estimated_distance, estimated_duration, search_ends_at, next_dispatch_at)
     SELECT t.id, $3 || n, $2, k.id, (SELECT id FROM zones ORDER BY id LIMIT 1), 'cash', 'EGP', 5000, 6000, 540, now() + interval '1 day', now() + interval '1 day'
     FROM unnest($1::uuid[]) WITH ORDINALITY AS t(id, n), vehicle_categories k WHERE k.code = 'economy'`,
    [trips, customer, `B${tag}-`],
  );
  await pool.query(
    `INSERT INTO trip_request_coordinates (trip_request_id, pickup_coordinates, destination_coordinates)
     SELECT id, point(31.2357, 30.0444), point(31.2497, 30.0626) FROM unnest($1::uuid[]) AS t(id)`,
    [trips],
  );
  await pool.query("VACUUM ANALYZE");
  await pool.query("CHECKPOINT");
  return trips.map((tripId, i) => ({ tripId, driverId: drivers[i] ?? "" }));
}
