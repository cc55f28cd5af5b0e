import type { Context, Hono } from "hono";
import { auditFilterSchema, MAX_EXPORTED_ROWS } from "#server/contracts/audit.ts";
import type { AuditRow } from "#server/contracts/console.ts";
import { csvCell } from "#server/contracts/csv.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { logActivity } from "#server/domain/ops/activity-log.ts";
import { countActivities, listActivities } from "#server/domain/ops/activity-view-store.ts";
import type { DoorEnv } from "#server/http/door.ts";
import { sendProblem } from "#server/http/problem.ts";
import type { Queryable } from "#server/platform/db.ts";
import { domainErrorOf } from "#server/trpc/init.ts";
import { enforceLimit } from "#server/trpc/middleware/rate-limit.ts";

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

/** Reads the next thousand rows only when the client has taken the last: memory does not grow with the log. */
function rowStream(
  db: Queryable,
  filter: Parameters<typeof listActivities>[1],
  format: (typeof FORMATS)[keyof typeof FORMATS],
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let cursor: string | null = null;
  let head: string = format.head;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const page = await listActivities(db, filter, { cursor, limit: ROWS_AT_ONCE });
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

async function exportAudit(c: Context<DoorEnv>): Promise<Response> {
  const app = c.get("app");
  const requestId = c.get("requestId");
  const ctx = c.get("contexts")({ headers: c.req.raw.headers, requestId, ip: c.get("clientAddress")(c) });
  const actor = await ctx.authenticate();
  if (actor.type !== "operator") throw new DomainError("FORBIDDEN", "Only operators may do this.");
  await enforceLimit(ctx, "general", actor);
  await app.access.assert(actor.id, "audit.view");
  const { format: wanted, ...sent } = c.req.query();
  if (wanted !== "csv" && wanted !== "jsonl")
    throw new DomainError("VALIDATION_FAILED", "Ask for format=csv or format=jsonl.");
  const filter = auditFilterSchema.parse(sent);
  // What is logged while it is written does not come in: the export is of one moment, its own row included.
  await logActivity(app.db.pool, {
    actor: { id: actor.id, name: actor.name },
    action: "audit.export",
    subject: { type: "audit", id: wanted },
    after: filter,
    reason: null,
    ip: ctx.ip,
    requestId,
  });
  if ((await countActivities(app.db.pool, filter, MAX_EXPORTED_ROWS)) > MAX_EXPORTED_ROWS)
    throw new DomainError(
      "VALIDATION_FAILED",
      `More than ${MAX_EXPORTED_ROWS.toLocaleString("en")} rows fit. Narrow the filter, by time for example.`,
    );
  const name = `audit-${app.clock.now().toISOString().slice(0, 16).replace(":", "")}Z.${wanted}`;
  return new Response(rowStream(app.db.pool, filter, FORMATS[wanted]), {
    headers: { "Content-Type": FORMATS[wanted].type, "Content-Disposition": `attachment; filename="${name}"` },
  });
}

/** `GET /api/ops/audit/export?format=csv|jsonl` and the filters of `audit.list`: the rows, streamed. */
export function mountAuditExport(hono: Hono<DoorEnv>): void {
  hono.get("/api/ops/audit/export", async (c) => {
    try {
      return await exportAudit(c);
    } catch (thrown) {
      return sendProblem(c, domainErrorOf(thrown), c.get("requestId"));
    }
  });
}
