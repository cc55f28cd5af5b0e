import { DomainError } from "#server/contracts/errors.ts";
import type { Queryable } from "#server/platform/db.ts";

/** A key that this request holds. The transaction that does the work stores the result under it (`remember`). */
export interface OpenClaim {
  readonly id: string;
  readonly ownerToken: string;
  /** HTTP status of the answer, should the work succeed. */
  readonly status: number;
  /** The result's JSON as `remember` stored it last; null before. */
  stored: string | null;
}

/** The result's JSON; of work that answers nothing, null. */
export const resultJson = (result: unknown): string => JSON.stringify(result ?? null);

const REMEMBER = `
UPDATE idempotency_keys k SET status = 'finished', status_code = r.status, response_body = r.body, updated_at = now()
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[]) AS r(id, owner_token, status, body)
WHERE k.id = r.id AND k.owner_token = r.owner_token AND k.status = 'running'`;

/**
 * Stores the answer in the transaction that does the work: killed at any moment, either both are there or neither. Throws
 * IDEMPOTENCY_IN_PROGRESS, and so undoes the work, when the lease ended meanwhile and another request took the key over.
 * Does nothing for a request without a key (null).
 */
export async function remember(tx: Queryable, claim: OpenClaim | null, result: unknown): Promise<void> {
  if (claim !== null) await rememberAll(tx, [{ claim, result }]);
}

export async function rememberAll(
  tx: Queryable,
  done: readonly { readonly claim: OpenClaim; readonly result: unknown }[],
): Promise<void> {
  if (done.length === 0) return;
  for (const { claim, result } of done) claim.stored = resultJson(result);
  const claims = done.map(({ claim }) => claim);
  const { rowCount } = await tx.query({
    name: "idempotency-remember",
    text: REMEMBER,
    values: [
      claims.map((claim) => claim.id),
      claims.map((claim) => claim.ownerToken),
      claims.map((claim) => claim.status),
      claims.map((claim) => claim.stored),
    ],
  });
  if (rowCount !== done.length)
    throw new DomainError("IDEMPOTENCY_IN_PROGRESS", "This took too long, and a retry with the same key does it now.", {
      retryAfterSeconds: 1,
    });
}
