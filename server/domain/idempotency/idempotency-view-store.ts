import type { IdempotencyDetail, IdempotencyRow, IdempotencyState, Page } from "#server/contracts/console.ts";
import { mask } from "#server/domain/ops/mask.ts";
import type { Queryable } from "#server/platform/db.ts";

interface KeyRow {
  readonly id: string;
  readonly idempotency_key: string;
  readonly operation: string;
  readonly actor_id: string;
  readonly actor_name: string | null;
  readonly actor_type: string | null;
  readonly state: IdempotencyState;
  readonly lease_seconds: number;
  readonly status_code: number | null;
  readonly replays: number;
  readonly conflicts: number;
  readonly created_at: Date;
  readonly expires_at: Date;
}

const STATE =
  "CASE WHEN k.status = 'finished' THEN 'finished' WHEN k.lease_expires_at > now() THEN 'running' ELSE 'abandoned' END";
const COLUMNS = `k.id, k.idempotency_key, k.operation, k.actor_id, k.status_code, k.replays, k.conflicts, k.created_at, k.expires_at,
  ${STATE} AS state, EXTRACT(EPOCH FROM k.lease_expires_at - now())::float8 AS lease_seconds,
  NULLIF(trim(concat_ws(' ', u.first_name, u.last_name)), '') AS actor_name, u.user_type AS actor_type`;
/** By the users' own index; an actor's id is text here. */
const JOIN_ACTOR = "LEFT JOIN users u ON u.id = CASE WHEN k.actor_id ~ '^[0-9a-f-]{36}$' THEN k.actor_id::uuid END";

const toRow = (row: KeyRow): IdempotencyRow => ({
  id: row.id,
  key: row.idempotency_key,
  operation: row.operation,
  actorId: row.actor_id,
  actorName: row.actor_name,
  actorType: row.actor_type,
  state: row.state,
  leaseSeconds: row.state === "running" ? Math.max(0, row.lease_seconds) : null,
  statusCode: row.status_code,
  replays: row.replays,
  conflicts: row.conflicts,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
});

/** Newest first. `q`: a whole key or an actor's id. */
export async function listKeys(
  db: Queryable,
  filter: {
    readonly states: readonly IdempotencyState[];
    readonly q: string;
    readonly conflicts: boolean;
    readonly cursor: string | null;
    readonly limit: number;
  },
): Promise<Page<IdempotencyRow>> {
  // The page is cut before the names are joined to it; each condition that can stand alone has its index.
  const { rows } = await db.query<KeyRow>({
    text: `SELECT ${COLUMNS} FROM (
             SELECT * FROM idempotency_keys k
             WHERE ($1 = '' OR k.actor_id = $1 OR k.idempotency_key = $1)
               AND ($2::text[] IS NULL OR ${STATE} = ANY($2)) ${filter.conflicts ? "AND k.conflicts > 0" : ""}
               AND ($3::uuid IS NULL OR k.id < $3)
             ORDER BY k.id DESC LIMIT $4
           ) k ${JOIN_ACTOR}
           ORDER BY k.id DESC`,
    values: [filter.q, filter.states.length === 0 ? null : filter.states, filter.cursor, filter.limit + 1],
  });
  const items = rows.slice(0, filter.limit).map(toRow);
  return { items, nextCursor: rows.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
}

export async function readKey(db: Queryable, id: string): Promise<IdempotencyDetail | null> {
  const { rows } = await db.query<KeyRow & { request_hash: string; response_body: string | null }>(
    `SELECT ${COLUMNS}, k.request_hash, k.response_body FROM idempotency_keys k ${JOIN_ACTOR} WHERE k.id = $1`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const body: unknown = row.response_body === null ? null : JSON.parse(row.response_body);
  return { ...toRow(row), requestHash: row.request_hash, body: mask(body) };
}
