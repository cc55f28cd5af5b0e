import type { AuditFilter } from "#server/contracts/audit.ts";
import type { AuditRow, Page } from "#server/contracts/console.ts";
import type { Queryable } from "#server/platform/db.ts";

interface Row {
  readonly id: string;
  readonly actor_id: string | null;
  readonly actor_name: string;
  readonly action: string;
  readonly subject_type: string;
  readonly subject_id: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string | null;
  readonly ip: string | null;
  readonly request_id: string | null;
  readonly created_at: Date;
}

/** The least UUIDv7 of a time: rows are found by time through the index that orders them. */
function firstIdOf(time: string): string {
  const hex = Math.max(0, Date.parse(time)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** SQL and its values; equality first, so that each filter has its index, and all are ordered by id. */
function conditionOf(filter: AuditFilter): { readonly where: string; readonly values: string[] } {
  const values: string[] = [];
  const parts: string[] = [];
  const add = (sql: (place: string) => string, value: string | undefined) => {
    if (value !== undefined) parts.push(sql(`$${values.push(value)}`));
  };
  add((place) => `actor_id = ${place}::uuid`, filter.actorId);
  add((place) => `action = ${place}`, filter.action);
  add((place) => `subject_type = ${place}`, filter.subjectType);
  add((place) => `subject_id = ${place}`, filter.subjectId);
  add((place) => `id >= ${place}::uuid`, filter.from === undefined ? undefined : firstIdOf(filter.from));
  add((place) => `id < ${place}::uuid`, filter.to === undefined ? undefined : firstIdOf(filter.to));
  return { where: parts.length === 0 ? "true" : parts.join(" AND "), values };
}

const toAudit = (row: Row): AuditRow => ({
  id: row.id,
  at: row.created_at.toISOString(),
  actor: { id: row.actor_id, name: row.actor_name },
  action: row.action,
  subject: { type: row.subject_type, id: row.subject_id },
  before: row.before,
  after: row.after,
  reason: row.reason,
  ip: row.ip,
  requestId: row.request_id,
});

/** Newest first. */
export async function listActivities(
  db: Queryable,
  filter: AuditFilter,
  page: { readonly cursor: string | null; readonly limit: number },
): Promise<Page<AuditRow>> {
  const { where, values } = conditionOf(filter);
  const n = values.length;
  const { rows } = await db.query<Row>(
    `SELECT id, actor_id, actor_name, action, subject_type, subject_id, before, after, reason, ip, request_id, created_at
     FROM activity_logs WHERE ${where} AND ($${n + 1}::uuid IS NULL OR id < $${n + 1}::uuid) ORDER BY id DESC LIMIT $${n + 2}`,
    [...values, page.cursor, page.limit + 1],
  );
  const items = rows.slice(0, page.limit).map(toAudit);
  return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
}

/** How many rows fit, counted up to `max + 1`. */
export async function countActivities(db: Queryable, filter: AuditFilter, max: number): Promise<number> {
  const { where, values } = conditionOf(filter);
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (SELECT 1 FROM activity_logs WHERE ${where} LIMIT $${values.length + 1}) few`,
    [...values, max + 1],
  );
  return rows[0]?.count ?? 0;
}

/** Each action and each person once, by hops through an index: the log itself is not read. */
export async function listActivityNames(
  db: Queryable,
): Promise<{ actions: string[]; people: { id: string; name: string }[] }> {
  const [actions, people] = await Promise.all([
    db.query<{ action: string }>(
      `WITH RECURSIVE hop AS (
         (SELECT action FROM activity_logs ORDER BY action LIMIT 1)
         UNION ALL SELECT (SELECT action FROM activity_logs WHERE action > hop.action ORDER BY action LIMIT 1)
         FROM hop WHERE hop.action IS NOT NULL)
       SELECT action FROM hop WHERE action IS NOT NULL`,
    ),
    db.query<{ id: string; name: string }>(
      `WITH RECURSIVE hop AS (
         (SELECT actor_id FROM activity_logs WHERE actor_id IS NOT NULL ORDER BY actor_id LIMIT 1)
         UNION ALL SELECT (SELECT actor_id FROM activity_logs WHERE actor_id > hop.actor_id ORDER BY actor_id LIMIT 1)
         FROM hop WHERE hop.actor_id IS NOT NULL)
       SELECT actor_id AS id, (SELECT actor_name FROM activity_logs l WHERE l.actor_id = hop.actor_id ORDER BY id DESC LIMIT 1) AS name
       FROM hop WHERE actor_id IS NOT NULL ORDER BY name`,
    ),
  ]);
  return { actions: actions.rows.map(({ action }) => action), people: people.rows };
}
