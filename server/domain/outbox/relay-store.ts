import type { Queryable } from "#server/platform/db.ts";
import type { JobToAdd } from "#server/platform/job-queue.ts";

export interface OutboxRow {
  readonly id: string;
  readonly topic: string;
  readonly payload: unknown;
  readonly lag_seconds: number;
}

/**
 * Rows not yet published, oldest first, locked so that several relays share the work. Never `id > cursor`: a row with
 * a lower id can commit later.
 */
export async function lockUnpublished(tx: Queryable, limit: number): Promise<OutboxRow[]> {
  const { rows } = await tx.query<OutboxRow>({
    name: "outbox-unpublished",
    text: `SELECT id, topic, payload, EXTRACT(EPOCH FROM clock_timestamp() - created_at)::float8 AS lag_seconds
           FROM outbox WHERE published_at IS NULL ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED`,
    values: [limit],
  });
  return rows;
}

/** Published long enough ago, neither finished nor given up: perhaps lost with Redis. A job that is still there drops the repeat. */
export async function lockUnfinished(tx: Queryable, olderThanSeconds: number, limit: number): Promise<OutboxRow[]> {
  const { rows } = await tx.query<OutboxRow>({
    name: "outbox-unfinished",
    text: `SELECT id, topic, payload, 0::float8 AS lag_seconds FROM outbox
           WHERE published_at < now() - make_interval(secs => $1) AND completed_at IS NULL AND failed_at IS NULL
           ORDER BY published_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
    values: [olderThanSeconds, limit],
  });
  return rows;
}

export async function markPublished(tx: Queryable, ids: readonly string[]): Promise<void> {
  await tx.query({
    name: "outbox-published",
    text: "UPDATE outbox SET published_at = now(), publications = publications + 1 WHERE id = ANY($1::uuid[])",
    values: [ids],
  });
}

export async function markCompleted(db: Queryable, id: string): Promise<void> {
  await db.query({
    name: "outbox-completed",
    text: "UPDATE outbox SET completed_at = now(), failed_at = NULL, last_error = NULL WHERE id = $1",
    values: [id],
  });
}

export async function markFailed(db: Queryable, id: string, error: string): Promise<void> {
  await db.query("UPDATE outbox SET failed_at = now(), last_error = $2 WHERE id = $1 AND completed_at IS NULL", [
    id,
    error.slice(0, 2000),
  ]);
}

/** An operator wants it run again: no longer given up, so that the relay looks after it too. */
export async function markRevived(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    "UPDATE outbox SET failed_at = NULL, published_at = now() WHERE id = $1 AND completed_at IS NULL",
    [id],
  );
  return (rowCount ?? 0) > 0;
}

export async function backlog(
  db: Queryable,
): Promise<{ backlog: number; oldest_seconds: number | null; unfinished: number; failed: number }> {
  const { rows } = await db.query<{
    backlog: number;
    oldest_seconds: number | null;
    unfinished: number;
    failed: number;
  }>({
    name: "outbox-backlog",
    text: `SELECT
      (SELECT count(*)::int FROM outbox WHERE published_at IS NULL) AS backlog,
      (SELECT EXTRACT(EPOCH FROM now() - min(created_at))::float8 FROM outbox WHERE published_at IS NULL) AS oldest_seconds,
      (SELECT count(*)::int FROM outbox WHERE published_at IS NOT NULL AND completed_at IS NULL AND failed_at IS NULL) AS unfinished,
      (SELECT count(*)::int FROM outbox WHERE failed_at IS NOT NULL) AS failed`,
  });
  return rows[0] ?? { backlog: 0, oldest_seconds: null, unfinished: 0, failed: 0 };
}

export async function countUnpublished(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>({
    name: "outbox-count-unpublished",
    text: "SELECT count(*)::int AS count FROM outbox WHERE published_at IS NULL",
  });
  return rows[0]?.count ?? 0;
}

/** A chore of an hour is one row, whoever plans it and however often: its id is made of the hour. */
export async function planOnce(db: Queryable, id: string, topic: string, payload: unknown): Promise<boolean> {
  const { rowCount } = await db.query(
    "INSERT INTO outbox (id, topic, payload) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
    [id, topic, JSON.stringify(payload)],
  );
  return (rowCount ?? 0) > 0;
}

/** What has served its time, oldest first, and how to find it: each is an indexed column. */
const OLD = {
  outbox: "SELECT id FROM outbox WHERE completed_at < now() - interval '7 days'",
  otp_verifications: "SELECT id FROM otp_verifications WHERE expires_at < now() - interval '1 day'",
  // Refresh tokens go with their session.
  sessions:
    "SELECT id FROM sessions WHERE expires_at < now() - interval '1 day' OR revoked_at < now() - interval '7 days'",
  refresh_tokens: "SELECT id FROM refresh_tokens WHERE expires_at < now()",
  sign_in_failures: "SELECT id FROM sign_in_failures WHERE last_failed_at < now() - interval '2 days'",
  registrations: "SELECT id FROM registrations WHERE expires_at < now()",
  idempotency_keys: "SELECT id FROM idempotency_keys WHERE expires_at < now()",
  conduct_events: "SELECT id FROM conduct_events WHERE at < now() - interval '2 days'",
  alerts: "SELECT id FROM alerts WHERE resolved_at < now() - interval '90 days'",
  // They hold riders' codes.
  recorded_messages: "SELECT id FROM recorded_messages WHERE created_at < now() - interval '7 days'",
  rate_limit_violations: "SELECT id FROM rate_limit_violations WHERE minute < now() - interval '30 days'",
  dispatch_batches: "SELECT id FROM dispatch_batches WHERE at < now() - interval '30 days'",
  zone_surge_history: "SELECT id FROM zone_surge_history WHERE at < now() - interval '7 days'",
  request_nonces: "SELECT id FROM request_nonces WHERE expires_at < now()",
} as const;
const CLEAN_UP_BATCH = 5000;

/** Of gateways' events the fact is kept, and what the gateway wrote (names, cards' last digits) is not. */
const FORGET_RAW = `
UPDATE webhook_events SET raw_body = NULL, payload = NULL, headers = '{}', ip = NULL
WHERE id IN (SELECT id FROM webhook_events WHERE raw_body IS NOT NULL AND received_at < now() - interval '90 days' LIMIT ${CLEAN_UP_BATCH})`;

/** Deletes in batches: one statement over a month's rows would hit its time-out, and every hour again. Returns how many of each. */
export async function cleanUp(db: Queryable): Promise<Readonly<Record<string, number>>> {
  const deleted: Record<string, number> = {};
  const statements = Object.entries(OLD).map(
    ([table, old]) => [table, `DELETE FROM ${table} WHERE id IN (${old} LIMIT ${CLEAN_UP_BATCH})`] as const,
  );
  for (const [name, statement] of [...statements, ["webhook_bodies", FORGET_RAW] as const]) {
    let last = CLEAN_UP_BATCH;
    for (deleted[name] = 0; last === CLEAN_UP_BATCH; deleted[name] += last) {
      const { rowCount } = await db.query(statement);
      last = rowCount ?? 0;
    }
  }
  return deleted;
}

export const toJob = (row: OutboxRow): JobToAdd => ({
  id: row.id,
  name: row.topic as JobToAdd["name"],
  payload: row.payload,
});
