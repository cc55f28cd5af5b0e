import { tracked } from "@trpc/server";
import type { MapFrame } from "#server/contracts/console.ts";
import { readSummary, readZones } from "#server/domain/ops/live-map-store.ts";
import { router } from "#server/trpc/init.ts";
import { operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { streamSignal } from "#server/trpc/ticks.ts";

/** Where drivers are, and who they are, is for those who hold drivers.view. */
const withoutDrivers = (frame: MapFrame): MapFrame => ({ ...frame, drivers: [], goneDrivers: [] });

export const mapRouter = router({
  snapshot: operatorQuery("trips.view").query(async ({ ctx }) => {
    const frame = await ctx.app.liveMap.snapshot();
    return ctx.held.has("drivers.view") ? frame : withoutDrivers(frame);
  }),
  zones: operatorQuery("trips.view").query(({ ctx }) => readZones(ctx.app.db.pool)),
  summary: operatorQuery("trips.view").query(({ ctx }) => readSummary(ctx.app.db.pool)),
  /** A frame's id is its time: after a lost connection the first frame is the whole map again, so nothing is missed. */
  live: operatorQuery("trips.view").subscription(async function* ({ ctx, signal }) {
    const { access, liveMap } = ctx.app;
    let sees = ctx.held.has("drivers.view");
    for await (const frame of liveMap.watch(streamSignal(ctx, signal))) {
      // It may be taken away while they watch. A database that is away takes nothing from anyone.
      const now = await access.of(ctx.actor.id).catch(() => undefined);
      if (now !== undefined) sees = now?.permissions.has("drivers.view") ?? false;
      yield tracked(frame.at, sees ? frame : withoutDrivers(frame));
    }
  }),
});
