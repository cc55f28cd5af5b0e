import { tracked } from "@trpc/server";
import { z } from "zod";
import { type FleetFrame, mapViewSchema } from "#server/contracts/fleet.ts";
import { historyQuerySchema } from "#server/contracts/history.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { readHistory } from "#server/domain/drivers/location-history-store.ts";
import { readSummary, readZones } from "#server/domain/ops/live-map-store.ts";
import { tripWay } from "#server/domain/ops/trip-way.ts";
import { router } from "#server/trpc/init.ts";
import { operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { streamSignal } from "#server/trpc/ticks.ts";

/** Where drivers are, and who they are, is for those who hold drivers.view. */
const withoutDrivers = (frame: FleetFrame): FleetFrame => ({
  ...frame,
  ...{ drivers: [], moves: [], goneDrivers: [], clusters: null, counts: null, categories: null },
});

export const mapRouter = router({
  zones: operatorQuery("trips.view").query(({ ctx }) => readZones(ctx.app.db.pool)),
  summary: operatorQuery("trips.view").query(({ ctx }) => readSummary(ctx.app.db.pool)),
  /** Where a driver was: on a trip, or for up to a day. */
  history: operatorQuery("drivers.view")
    .input(historyQuerySchema)
    .query(({ ctx, input }) => readHistory(ctx.app.db.pool, input)),
  /** What was planned of a trip, and when its driver arrives. */
  way: operatorQuery("trips.view")
    .input(z.strictObject({ tripId: idSchema }))
    .query(({ ctx, input }) => tripWay(ctx.app, input.tripId, { seesDrivers: ctx.held.has("drivers.view") })),
  /**
   * What is in view, and then what changes of it. A map that looks elsewhere asks anew, and so does one whose connection
   * was lost: the first frames are all there is to see, so nothing is missed.
   */
  live: operatorQuery("trips.view")
    .input(mapViewSchema.optional())
    .subscription(async function* ({ ctx, input, signal }) {
      const { access, liveMap } = ctx.app;
      let sees = ctx.held.has("drivers.view");
      for await (const frame of liveMap.watch(input ?? { zoom: 0 }, streamSignal(ctx, signal))) {
        // It may be taken away while they watch. A database that is away takes nothing from anyone.
        const now = await access.of(ctx.actor.id).catch(() => undefined);
        if (now !== undefined) sees = now?.permissions.has("drivers.view") ?? false;
        yield tracked(frame.at, sees ? frame : withoutDrivers(frame));
      }
    }),
});
