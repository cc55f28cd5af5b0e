import { channels, topics } from "#server/contracts/realtime.ts";
import { revokeOffers } from "#server/domain/matching/dispatch-store.ts";
import { tripOtp, tripOtpHash } from "#server/domain/trips/trip-otp.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

/**
 * A driver has the trip, and has been answered. Now: the rider's code by push and SMS, the other offers closed and
 * their drivers told, the way to the pickup, the rider told, the log. Each once.
 */
export const processTripAcceptance: JobHandler<"process-trip-acceptance"> = async (app, payload, run) => {
  const { tripId, driverId, version } = payload;
  const trip = await app.trips.get({ type: "operator", id: run.jobId }, tripId);
  // Released or cancelled in the meantime: the job of that change tells people; a code of the old driver must not go out.
  if (trip.driverId !== driverId) return;
  const job = { jobId: run.jobId, version };
  const key = (effect: string) => ({ effect, subject: `${tripId}:${version}`, tripId, jobId: run.jobId });
  const otp = tripOtp(app.config.auth.secret, tripId, driverId);

  await app.effects.inDatabase(key("otp.stored"), async (tx) => {
    await tx.query(
      `INSERT INTO otp_verifications (id, purpose, subject, code_hash, expires_at)
       VALUES (gen_random_uuid(), 'trip_start', $1, $2, now() + interval '1 day')
       ON CONFLICT (purpose, subject) DO UPDATE SET code_hash = EXCLUDED.code_hash, attempts = 0, expires_at = EXCLUDED.expires_at`,
      [tripId, tripOtpHash(app.config.auth.secret, tripId, otp)],
    );
  });
  // The two messages do not wait for one another; either failing repeats only that one.
  const sent = await Promise.allSettled([
    app.notifications.pushOtp(trip, otp, job),
    app.notifications.smsOtp(trip, otp, job),
  ]);

  await app.effects.inDatabase(key("offers.revoked"), async (tx) => {
    for (const offer of await revokeOffers(tx, tripId, "another driver took the trip")) {
      app.bus.publish(channels.takenByAnother(offer.driver_id), "trip.taken", { tripId });
      app.bus.publish(channels.offers(offer.driver_id), "offer.ended", { tripId, offerId: offer.id, reason: "taken" });
    }
  });
  await app.effects.inDatabase(key("route.calculated"), async (tx) => {
    const { rows } = await tx.query<{ location: { x: number; y: number } }>(
      "SELECT location FROM user_last_locations WHERE user_id = $1",
      [driverId],
    );
    const [at] = rows;
    if (at === undefined) return;
    const route = await app.router.route([{ lat: at.location.y, lng: at.location.x }, trip.pickup]);
    await tx.query(
      "UPDATE trip_request_coordinates SET driver_accept_coordinates = point($2, $3) WHERE trip_request_id = $1",
      [tripId, at.location.x, at.location.y],
    );
    app.bus.publish(channels.trip(tripId), "trip.eta", {
      tripId,
      distanceMeters: route.distanceMeters,
      durationSeconds: route.durationSeconds,
      routeEstimated: route.estimated,
    });
  });
  await app.effects.inDatabase(key("customer.told"), async () => {
    app.bus.publish(channels.accepted(trip.customerId), "trip.accepted", {
      tripId,
      driver: trip.driver,
      vehicle: trip.vehicle,
    });
    app.bus.publish(channels.trip(tripId), "trip.accepted", {
      tripId,
      status: trip.status,
      version: trip.version,
      driver: trip.driver,
      vehicle: trip.vehicle,
    });
  });
  app.events.record({
    id: payload.attemptId,
    tripId,
    kind: "trip.accepted",
    actor: { type: "driver", id: driverId },
    data: { jobId: run.jobId, version },
  });
  app.logger.info({ jobId: run.jobId, tripId, driverId, version, attempt: run.attempt }, "trip acceptance processed");
  app.bus.publish(topics.trips, "changed", { ids: [tripId] });
  app.bus.publish(topics.drivers, "changed", { ids: [driverId] });
  for (const outcome of sent) if (outcome.status === "rejected") throw outcome.reason;
};
