import type { Hono } from "hono";
import type { AuditExport } from "#server/contracts/audit.ts";
import { exportedRows } from "#server/domain/ops/activity-export.ts";
import { type DoorEnv, respond } from "#server/http/door.ts";
import { createCaller } from "#server/trpc/root.ts";

const ROUTE = "/api/ops/audit/export";

/**
 * `GET /api/ops/audit/export?format=csv|jsonl` and the filters of `audit.list`: the rows, streamed. Who may, how often and
 * what may be asked is the procedure's to say (`audit.export`); this only writes the file.
 */
export function mountAuditExport(hono: Hono<DoorEnv>): void {
  hono.get(ROUTE, (c) =>
    respond(c, ROUTE, async (ctx) => {
      const wanted = c.req.query() as unknown as AuditExport;
      const { fileName, type } = await createCaller(ctx).audit.export(wanted);
      const rows = exportedRows(ctx.app.db.pool, wanted, (err) =>
        ctx.logger.error({ err, route: ROUTE }, "the export broke off"),
      );
      const headers = { "Content-Type": type, "Content-Disposition": `attachment; filename="${fileName}"` };
      return new Response(rows, { headers });
    }),
  );
}
