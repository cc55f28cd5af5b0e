import { type Config, loadConfig } from "#server/config/env.ts";
import { type AppContext, type ContextOverrides, createContext } from "#server/context.ts";
import { newId } from "#server/contracts/ids.ts";
import { checkInvariants } from "#server/domain/ops/invariants.ts";
import { type HttpServer, startHttp } from "#server/http/server.ts";
import { createJobRunner } from "#server/jobs/job-runner.ts";
import { OutboxRelay } from "#server/jobs/outbox-relay.ts";
import type { JobQueue, JobToAdd } from "#server/platform/job-queue.ts";
import { createLogger } from "#server/platform/logger.ts";
import { type Factories, factories, seedTown } from "#server/testing/factories.ts";
import { openTestDatabase, sharedRedisUrl, type TestDatabase } from "#server/testing/services.ts";
import { waitUntil } from "#server/testing/wait.ts";

export type Coordination = "redis" | "standalone";
export const COORDINATIONS: readonly Coordination[] = ["redis", "standalone"];
type Env = Readonly<Record<string, string>>;

export interface TestAppOptions {
  readonly coordination?: Coordination;
  readonly overrides?: ContextOverrides;
  /** More of the environment, as the product reads it. */
  readonly env?: Env;
  /** A migrated database that the test looks after itself. */
  readonly databaseUrl?: string;
  /** Whether calls are counted against the table of limits: many a test calls more often than a person may. */
  readonly limits?: "off" | "on";
  /** Another app's database and prefix: a second process of the same platform, in this process. */
  readonly peerOf?: TestApp;
}

export interface TestApp {
  readonly app: AppContext;
  /** The environment that a server process of the same platform gets. */
  readonly env: Env;
  readonly make: Factories;
  /** Outbox to the real job queue, and nothing by itself: drive it by hand. */
  readonly relay: OutboxRelay;
  rows<R extends object>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** The only column of the only row. */
  value<T>(text: string, values?: readonly unknown[]): Promise<T>;
  token(type: "driver" | "customer", id: string, lifeSeconds?: number): Promise<string>;
  /** What the operator may do is what the database says of their role. */
  operatorToken(id: string): Promise<string>;
  accept(tripId: string, driverId: string, expectedVersion?: number): ReturnType<AppContext["assignment"]["accept"]>;
  /** Publishes the outbox and runs the jobs, here and now, until nothing is left. Returns how many ran. */
  drain(): Promise<number>;
  /** The names of the invariants that do not hold. */
  broken(): Promise<string[]>;
  /** The HTTP API on a port of its own, in this process. */
  listen(): Promise<string>;
  /** Closes all; throws when a connection was leaked. */
  dispose(): Promise<void>;
}

/** A whole platform in this process, on a database, a Redis prefix and a job schema of its own. */
export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { coordination = "redis", peerOf, limits = "off" } = options;
  const own = peerOf === undefined && options.databaseUrl === undefined;
  const database: TestDatabase | null = own ? await openTestDatabase() : null;
  const redis: Env = coordination === "redis" ? { REDIS_URL: sharedRedisUrl(), REDIS_PREFIX: `test:${newId()}:` } : {};
  const env: Env = {
    NODE_ENV: "test",
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? "silent",
    HOST: "127.0.0.1",
    PORT: "0",
    DATABASE_POOL_SIZE: "10",
    AUTH_SECRET: "a secret of the tests, 32 characters at least",
    ...(peerOf === undefined ? { DATABASE_URL: database?.url ?? options.databaseUrl ?? "", ...redis } : peerOf.env),
    ...options.env,
  };
  const config: Config = loadConfig(env);
  const logger = options.overrides?.logger ?? createLogger(config.logLevel);
  const app = createContext(config, {
    ...(limits === "off" ? { rateLimiter: null } : {}),
    ...options.overrides,
    logger,
  });
  if (peerOf === undefined) await seedTown(app.db.pool);
  if (app.redis !== null) await app.redis.commands.ping().catch(() => onceReady(app));

  const queued: JobToAdd[] = [];
  const collecting = { add: async (jobs: readonly JobToAdd[]) => void queued.push(...jobs) } as unknown as JobQueue;
  const relayTo = (queue: JobQueue) =>
    new OutboxRelay({ db: app.db, queue, databaseUrl: config.database.url, logger, metrics: app.metrics });
  const draining = relayTo(collecting);
  const runner = createJobRunner(app);
  let http: HttpServer | null = null;
  const issue = (id: string, type: "driver" | "customer" | "operator", role: "admin" | null, life?: number) =>
    app.tokens.issue({ id, type, role, name: "Test", tokenVersion: 0 }, life);

  return {
    app,
    env,
    make: factories(app.db.pool),
    relay: relayTo(app.queue),
    rows: async (text, values = []) => (await app.db.pool.query(text, [...values])).rows,
    value: async (text, values = []) => {
      const [row] = (await app.db.pool.query({ text, values: [...values], rowMode: "array" })).rows as unknown[][];
      return row?.[0] as never;
    },
    token: (type, id, life = 3600) => issue(id, type, null, life),
    operatorToken: (id) => issue(id, "operator", "admin"),
    accept: (tripId, driverId, expectedVersion) =>
      app.assignment.accept({ tripId, driverId, expectedVersion: expectedVersion ?? null, requestId: null }),
    async drain() {
      let ran = 0;
      while ((await draining.drain()) > 0) {
        for (const job of queued.splice(0)) {
          await runner.run({ ...job, attempt: 1, lastAttempt: false });
          ran++;
        }
      }
      await app.events.drain();
      return ran;
    },
    async broken() {
      const { results } = await checkInvariants(app.db, app.lock);
      return results.filter((result) => result.violations > 0).map((result) => result.name);
    },
    async listen() {
      http ??= await startHttp(app, {
        console: false,
        upgrade: null,
        development: false,
      });
      return `http://127.0.0.1:${http.port}`;
    },
    async dispose() {
      await http?.stop(1000);
      // The wake-up of the relay may be on its way; what is still busy after that was leaked.
      const { pool } = app.db;
      await waitUntil("all clients are idle", () => pool.totalCount === pool.idleCount, 2000).catch(() => undefined);
      const { totalCount, idleCount, waitingCount } = pool;
      await app.dispose();
      await database?.drop();
      if (totalCount !== idleCount || waitingCount > 0)
        throw new Error(
          `a database client was not given back: ${totalCount - idleCount} busy, ${waitingCount} waiting`,
        );
    },
  };
}

async function onceReady(app: AppContext): Promise<void> {
  const redis = app.redis?.commands;
  if (redis === undefined || redis.status === "ready") return;
  await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
}
