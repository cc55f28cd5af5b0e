import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import { sha256Hex } from "#server/platform/crypto.ts";
import type { Database } from "#server/platform/db.ts";

/** What makes two requests "the same": who, which operation, which key, and what they ask. */
export interface IdempotentRequest {
  readonly actorId: string;
  readonly operation: string;
  readonly key: string;
  readonly input: unknown;
}

export interface StoredResult {
  readonly status: number;
  /** JSON text, kept as it was: a replay is the same bytes. */
  readonly body: string;
}

export type Claim =
  | { readonly kind: "mine"; readonly id: string; readonly ownerToken: string }
  | { readonly kind: "replay"; readonly result: StoredResult };

const LEASE_SECONDS = 90;
const KEEP_HOURS = 24;

const CLAIM = `
INSERT INTO idempotency_keys AS k (id, actor_id, operation, idempotency_key, request_hash, owner_token, lease_expires_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => ${LEASE_SECONDS}), now() + make_interval(hours => ${KEEP_HOURS}))
ON CONFLICT (actor_id, operation, idempotency_key) DO UPDATE SET
  owner_token = EXCLUDED.owner_token, lease_expires_at = EXCLUDED.lease_expires_at, updated_at = now()
WHERE k.status = 'running' AND k.lease_expires_at < now() AND k.request_hash = EXCLUDED.request_hash
RETURNING id`;

/** Property order does not matter: objects are written with their keys sorted. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`).join(",")}}`;
}

export class IdempotencyService {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Claims the key before the work. IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED, or whose turn it is. */
  async claim(request: IdempotentRequest): Promise<Claim> {
    const hash = sha256Hex(canonicalJson(request.input));
    const ownerToken = newId();
    const scope = [request.actorId, request.operation, request.key];
    const claimed = await this.#db.pool.query<{ id: string }>({
      name: "idempotency-claim",
      text: CLAIM,
      values: [newId(), ...scope, hash, ownerToken],
    });
    const [mine] = claimed.rows;
    if (mine !== undefined) return { kind: "mine", id: mine.id, ownerToken };
    const { rows } = await this.#db.pool.query<{
      request_hash: string;
      status: string;
      status_code: number;
      response_body: string;
    }>({
      name: "idempotency-seen",
      text: `UPDATE idempotency_keys SET replays = replays + 1, updated_at = now()
             WHERE actor_id = $1 AND operation = $2 AND idempotency_key = $3
             RETURNING request_hash, status, status_code, response_body`,
      values: scope,
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

  async finish(claim: { readonly id: string; readonly ownerToken: string }, result: StoredResult): Promise<void> {
    await this.#db.pool.query({
      name: "idempotency-finish",
      text: `UPDATE idempotency_keys SET status = 'finished', status_code = $3, response_body = $4, updated_at = now()
             WHERE id = $1 AND owner_token = $2`,
      values: [claim.id, claim.ownerToken, result.status, result.body],
    });
  }

  /** The work did not happen: the next request with this key does it. */
  async giveUp(claim: { readonly id: string; readonly ownerToken: string }): Promise<void> {
    await this.#db.pool.query(
      "DELETE FROM idempotency_keys WHERE id = $1 AND owner_token = $2 AND status = 'running'",
      [claim.id, claim.ownerToken],
    );
  }
}
