import { tracked } from "@trpc/server";
import { readSummary, readZones } from "#server/domain/ops/live-map-store.ts";
import { router } from "#server/trpc/init.ts";
import { operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { streamSignal } from "#server/trpc/ticks.ts";

export const mapRouter = router({
  snapshot: operatorQuery("trips.view").query(({ ctx }) => ctx.app.liveMap.snapshot()),
  zones: operatorQuery("trips.view").query(({ ctx }) => readZones(ctx.app.db.pool)),
  summary: operatorQuery("trips.view").query(({ ctx }) => readSummary(ctx.app.db.pool)),
  /** A frame's id is its time: after a lost connection the first frame is the whole map again, so nothing is missed. */
  live: operatorQuery("trips.view").subscription(async function* ({ ctx, signal }) {
    for await (const frame of ctx.app.liveMap.watch(streamSignal(ctx, signal))) yield tracked(frame.at, frame);
  }),
});
