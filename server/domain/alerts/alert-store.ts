import type { Alert, AlertSeverity, Page } from "#server/contracts/console.ts";
import { newId } from "#server/contracts/ids.ts";
import type { Queryable } from "#server/platform/db.ts";

/** What somebody should look at. The same kind and subject is one open alert, however often it comes. */
export interface NewAlert {
  readonly kind: string;
  readonly severity: AlertSeverity;
  readonly subject: { readonly type: "driver" | "customer" | "job"; readonly id: string };
  /** One sentence. */
  readonly summary: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** At most one of a kind and subject in a call. */
export async function raiseAlerts(db: Queryable, alerts: readonly NewAlert[]): Promise<void> {
  await db.query({
    name: "alerts-raise",
    text: `INSERT INTO alerts (id, kind, severity, subject_type, subject_id, summary, data)
           SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[]) AS a
           ORDER BY 2, 4, 5
           ON CONFLICT (kind, subject_type, subject_id) WHERE resolved_at IS NULL
           DO UPDATE SET occurrences = alerts.occurrences + 1, last_at = now(), severity = EXCLUDED.severity,
             summary = EXCLUDED.summary, data = EXCLUDED.data`,
    values: [
      alerts.map(newId),
      alerts.map(({ kind }) => kind),
      alerts.map(({ severity }) => severity),
      alerts.map(({ subject }) => subject.type),
      alerts.map(({ subject }) => subject.id),
      alerts.map(({ summary }) => summary),
      alerts.map(({ data }) => JSON.stringify(data ?? {})),
    ],
  });
}

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly severity: AlertSeverity;
  readonly subject_type: string;
  readonly subject_id: string;
  readonly subject_name: string | null;
  readonly summary: string;
  readonly data: Record<string, unknown>;
  readonly occurrences: number;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly resolved_at: Date | null;
  readonly resolved_by_name: string | null;
  readonly resolution: string | null;
}

const COLUMNS = `a.id, a.kind, a.severity, a.subject_type, a.subject_id, a.summary, a.data, a.occurrences, a.first_at,
  a.last_at, a.resolved_at, a.resolved_by_name, a.resolution`;

const toAlert = (row: Row): Alert => ({
  id: row.id,
  kind: row.kind,
  severity: row.severity,
  subject: { type: row.subject_type, id: row.subject_id, name: row.subject_name },
  summary: row.summary,
  data: row.data,
  occurrences: row.occurrences,
  firstAt: row.first_at.toISOString(),
  lastAt: row.last_at.toISOString(),
  resolvedAt: row.resolved_at?.toISOString() ?? null,
  resolvedBy: row.resolved_by_name,
  resolution: row.resolution,
});

/** Newest first, by id. */
export async function listAlerts(
  db: Queryable,
  filter: { readonly open: boolean; readonly cursor: string | null; readonly limit: number },
): Promise<Page<Alert>> {
  const { rows } = await db.query<Row>(
    `SELECT ${COLUMNS}, u.first_name || ' ' || u.last_name AS subject_name
     FROM (SELECT * FROM alerts WHERE resolved_at IS ${filter.open ? "" : "NOT"} NULL AND ($1::uuid IS NULL OR id < $1)
           ORDER BY id DESC LIMIT $2) a
     LEFT JOIN users u ON u.id = CASE WHEN a.subject_type IN ('driver', 'customer') THEN a.subject_id::uuid END
     ORDER BY a.id DESC`,
    [filter.cursor, filter.limit + 1],
  );
  const items = rows.slice(0, filter.limit).map(toAlert);
  return { items, nextCursor: rows.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
}

export async function countOpen(db: Queryable): Promise<{ open: number; critical: number }> {
  const { rows } = await db.query<{ open: number; critical: number }>({
    name: "alerts-count",
    text: `SELECT count(*)::int AS open, count(*) FILTER (WHERE severity = 'critical')::int AS critical
           FROM alerts WHERE resolved_at IS NULL`,
  });
  return rows[0] ?? { open: 0, critical: 0 };
}

/** Null when there is none, or it is resolved already. */
export async function resolveAlert(
  tx: Queryable,
  id: string,
  by: { readonly id: string; readonly name: string; readonly resolution: string },
): Promise<{ kind: string; subject_type: string; subject_id: string } | null> {
  const { rows } = await tx.query<{ kind: string; subject_type: string; subject_id: string }>(
    `UPDATE alerts SET resolved_at = now(), resolved_by = $2, resolved_by_name = $3, resolution = $4
     WHERE id = $1 AND resolved_at IS NULL RETURNING kind, subject_type, subject_id`,
    [id, by.id, by.name, by.resolution],
  );
  return rows[0] ?? null;
}

/** Ends the open alert about something that has been dealt with elsewhere. */
export async function resolveBySubject(
  tx: Queryable,
  alert: Pick<NewAlert, "kind" | "subject">,
  by: { readonly id: string; readonly name: string; readonly resolution: string },
): Promise<void> {
  await tx.query(
    `UPDATE alerts SET resolved_at = now(), resolved_by = $4, resolved_by_name = $5, resolution = $6
     WHERE kind = $1 AND subject_type = $2 AND subject_id = $3 AND resolved_at IS NULL`,
    [alert.kind, alert.subject.type, alert.subject.id, by.id, by.name, by.resolution],
  );
}
