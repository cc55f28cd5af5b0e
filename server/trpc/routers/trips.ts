import { tracked } from "@trpc/server";
import { z } from "zod";
import type { TripDetail } from "#server/contracts/console.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { pageSizeSchema } from "#server/contracts/paging.ts";
import { topics } from "#server/contracts/realtime.ts";
import { type Trip, tripStatusSchema } from "#server/contracts/trips.ts";
import { listBids } from "#server/domain/bidding/bid-store.ts";
import type { OpenClaim } from "#server/domain/idempotency/open-claim.ts";
import { readBatches, toBatchRow } from "#server/domain/matching/batch-store.ts";
import { buildTimeline } from "#server/domain/ops/timeline.ts";
import * as views from "#server/domain/ops/trip-view-store.ts";
import { isLive, next } from "#server/domain/trips/trip-state.ts";
import { type OperatorContext, recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { changedIds, streamSignal } from "#server/trpc/ticks.ts";

export const reasonSchema = z.string().trim().min(5, "say why, in at least 5 characters").max(500);
const changeSchema = z.strictObject({
  id: idSchema,
  reason: reasonSchema,
  expectedVersion: z.int().min(0).max(2_147_483_647),
});

/** Trips as operators see and change them. */
export const tripsRouter = router({
  list: operatorQuery("trips.view")
    .input(
      z.strictObject({
        status: z.array(tripStatusSchema).optional(),
        q: z.string().max(80).optional(),
        zoneId: idSchema.optional(),
        sort: z.enum(["newest", "oldest"]).default("newest"),
        cursor: idSchema.nullish(),
        limit: pageSizeSchema({ max: 200, fallback: 50 }),
      }),
    )
    .query(({ ctx, input }) =>
      views.listTrips(ctx.app.db.pool, {
        status: input.status === undefined || input.status.length === 0 ? null : input.status,
        q: input.q ?? null,
        zoneId: input.zoneId ?? null,
        sort: input.sort,
        cursor: input.cursor ?? null,
        limit: input.limit,
      }),
    ),

  detail: operatorQuery("trips.view")
    .input(z.strictObject({ id: idSchema }))
    .query(async ({ ctx, input }): Promise<TripDetail> => {
      const { held } = ctx;
      const { pool, prisma } = ctx.app.db;
      const trip = await ctx.app.trips.get(ctx.actor, input.id);
      const [viewers, batches, bids, offers, events, effects, lock, messages, zone, driverPosition] = await Promise.all(
        [
          ctx.app.viewers.count(trip.id),
          readBatches(pool, trip.id),
          trip.bidding ? listBids(pool, trip.id) : [],
          views.readOffers(pool, trip.id),
          views.readEvents(pool, trip.id),
          views.readEffects(pool, trip.id),
          held.has("locks.view") ? ctx.app.locks.ofTrip(trip.id) : null,
          held.has("messages.view")
            ? views.listMessages(pool, { channel: null, q: null, tripId: trip.id, cursor: null, limit: 100 })
            : null,
          trip.zoneId === null ? null : prisma.zone.findUnique({ where: { id: trip.zoneId }, select: { name: true } }),
          trip.driverId === null || !isLive(trip.status) || !held.has("drivers.view")
            ? null
            : views.readPosition(pool, trip.driverId),
        ],
      );
      const shown = held.has("payments.view") ? events : events.filter(({ kind }) => !kind.startsWith("payment."));
      return {
        trip,
        customer: trip.customer,
        zoneName: zone?.name ?? null,
        batches: batches.map(toBatchRow),
        bids,
        offers,
        viewers,
        attempts: events.filter((event) => event.kind === "accept.attempt").map(views.toAttempt),
        effects,
        timeline: buildTimeline(shown, effects),
        lock,
        driverPosition,
        allowed: {
          cancel: next(trip.status, "cancel") !== null,
          release: next(trip.status, "release") !== null,
          assign: (next(trip.status, "accept") ?? next(trip.status, "release")) !== null,
        },
        messages: messages?.items ?? null,
      };
    }),

  /** Ticks that mean "read this trip again". */
  live: operatorQuery("trips.view")
    .input(z.strictObject({ id: idSchema }))
    .subscription(async function* ({ ctx, input, signal }) {
      for await (const ids of changedIds(ctx.app.bus, topics.trips, 200, streamSignal(ctx, signal))) {
        if (ids.length > 0 && !ids.includes(input.id)) continue;
        const at = ctx.app.clock.now().toISOString();
        yield tracked(at, { at });
      }
    }),

  /** Ticks for the list: which trips changed. */
  feed: operatorQuery("trips.view").subscription(async function* ({ ctx, signal }) {
    for await (const ids of changedIds(ctx.app.bus, topics.trips, 1000, streamSignal(ctx, signal))) {
      const at = ctx.app.clock.now().toISOString();
      yield tracked(at, { at, ids });
    }
  }),

  cancel: operatorProcedure({ permission: "trips.cancel", audit: "trip.cancel" })
    .input(changeSchema)
    .mutation(({ ctx, input }) => change(ctx, "cancel", input)),

  /** To a driver of the operator's choice, by the engine's own statement; from its driver, when it has one, in the same transaction. */
  assign: operatorProcedure({ permission: "trips.assign", audit: "trip.assign" })
    .input(
      z.strictObject({
        tripId: idSchema,
        driverId: idSchema,
        reason: reasonSchema,
        expectedVersion: changeSchema.shape.expectedVersion,
      }),
    )
    .mutation(({ ctx, input }) =>
      ctx.app.manualAssignment.assign(
        ctx.actor,
        { ...input, requestId: ctx.requestId },
        recorder(ctx, input.reason),
        ctx.claim,
      ),
    ),

  /** Whom the trip can be given to, best first, and who near cannot have it; or who is looked for by name, phone or plate. */
  candidates: operatorQuery("trips.assign")
    .input(z.strictObject({ tripId: idSchema, q: z.string().max(80).optional() }))
    .query(({ ctx, input }) => ctx.app.explainer.candidates(input.tripId, input.q ?? null)),

  whyNot: operatorQuery("trips.view")
    .input(z.strictObject({ tripId: idSchema, driverId: idSchema }))
    .query(({ ctx, input }) => ctx.app.explainer.whyNot(input.tripId, input.driverId)),

  release: operatorProcedure({ permission: "trips.release", audit: "trip.release" })
    .input(changeSchema)
    .mutation(({ ctx, input }) => change(ctx, "release", input)),
});

/** An operator's change of a trip, with what it was before in the audit. */
async function change(
  ctx: OperatorContext & { readonly claim: OpenClaim | null },
  action: "cancel" | "release",
  { id, reason, expectedVersion }: z.infer<typeof changeSchema>,
): Promise<Trip> {
  return ctx.app.trips[action](ctx.actor, id, reason, expectedVersion, ctx.claim, recorder(ctx, reason));
}
