import { type AuditExport, MAX_EXPORTED_ROWS } from "#server/contracts/audit.ts";
import type { AuditRow } from "#server/contracts/console.ts";
import { csvCell } from "#server/contracts/csv.ts";
import { DomainError } from "#server/contracts/errors.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { countActivities, listActivities } from "#server/domain/ops/activity-view-store.ts";
import type { Database, Queryable } from "#server/platform/db.ts";

const ROWS_AT_ONCE = 1000;

const COLUMNS: readonly (readonly [header: string, value: (row: AuditRow) => string | null])[] = [
  ["time", (row) => row.at],
  ["person", (row) => row.actor.name],
  ["person id", (row) => row.actor.id],
  ["action", (row) => row.action],
  ["subject type", (row) => row.subject.type],
  ["subject id", (row) => row.subject.id],
  ["reason", (row) => row.reason],
  ["before", (row) => (row.before === null ? null : JSON.stringify(row.before))],
  ["after", (row) => (row.after === null ? null : JSON.stringify(row.after))],
  ["ip", (row) => row.ip],
  ["request id", (row) => row.requestId],
  ["id", (row) => row.id],
];

const FORMATS = {
  csv: {
    type: "text/csv; charset=utf-8",
    /** The byte order mark makes Excel read UTF-8. */
    head: `\uFEFF${COLUMNS.map(([header]) => csvCell(header)).join(",")}\r\n`,
    line: (row: AuditRow) => `${COLUMNS.map(([, value]) => csvCell(value(row))).join(",")}\r\n`,
  },
  jsonl: { type: "application/x-ndjson", head: "", line: (row: AuditRow) => `${JSON.stringify(row)}\n` },
} as const;

/**
 * The rows as a file. Reads the next thousand only when the client has taken the last: memory does not grow with the log.
 * The answer has begun by then, so what goes wrong can only be told to `onError`.
 */
export function exportedRows(
  db: Queryable,
  { format: wanted, ...filter }: AuditExport,
  onError: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  const format = FORMATS[wanted];
  const encoder = new TextEncoder();
  let cursor: string | null = null;
  let head: string = format.head;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const page = await listActivities(db, filter, { cursor, limit: ROWS_AT_ONCE }).catch((error: unknown) => {
          onError(error);
          throw error;
        });
        const text = head + page.items.map(format.line).join("");
        head = "";
        if (text !== "") controller.enqueue(encoder.encode(text));
        cursor = page.nextCursor;
        if (cursor === null) controller.close();
      },
    },
    { highWaterMark: 1 },
  );
}

/**
 * Puts the export in the log; what is logged while it is written does not come in, its own row does. VALIDATION_FAILED
 * beyond `MAX_EXPORTED_ROWS`. Returns the file's type.
 */
export async function beginExport(db: Database, { format, ...filter }: AuditExport, record: Recorder): Promise<string> {
  if ((await countActivities(db.pool, filter, MAX_EXPORTED_ROWS)) > MAX_EXPORTED_ROWS)
    throw new DomainError(
      "VALIDATION_FAILED",
      `More than ${MAX_EXPORTED_ROWS.toLocaleString("en")} rows fit. Narrow the filter, by time for example.`,
    );
  await db.transaction((tx) => record(tx, { type: "audit", id: format }, { after: filter }));
  return FORMATS[format].type;
}
