import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { PrismaClient } from "#prisma/generated/client.ts";
import { DomainError } from "#server/contracts/errors.ts";
import type { Logger } from "#server/platform/logger.ts";

/** A pool or one connection inside a transaction: what stores run their SQL on. */
export type Queryable = Pick<pg.PoolClient, "query">;

/**
 * One pool for everything. Prisma serves the ordinary reads and writes; the hot statements are named
 * (prepared once a connection) and go to `pool` or to a transaction's client directly.
 */
export interface Database {
  readonly pool: pg.Pool;
  /** A few connections for the assignment statement alone: an accept never waits behind a screen's query. */
  readonly hotPool: pg.Pool;
  /**
   * For claims of Idempotency-Keys alone, which do not wait for the disk: a claim that a crash of the database takes along
   * had no work that outlived it, for the work's own commit writes all that came before it too.
   */
  readonly claimPool: pg.Pool;
  readonly prisma: PrismaClient;
  /** READ COMMITTED; repeated up to 5 times on deadlock or serialisation failure, so `work` must be repeatable. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** Milliseconds of one round trip; throws when the database does not answer in time. */
  ping(): Promise<number>;
  close(): Promise<void>;
}

const RETRIES = 5;
const RETRYABLE = new Set(["40001", "40P01"]);

/** Deadlock or serialisation failure: the same work may succeed at once. */
export const isRetryable = (error: unknown): boolean => RETRYABLE.has(sqlStateOf(error) ?? "");

export function sqlStateOf(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null;
}

/** Runs `work` again on deadlock or serialisation failure, with a short jittered pause. */
export async function withRetries<T>(work: () => Promise<T>, onRetry?: () => void): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt > RETRIES || !isRetryable(error)) throw error;
      onRetry?.();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * 2 ** attempt));
    }
  }
}

const CONNECTION_LOST = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTFOUND",
  "ETIMEDOUT",
  "57P01",
  "57P02",
  "57P03",
  "53300",
  "08006",
  "08001",
  "08003",
  "25P03",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  // Prisma: unreachable, timed out, connection closed.
  "P1001",
  "P1002",
  "P1008",
  "P1017",
]);

/** Lock time-out, statement time-out: the database is there, and busy with this very row. */
const BUSY = new Set(["55P03", "57014"]);

/** What any database failure means to a caller; null when it is none that passes by itself. */
export function databaseProblem(error: unknown): DomainError | null {
  const outage = databaseOutage(error);
  if (outage !== null || !BUSY.has(sqlStateOf(error) ?? "")) return outage;
  return new DomainError(
    "SERVICE_UNAVAILABLE",
    "Somebody else is changing this right now. Nothing was done; try again.",
    {
      cause: error,
      retryAfterSeconds: 1,
    },
  );
}

/** It did not answer in time; whether it did the work is not known. To ask again at once would only wait as long again. */
export const isTimeout = (error: unknown): boolean =>
  sqlStateOf(error) === "57014" ||
  (error instanceof Error && /Query read timeout|timeout exceeded when trying to connect/.test(error.message));

/** The database's being away or read-only, also when Prisma tells it; null for all else. */
export function databaseOutage(error: unknown): DomainError | null {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  if (code === "25006")
    return new DomainError("DB_READ_ONLY", "Changes are paused for a moment; reading still works.", {
      cause: error,
      retryAfterSeconds: 5,
    });
  const message = error instanceof Error ? error.message : "";
  if (
    CONNECTION_LOST.has(code) ||
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout/.test(
      message,
    )
  ) {
    return new DomainError("SERVICE_UNAVAILABLE", "The database is not reachable.", {
      cause: error,
      retryAfterSeconds: 2,
    });
  }
  return null;
}

/**
 * The assignment statement has a dozen joins, all by key: planning it takes three times as long as running it, so the
 * generic plan is kept; it must not be one of sequential scans because a table was small when it was made. A row that
 * somebody holds for over a second must not hold up the 63 other accepts of its group: that one alone is refused.
 */
export const HOT_SETTINGS =
  "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off -c lock_timeout=1000";

const CLAIM_SETTINGS = "-c plan_cache_mode=force_generic_plan -c synchronous_commit=off -c lock_timeout=1000";

/** READ COMMITTED, once: see `Database.transaction` for the one that repeats on deadlock. */
export async function inTransaction<T>(pool: pg.Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // The pool listens to idle clients only. Unheard, a connection that breaks between two statements ends the process.
  const onLost = (error: Error) => {
    broken = error;
  };
  client.on("error", onLost);
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.off("error", onLost);
    client.release(broken);
  }
}

export function openDatabase(options: {
  url: string;
  poolSize: number;
  hotPoolSize: number;
  logger: Logger;
}): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 3000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 15_000,
    // The client's own limit: a server that went silent never says that the statement timed out.
    query_timeout: 20_000,
    idle_in_transaction_session_timeout: 15_000,
    keepAlive: true,
    application_name: "smartline",
  });
  // An idle connection that breaks (restart, failover) must not end the process; the pool makes a new one.
  pool.on("error", (error) => options.logger.warn({ err: error }, "idle database connection lost"));
  const hotPool = new pg.Pool({
    connectionString: options.url,
    max: options.hotPoolSize,
    // The app gives up after 7 s: an answer must come before that, whatever it is, also after the wait for a group.
    connectionTimeoutMillis: 2000,
    statement_timeout: 2500,
    query_timeout: 3000,
    // A process that is stopped between its statement and its commit must not keep the trips' rows.
    idle_in_transaction_session_timeout: 2500,
    keepAlive: true,
    application_name: "smartline-engine",
    options: HOT_SETTINGS,
  });
  hotPool.on("error", (error) => options.logger.warn({ err: error }, "idle engine connection lost"));
  const claimPool = new pg.Pool({
    connectionString: options.url,
    max: 2,
    connectionTimeoutMillis: 2000,
    statement_timeout: 2500,
    query_timeout: 3000,
    keepAlive: true,
    application_name: "smartline-claims",
    options: CLAIM_SETTINGS,
  });
  claimPool.on("error", (error) => options.logger.warn({ err: error }, "idle claims connection lost"));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) });

  return {
    pool,
    hotPool,
    claimPool,
    prisma,
    transaction: (work) => withRetries(() => inTransaction(pool, work)),
    async ping() {
      const started = performance.now();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error("no answer in 2 s")), 2000);
      });
      try {
        await Promise.race([pool.query("SELECT 1"), late]);
      } finally {
        clearTimeout(timer);
      }
      return performance.now() - started;
    },
    async close() {
      await prisma.$disconnect();
      await Promise.all([pool.end(), hotPool.end(), claimPool.end()]);
    },
  };
}
