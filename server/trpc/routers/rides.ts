import { z } from "zod";
import { DomainError } from "#server/contracts/errors.ts";
import { placeSchema } from "#server/contracts/geo.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { pageSizeSchema } from "#server/contracts/paging.ts";
import { TRIP_STATUSES, tripSchema, tripStatusSchema, vehicleCategorySchema } from "#server/contracts/trips.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import { inTime } from "#server/platform/in-time.ts";
import { type RequestContext, router } from "#server/trpc/init.ts";
import { appProcedure, customerProcedure, driverProcedure } from "#server/trpc/middleware/procedures.ts";
import { giveLimitBack } from "#server/trpc/middleware/rate-limit.ts";

const byId = z.strictObject({ id: idSchema });
const reasonSchema = z.string().trim().min(1).max(500);
/** `?status=pending,accepted` or repeated. */
const statusFilter = z
  .union([z.string(), z.array(z.string())])
  .optional()
  .transform((value) => (value === undefined ? [] : [value].flat().flatMap((part) => part.split(","))))
  .pipe(z.array(tripStatusSchema))
  .meta({ type: "string", description: `One or more of ${TRIP_STATUSES.join(", ")}, separated by commas.` });

/** With what counting may take before it, a refusal stays within 250 ms though Redis fell silent in between. */
const LOOK_WITHIN_MS = 60;

/** An app that repeats the accept of the trip it has, or just asked for, is on a bad network, not greedy. */
async function holdsTrip(ctx: RequestContext, actor: Actor, input: unknown): Promise<boolean> {
  const asked = byId.loose().safeParse(input);
  if (!asked.success) return false;
  const held = await inTime(LOOK_WITHIN_MS, ctx.app.lock.get(asked.data.id)).catch(() => null);
  return held?.ownerDriverId === actor.id;
}

