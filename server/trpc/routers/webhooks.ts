import { tracked } from "@trpc/server";
import { z } from "zod";
import { idSchema } from "#server/contracts/ids.ts";
import { pageSizeSchema } from "#server/contracts/paging.ts";
import { GATEWAYS, PAYMENT_EVENT_VERDICTS, WEBHOOK_STATUSES } from "#server/contracts/payments.ts";
import { topics } from "#server/contracts/realtime.ts";
import { recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { reasonSchema } from "#server/trpc/routers/trips.ts";
import { changedIds, streamSignal } from "#server/trpc/ticks.ts";

const AT_ONCE = 200;

/** The gateways' inbox, as operators see it. */
export const webhooksRouter = router({
  list: operatorQuery("webhooks.view")
    .input(
      z.strictObject({
        gateways: z.array(z.enum(GATEWAYS)).default([]),
        statuses: z.array(z.enum(WEBHOOK_STATUSES)).default([]),
        verdicts: z.array(z.enum(PAYMENT_EVENT_VERDICTS)).default([]),
        cursor: idSchema.nullish(),
        limit: pageSizeSchema({ max: 200, fallback: 50 }),
      }),
    )
    .query(({ ctx, input }) => ctx.app.webhooks.list({ ...input, cursor: input.cursor ?? null })),

  detail: operatorQuery("webhooks.view")
    .input(z.strictObject({ id: idSchema }))
    .query(({ ctx, input }) => ctx.app.webhooks.detail(input.id)),

  /** Ticks that mean "read again". */
  feed: operatorQuery("webhooks.view").subscription(async function* ({ ctx, signal }) {
    for await (const ids of changedIds(ctx.app.bus, topics.webhooks, 1000, streamSignal(ctx, signal))) {
      const at = ctx.app.clock.now().toISOString();
      yield tracked(at, { at, ids });
    }
  }),

  reprocess: operatorProcedure({ permission: "webhooks.retry", audit: "webhook.reprocess" })
    .input(z.strictObject({ ids: z.array(idSchema).min(1).max(AT_ONCE), reason: reasonSchema }))
    .mutation(({ ctx, input }) => ctx.app.webhooks.reprocess(input.ids, recorder(ctx, input.reason))),
});
