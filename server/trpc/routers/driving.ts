import { z } from "zod";
import { locationUpdateSchema } from "#server/contracts/realtime.ts";
import { AVAILABILITIES, tripSchema } from "#server/contracts/trips.ts";
import { router } from "#server/trpc/init.ts";
import { driverProcedure } from "#server/trpc/middleware/procedures.ts";

/** A driver's own state, as the driver app uses it. */
export const drivingRouter = router({
  setAvailability: driverProcedure({ limit: "general", idempotency: "optional" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/drivers/me/availability", summary: "Go on or off line" },
    })
    .input(z.strictObject({ online: z.boolean(), availability: z.enum(["available", "unavailable"]).optional() }))
    .output(
      z.object({ online: z.boolean(), availability: z.enum(AVAILABILITIES), releasedTripIds: z.array(z.string()) }),
    )
    .mutation(({ ctx, input }) =>
      ctx.app.drivers.setAvailability(
        ctx.actor.id,
        {
          online: input.online,
          availability: input.availability ?? (input.online ? "available" : "unavailable"),
        },
        ctx.claim,
      ),
    ),

  location: driverProcedure({ limit: "location.update", idempotency: "none" })
    .meta({ openapi: { method: "POST", path: "/api/v1/location", status: 202, summary: "Where the driver is" } })
    .input(locationUpdateSchema)
    .output(z.object({ accepted: z.boolean() }))
    .mutation(({ ctx, input }) => ({ accepted: ctx.app.locations.accept(ctx.actor.id, input) })),

  pending: driverProcedure({ limit: "general", idempotency: "none" })
    .meta({
      openapi: { method: "GET", path: "/api/v1/rides/pending", summary: "Offers open to this driver, nearest first" },
    })
    .input(z.strictObject({}))
    .output(
      z.object({
        items: z.array(
          z.object({
            offerId: z.string(),
            tripId: z.string(),
            trip: tripSchema,
            distanceMeters: z.int(),
            expiresAt: z.string(),
          }),
        ),
      }),
    )
    .query(async ({ ctx }) => ({ items: await ctx.app.dispatch.openOffers(ctx.actor.id) })),
});
