import { channels, topics } from "#server/contracts/realtime.ts";
import { findBid } from "#server/domain/bidding/bid-store.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

/** The rider hears of a bid they can still take; the trip's history keeps every one. */
export const bidPlaced: JobHandler<"bid-placed"> = async (app, { tripId, bidId }, run) => {
  const bid = await findBid(app.db.pool, tripId, bidId);
  if (bid === null) return;
  const driverId = bid.driver.id;
  app.events.record({
    id: bidId,
    tripId,
    kind: "bid.placed",
    actor: { type: "driver", id: driverId },
    at: new Date(bid.createdAt),
    data: { bidId, driverId, ...bid.amount },
  });
  app.bus.publish(topics.trips, "changed", { ids: [tripId] });
  if (bid.status !== "open") return;
  const trip = await app.trips.get({ type: "operator", id: run.jobId }, tripId);
  app.bus.publish(channels.accepted(trip.customerId), "bid.created", bid);
};
