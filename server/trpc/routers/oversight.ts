import { tracked } from "@trpc/server";
import { z } from "zod";
import { auditExportSchema, auditFilterSchema } from "#server/contracts/audit.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { pageSizeSchema } from "#server/contracts/paging.ts";
import { topics } from "#server/contracts/realtime.ts";
import { SETTING_KEYS } from "#server/contracts/settings.ts";
import { beginExport } from "#server/domain/ops/activity-export.ts";
import { listActivities, listActivityNames } from "#server/domain/ops/activity-view-store.ts";
import { recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { reasonSchema } from "#server/trpc/routers/trips.ts";
import { changedIds, streamSignal } from "#server/trpc/ticks.ts";

const limit = pageSizeSchema({ max: 200, fallback: 50 });

export const settingsRouter = router({
  list: operatorQuery("settings.manage").query(({ ctx }) => ctx.app.settings.list()),

  set: operatorProcedure({ permission: "settings.manage", audit: "setting.change" })
    .input(
      z.strictObject({
        key: z.enum(SETTING_KEYS),
        value: z.int(),
        expectedVersion: z.int().min(0).max(2_147_483_647),
        reason: reasonSchema,
      }),
    )
    .mutation(({ ctx, input: { reason, ...change } }) =>
      ctx.app.settings.set(ctx.actor, change, recorder(ctx, reason), ctx.claim),
    ),
});

export const alertsRouter = router({
  list: operatorQuery("alerts.view")
    .input(z.strictObject({ open: z.boolean().default(true), cursor: idSchema.nullish(), limit }))
    .query(({ ctx, input }) => ctx.app.alerts.list({ ...input, cursor: input.cursor ?? null })),

  count: operatorQuery("alerts.view").query(({ ctx }) => ctx.app.alerts.count()),

  /** Ticks that mean "read the alerts again". */
  live: operatorQuery("alerts.view").subscription(async function* ({ ctx, signal }) {
    for await (const _ of changedIds(ctx.app.bus, topics.alerts, 500, streamSignal(ctx, signal))) {
      const at = ctx.app.clock.now().toISOString();
      yield tracked(at, { at });
    }
  }),

  resolve: operatorProcedure({ permission: "alerts.resolve", audit: "alert.resolve" })
    .input(z.strictObject({ id: idSchema, reason: reasonSchema }))
    .mutation(({ ctx, input }) => ctx.app.alerts.resolve(ctx.actor, input, recorder(ctx, input.reason), ctx.claim)),
});

export const auditRouter = router({
  list: operatorQuery("audit.view")
    .input(auditFilterSchema.extend({ cursor: idSchema.nullish(), limit }))
    .query(({ ctx, input: { cursor, limit, ...filter } }) =>
      listActivities(ctx.app.db.pool, filter, { cursor: cursor ?? null, limit }),
    ),

  /** Allows an export and logs it; the file itself is written by `http/audit-export.ts`. Each download is one of its own. */
  export: operatorProcedure({ permission: "audit.view", audit: "audit.export", idempotency: "none" })
    .input(auditExportSchema)
    .mutation(async ({ ctx, input }) => {
      const type = await beginExport(ctx.app.db, input, recorder(ctx, null));
      const minute = ctx.app.clock.now().toISOString().slice(0, 16).replace(":", "");
      return { fileName: `audit-${minute}Z.${input.format}`, type };
    }),

  /** What the filters offer: every action and every person that the log has. */
  names: operatorQuery("audit.view").query(({ ctx }) => listActivityNames(ctx.app.db.pool)),
});
