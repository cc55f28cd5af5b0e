import { findOpenOffer } from "#server/domain/matching/dispatch-store.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

/** An offer to a phone that may be asleep. Too late to be of use: not sent. */
export const pushOffer: JobHandler<"push-offer"> = async (app, { offerId }, run) => {
  const offer = await findOpenOffer(app.db.pool, offerId);
  if (offer === null) return;
  const trip = await app.trips.get({ type: "operator", id: run.jobId }, offer.trip_request_id);
  const kilometres = (offer.distance_meters / 1000).toFixed(1);
  const message = {
    userId: offer.driver_id,
    trip,
    title: "New trip",
    body: `${kilometres} km away: ${trip.pickup.address ?? "pickup on the map"}`,
    data: { offerId },
    perUser: true,
  };
  await app.notifications.push(`offer.push.${offer.batch}`, message, { jobId: run.jobId, version: trip.version });
};
