import { channels, topics } from "#server/contracts/realtime.ts";
import { closeBids } from "#server/domain/bidding/bid-store.ts";
import { revokeOffers } from "#server/domain/matching/dispatch-store.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

/** Cancelled or expired: open offers close, the driver and the rider hear of it. */
export const tripEnded: JobHandler<"trip-ended"> = async (app, { tripId, version, driverId, status }, run) => {
  const trip = await app.trips.get({ type: "operator", id: run.jobId }, tripId);
  const job = { jobId: run.jobId, version };
  const why = status === "cancelled" ? "the trip was cancelled" : "the search ended";
  await app.effects.inDatabase({
    key: { effect: "offers.revoked", subject: `${tripId}:${version}`, tripId, jobId: run.jobId },
    work: async (tx) => {
      for (const offer of await revokeOffers(tx, tripId, why)) {
        app.bus.publish(channels.offers(offer.driver_id), "offer.ended", { tripId, offerId: offer.id, reason: status });
      }
      for (const bid of await closeBids(tx, { tripId, driverId: null }, why))
        app.bus.publish(channels.offers(bid.driver_id), "bid.ended", { tripId, bidId: bid.id });
    },
  });
  if (driverId !== null) {
    app.bus.publish(channels.cancelled(driverId), "trip.cancelled", { tripId, reason: trip.cancelReason });
    app.bus.publish(topics.drivers, "changed", { ids: [driverId] });
    if (trip.cancelledBy !== "driver") {
      const message = {
        userId: driverId,
        trip,
        title: "Trip cancelled",
        body: trip.cancelReason ?? "The trip was cancelled.",
        perUser: true,
      };
      await app.notifications.push("cancel.push.driver", message, job);
    }
  }
  app.bus.publish(channels.trip(tripId), `trip.${status}`, {
    tripId,
    status: trip.status,
    version: trip.version,
    message: trip.message,
  });
  app.bus.publish(topics.trips, "changed", { ids: [tripId] });
  if (status === "expired") {
    await app.notifications.push(
      "expire.push",
      { userId: trip.customerId, trip, title: "No driver found", body: trip.message ?? "Please try again." },
      job,
    );
  } else if (trip.cancelledBy !== "customer") {
    await app.notifications.push(
      "cancel.push",
      { userId: trip.customerId, trip, title: "Trip cancelled", body: trip.cancelReason ?? "Your trip was cancelled." },
      job,
    );
  }
};
