import { z } from "zod";
import { DomainError } from "#server/contracts/errors.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { bidSchema } from "#server/contracts/matching.ts";
import { tripSchema } from "#server/contracts/trips.ts";
import { router } from "#server/trpc/init.ts";
import { customerProcedure, driverProcedure } from "#server/trpc/middleware/procedures.ts";

/** Fares that drivers name for a trip, and its rider takes one of. Only where its zone has bidding on. */
export const bidsRouter = router({
  place: driverProcedure({ limit: "trip.bid", idempotency: "optional" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips/{id}/bids", status: 201, summary: "Name a fare for a trip" },
    })
    .input(z.strictObject({ id: idSchema, amount: z.int().min(1).max(2_147_483_647) }))
    .output(bidSchema)
    .mutation(({ ctx, input: { id: tripId, amount } }) =>
      ctx.app.bids.place(ctx.actor.id, { id: ctx.operationId, tripId, amount }, ctx.claim),
    ),

  list: customerProcedure({ limit: "general", idempotency: "none" })
    .meta({ openapi: { method: "GET", path: "/api/v1/trips/{id}/bids", summary: "Fares that drivers named" } })
    .input(z.strictObject({ id: idSchema }))
    .output(z.object({ items: z.array(bidSchema) }))
    .query(async ({ ctx, input }) => ({ items: await ctx.app.bids.list(ctx.actor.id, input.id) })),

  accept: customerProcedure({ limit: "general", idempotency: "optional" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips/{id}/bids/{bidId}/accept", summary: "Take a driver's fare" },
    })
    .input(z.strictObject({ id: idSchema, bidId: idSchema }))
    .output(z.object({ trip: tripSchema, alreadyAccepted: z.boolean() }))
    .mutation(async ({ ctx, input: { id: tripId, bidId } }) => {
      const wish = { tripId, bidId, requestId: ctx.requestId };
      const outcome = await ctx.app.bids.accept(ctx.actor.id, wish, ctx.claim);
      if (!outcome.accepted) throw new DomainError(outcome.code, outcome.detail);
      return { trip: outcome.trip, alreadyAccepted: outcome.alreadyAccepted };
    }),
});
