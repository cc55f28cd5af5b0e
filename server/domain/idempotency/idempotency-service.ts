import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import type { OpenClaim } from "#server/domain/idempotency/open-claim.ts";
import { sha256Hex } from "#server/platform/crypto.ts";
import type { Database, Queryable } from "#server/platform/db.ts";
import { StatementGroup } from "#server/platform/statement-group.ts";

/** What makes two requests "the same": who, which operation, which key, and what they ask. */
export interface IdempotentRequest {
  readonly actorId: string;
  readonly operation: string;
  readonly key: string;
  readonly input: unknown;
  /** HTTP status of the answer, should the work succeed. */
  readonly status: number;
}

interface StoredResult {
  readonly status: number;
  /** JSON text, kept as it was: a replay is the same bytes. */
  readonly body: string;
}

export type Claim =
  | { readonly kind: "mine"; readonly open: OpenClaim }
  | { readonly kind: "replay"; readonly result: StoredResult };

const LEASE_SECONDS = 90;
const KEEP_HOURS = 24;
/** An app gives up after 7 s, and the work itself is still to come. */
const CLAIM_WAIT_MS = 2000;

/**
 * A new key, one that this very request had claimed when the connection broke, one whose holder died (same id: what was done under it is found again), or one that is older than a day and
 * hence new, by another id.
 */
const CLAIM = `
INSERT INTO idempotency_keys AS k (id, actor_id, operation, idempotency_key, request_hash, owner_token, lease_expires_at, expires_at)
SELECT c.*, now() + make_interval(secs => ${LEASE_SECONDS}), now() + make_interval(hours => ${KEEP_HOURS})
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[]) AS c
ON CONFLICT (actor_id, operation, idempotency_key) DO UPDATE SET
  owner_token = EXCLUDED.owner_token, lease_expires_at = EXCLUDED.lease_expires_at, updated_at = now(),
  id = CASE WHEN k.expires_at < now() THEN EXCLUDED.id ELSE k.id END,
  created_at = CASE WHEN k.expires_at < now() THEN now() ELSE k.created_at END,
  replays = CASE WHEN k.expires_at < now() THEN 0 ELSE k.replays END,
  conflicts = CASE WHEN k.expires_at < now() THEN 0 ELSE k.conflicts END,
  expires_at = EXCLUDED.expires_at, request_hash = EXCLUDED.request_hash,
  status = 'running', status_code = NULL, response_body = NULL
WHERE k.expires_at < now() OR k.owner_token = EXCLUDED.owner_token
  OR (k.status = 'running' AND k.lease_expires_at < now() AND k.request_hash = EXCLUDED.request_hash)
RETURNING id, owner_token`;

/** What the key holds; counts this request as a replay or as a conflict. */
const SEEN = `
UPDATE idempotency_keys SET updated_at = now(),
  replays = replays + CASE WHEN status = 'finished' AND request_hash = $4 THEN 1 ELSE 0 END,
  conflicts = conflicts + CASE WHEN status = 'finished' AND request_hash = $4 THEN 0 ELSE 1 END
WHERE actor_id = $1 AND operation = $2 AND idempotency_key = $3
RETURNING request_hash, status, status_code, response_body`;

/** Property order does not matter: objects are written with their keys sorted. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`).join(",")}}`;
}

interface KeyToClaim {
  readonly id: string;
  readonly scope: readonly [actorId: string, operation: string, key: string];
  readonly hash: string;
  readonly ownerToken: string;
}

/** The claims of one moment in one statement. The id under which each is claimed; null: the key is there already. */
async function claimAll(db: Queryable, keys: readonly KeyToClaim[]): Promise<(string | null)[]> {
  const { rows } = await db.query<{ id: string; owner_token: string }>({
    name: "idempotency-claim",
    text: CLAIM,
    values: [
      keys.map(({ id }) => id),
      keys.map(({ scope }) => scope[0]),
      keys.map(({ scope }) => scope[1]),
      keys.map(({ scope }) => scope[2]),
      keys.map(({ hash }) => hash),
      keys.map(({ ownerToken }) => ownerToken),
    ],
  });
  const idOf = new Map(rows.map((row) => [row.owner_token, row.id]));
  return keys.map(({ ownerToken }) => idOf.get(ownerToken) ?? null);
}

export class IdempotencyService {
  readonly #db: Database;
  readonly #claims: StatementGroup<KeyToClaim, string | null>;

  constructor(db: Database) {
    this.#db = db;
    this.#claims = new StatementGroup({
      run: (keys: readonly KeyToClaim[]) => claimAll(db.claimPool, keys),
      keysOf: ({ scope }) => [JSON.stringify(scope)],
      maxRows: 64,
      maxInFlight: 2,
      maxWaitMs: CLAIM_WAIT_MS,
      monotonicMs: () => performance.now(),
    });
  }

  /** Claims the key before the work. IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED, or whose turn it is. */
  async claim(request: IdempotentRequest): Promise<Claim> {
    const hash = sha256Hex(canonicalJson(request.input));
    const ownerToken = newId();
    const scope = [request.actorId, request.operation, request.key] as const;
    const { answer: id } = await this.#claims.ask({ id: newId(), scope, hash, ownerToken });
    if (id !== null) return { kind: "mine", open: { id, ownerToken, status: request.status, stored: null } };
    const { rows } = await this.#db.pool.query<{
      request_hash: string;
      status: string;
      status_code: number;
      response_body: string;
    }>({
      name: "idempotency-seen",
      text: SEEN,
      values: [...scope, hash],
    });
    const [seen] = rows;
    if (seen === undefined)
      throw new DomainError("IDEMPOTENCY_IN_PROGRESS", "The key was just given up. Try again.", {
        retryAfterSeconds: 1,
      });
    if (seen.request_hash !== hash)
      throw new DomainError(
        "IDEMPOTENCY_KEY_REUSED",
        "This Idempotency-Key was used with another body. Use a new key for a new request.",
      );
    if (seen.status === "running")
      throw new DomainError(
        "IDEMPOTENCY_IN_PROGRESS",
        "The first request with this key is still running. Try again in a second.",
        { retryAfterSeconds: 1 },
      );
    return { kind: "replay", result: { status: seen.status_code, body: seen.response_body } };
  }

  /** For work that has no transaction of its own to store its result in (`remember`), and for refusals. */
  async finish(claim: OpenClaim, result: StoredResult): Promise<void> {
    await this.#db.pool.query({
      name: "idempotency-finish",
      text: `UPDATE idempotency_keys SET status = 'finished', status_code = $3, response_body = $4, updated_at = now()
             WHERE id = $1 AND owner_token = $2`,
      values: [claim.id, claim.ownerToken, result.status, result.body],
    });
  }

  /** The work did not happen: the next request with this key does it. */
  async giveUp(claim: OpenClaim): Promise<void> {
    await this.#db.pool.query(
      "DELETE FROM idempotency_keys WHERE id = $1 AND owner_token = $2 AND status = 'running'",
      [claim.id, claim.ownerToken],
    );
  }
}
