import type { LimitScope } from "#server/contracts/limits.ts";
import type { LimitSubject } from "#server/domain/limits/limit-subject.ts";
import type { Queryable } from "#server/platform/db.ts";

/** Refused calls of one subject under one scope in one minute. */
export interface Violations {
  readonly id: string;
  readonly scope: LimitScope;
  readonly subject: LimitSubject;
  readonly minute: Date;
  count: number;
  readonly firstAt: Date;
  lastAt: Date;
}

/** Adds to what other processes, or an earlier batch, counted. Ordered by key, so that two batches never wait for each other in a ring. */
export async function storeViolations(db: Queryable, batch: readonly Violations[]): Promise<void> {
  await db.query({
    name: "limit-violations",
    text: `INSERT INTO rate_limit_violations AS v (id, scope, subject_key, subject, user_id, minute, count, first_at, last_at)
      SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[], $7::int[], $8::timestamptz[], $9::timestamptz[])
        AS b(id, scope, subject_key, subject, user_id, minute, count, first_at, last_at)
      ORDER BY minute, scope, subject_key
      ON CONFLICT (minute, scope, subject_key) DO UPDATE SET count = v.count + excluded.count,
        first_at = least(v.first_at, excluded.first_at), last_at = greatest(v.last_at, excluded.last_at)`,
    values: [
      batch.map((v) => v.id),
      batch.map((v) => v.scope),
      batch.map((v) => v.subject.key),
      batch.map((v) => v.subject.shown),
      batch.map((v) => v.subject.userId),
      batch.map((v) => v.minute),
      batch.map((v) => v.count),
      batch.map((v) => v.firstAt),
      batch.map((v) => v.lastAt),
    ],
  });
}
