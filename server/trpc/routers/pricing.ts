import { z } from "zod";
import { estimateSchema, tariffSchema } from "#server/contracts/fares.ts";
import { placeSchema } from "#server/contracts/geo.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { surgeMultiplierSchema, surgeStepsSchema } from "#server/contracts/surge.ts";
import { recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { customerProcedure, operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { reasonSchema } from "#server/trpc/routers/trips.ts";

const version = z.int().min(0).max(2_147_483_647);

/** What rides cost: to riders before they book, and as operators set it. */
export const pricingRouter = router({
  estimate: customerProcedure({ limit: "general", idempotency: "optional" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips/estimate", summary: "What a ride would cost now" },
    })
    .input(
      z.strictObject({
        pickup: placeSchema,
        destination: placeSchema,
        stops: z.array(placeSchema).max(5).default([]),
      }),
    )
    .output(estimateSchema)
    .mutation(({ ctx, input }) => ctx.app.fares.estimate(ctx.actor.id, input)),

  fares: operatorQuery("trips.view").query(({ ctx }) => ctx.app.fares.view()),

  setFare: operatorProcedure({ permission: "zones.manage", audit: "fare.set" })
    .input(
      z.strictObject({
        zoneId: idSchema.nullable(),
        categoryId: idSchema,
        tariff: tariffSchema.nullable(),
        expectedVersion: version,
        reason: reasonSchema,
      }),
    )
    .mutation(({ ctx, input: { reason, ...change } }) =>
      ctx.app.fares.set(ctx.actor, change, recorder(ctx, reason), ctx.claim),
    ),

  surge: operatorQuery("trips.view").query(({ ctx }) => ctx.app.surge.view()),

  surgeHistory: operatorQuery("trips.view")
    .input(z.strictObject({ zoneId: idSchema, hours: z.int().min(1).max(48).default(6) }))
    .query(({ ctx, input }) => ctx.app.surge.history(input.zoneId, input.hours)),

  setSurge: operatorProcedure({ permission: "zones.manage", audit: "zone.surge" })
    .input(
      z.strictObject({
        zoneId: idSchema,
        enabled: z.boolean(),
        cap: surgeMultiplierSchema,
        steps: surgeStepsSchema.nullable(),
        override: z.strictObject({ multiplier: surgeMultiplierSchema, minutes: z.int().min(5).max(1440) }).nullable(),
        expectedVersion: version,
        reason: reasonSchema,
      }),
    )
    .mutation(({ ctx, input: { reason, ...change } }) =>
      ctx.app.surge.set(ctx.actor, change, recorder(ctx, reason), ctx.claim),
    ),
});
