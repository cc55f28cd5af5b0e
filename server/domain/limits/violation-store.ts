import type { LimitViolation, Page } from "#server/contracts/console.ts";
import type { LimitScope } from "#server/contracts/limits.ts";
import type { LimitSubject } from "#server/domain/limits/limit-subject.ts";
import { patternsOf, peopleStartingWith } from "#server/domain/ops/search.ts";
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

/** Newest first; `q` is the start of an address or a name, or of a person's phone or name. */
export async function listViolations(
  db: Queryable,
  filter: {
    readonly scopes: readonly LimitScope[] | null;
    readonly q: string | null;
    readonly cursor: string | null;
    readonly limit: number;
  },
): Promise<Page<LimitViolation>> {
  const wanted = patternsOf(filter.q);
  const { rows } = await db.query<{
    id: string;
    scope: LimitScope;
    subject: string;
    count: number;
    first_at: Date;
    last_at: Date;
    user_id: string | null;
    name: string | null;
    user_type: "customer" | "driver" | "operator" | null;
  }>({
    text: `SELECT v.id, v.scope, v.subject, v.count, v.first_at, v.last_at, u.id AS user_id, u.user_type,
        u.first_name || ' ' || u.last_name AS name
      FROM rate_limit_violations v LEFT JOIN users u ON u.id = v.user_id
      WHERE ($1::text[] IS NULL OR v.scope = ANY($1)) AND ($2::uuid IS NULL OR v.id < $2)
        AND ${
          wanted === null
            ? "$4::text IS NULL AND $5::text IS NULL"
            : `(v.subject LIKE $4 OR v.user_id IN (${peopleStartingWith({ asTyped: "$4", lower: "$5" })}))`
        }
      ORDER BY v.id DESC LIMIT $3`,
    values: [filter.scopes, filter.cursor, filter.limit + 1, wanted?.asTyped ?? null, wanted?.lower ?? null],
  });
  const items = rows.slice(0, filter.limit).map(
    ({ id, scope, subject, count, first_at, last_at, user_id, name, user_type }): LimitViolation => ({
      id,
      scope,
      subject,
      person: user_id === null || name === null || user_type === null ? null : { id: user_id, name, type: user_type },
      count,
      firstAt: first_at.toISOString(),
      lastAt: last_at.toISOString(),
    }),
  );
  return { items, nextCursor: rows.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
}