/** Trips as the customer and driver apps use them. */
export const ridesRouter = router({
  create: customerProcedure({ limit: "trip.create", idempotency: "required" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips", status: 201, summary: "Request a trip" },
    })
    .input(
      z.strictObject({
        pickup: placeSchema,
        destination: placeSchema,
        stops: z.array(placeSchema).max(5).default([]),
        vehicleCategory: vehicleCategorySchema,
        paymentMethod: z.string().min(1).max(40),
        type: z.enum(["ride_request", "parcel"]).default("ride_request"),
        /** At least a quarter of an hour ahead; left out: as soon as possible. */
        scheduledAt: z.iso.datetime({ offset: true }).optional(),
        couponCode: z.string().min(1).max(40).optional(),
        /** Of an estimate, within its time: its fare is held. */
        quote: z.string().min(1).max(600).optional(),
        parcel: z
          .strictObject({
            description: z.string().max(500).optional(),
            weightKg: z.number().positive().max(500).optional(),
            recipientName: z.string().max(120).optional(),
            recipientPhone: z.string().max(20).optional(),
          })
          .optional(),
      }),
    )
    .output(tripSchema)
    .mutation(({ ctx, input: { scheduledAt, ...input } }) =>
      ctx.app.trips.create(
        ctx.actor.id,
        scheduledAt === undefined ? input : { ...input, scheduledAt: new Date(scheduledAt) },
        ctx,
      ),
    ),

  list: appProcedure({ limit: "general", idempotency: "none" })
    .meta({ openapi: { method: "GET", path: "/api/v1/trips", summary: "Own trips, newest first" } })
    .input(
      z.strictObject({
        status: statusFilter,
        cursor: idSchema.optional(),
        limit: pageSizeSchema({ max: 100, fallback: 20 }),
      }),
    )
    .output(z.object({ items: z.array(tripSchema), nextCursor: z.string().nullable() }))
    .query(({ ctx, input }) =>
      ctx.app.trips.list(ctx.actor, {
        status: input.status.length === 0 ? null : input.status,
        cursor: input.cursor ?? null,
        limit: input.limit,
      }),
    ),

  get: appProcedure({ limit: "general", idempotency: "none" })
    .meta({ openapi: { method: "GET", path: "/api/v1/trips/{id}", summary: "One trip" } })
    .input(byId)
    .output(tripSchema)
    .query(({ ctx, input }) => ctx.app.trips.get(ctx.actor, input.id)),

  cancel: appProcedure({ limit: "trip.cancel", idempotency: "optional" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips/{id}/cancel", summary: "Cancel a trip that has not started" },
    })
    .input(byId.extend({ reason: reasonSchema }))
    .output(tripSchema)
    .mutation(({ ctx, input }) => ctx.app.trips.cancel(ctx.actor, input.id, input.reason, null, ctx.claim)),

  accept: driverProcedure({ limit: "trip.accept", idempotency: "optional", pardon: holdsTrip })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips/{id}/accept", summary: "Take a trip" },
    })
    .input(byId.extend({ expectedVersion: z.int().min(0).max(2_147_483_647).optional() }))
    .output(z.object({ trip: tripSchema, alreadyAccepted: z.boolean() }))
    .mutation(async ({ ctx, input }) => {
      const outcome = await ctx.app.assignment.accept({
        tripId: input.id,
        driverId: ctx.actor.id,
        expectedVersion: input.expectedVersion ?? null,
        requestId: ctx.requestId,
        claim: ctx.claim,
      });
      if (!outcome.accepted) throw new DomainError(outcome.code, outcome.detail);
      if (outcome.alreadyAccepted) await giveLimitBack(ctx, "trip.accept");
      return { trip: outcome.trip, alreadyAccepted: outcome.alreadyAccepted };
    }),

  reject: driverProcedure({ limit: "general", idempotency: "optional" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips/{id}/reject", summary: "Decline an offer" },
    })
    .input(byId)
    .output(tripSchema)
    .mutation(async ({ ctx, input }) => {
      await ctx.app.dispatch.reject(ctx.actor.id, input.id);
      return ctx.app.trips.getDeclined(ctx.actor.id, input.id);
    }),

  arrive: driverProcedure({ limit: "general", idempotency: "optional" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips/{id}/arrive", summary: "At the pickup" },
    })
    .input(byId)
    .output(tripSchema)
    .mutation(({ ctx, input }) => ctx.app.trips.arrive(ctx.actor.id, input.id, ctx.claim)),

  start: driverProcedure({ limit: "general", idempotency: "optional" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips/{id}/start", summary: "Start with the rider's code" },
    })
    .input(byId.extend({ otp: z.string().regex(/^\d{4}$/, "4 digits") }))
    .output(tripSchema)
    .mutation(({ ctx, input }) => ctx.app.trips.start(ctx.actor.id, input.id, input.otp, ctx.claim)),

  complete: driverProcedure({ limit: "general", idempotency: "optional" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/trips/{id}/complete", summary: "End the trip" },
    })
    .input(byId.extend({ distanceMeters: z.int().min(0).max(2_000_000).optional() }))
    .output(tripSchema)
    .mutation(({ ctx, input }) =>
      ctx.app.trips.complete(ctx.actor.id, input.id, { distanceMeters: input.distanceMeters ?? null }, ctx.claim),
    ),

  review: customerProcedure({ limit: "general", idempotency: "optional" })
    .meta({
      openapi: {
        method: "POST",
        path: "/api/v1/trips/{id}/review",
        status: 201,
        summary: "Review a trip that has ended",
      },
    })
    .input(byId.extend({ rating: z.int().min(1).max(5), comment: z.string().trim().min(1).max(1000).optional() }))
    .output(
      z.object({
        id: z.string(),
        tripId: z.string(),
        driverId: z.string(),
        rating: z.int(),
        comment: z.string().nullable(),
        createdAt: z.string(),
      }),
    )
    .mutation(({ ctx, input: { id: tripId, rating, comment = null } }) =>
      ctx.app.reviews.add(ctx.actor.id, { id: ctx.operationId, tripId, rating, comment }),
    ),
});
