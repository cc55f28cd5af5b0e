import type { AppContext } from "#server/context.ts";
import type { JobPayload } from "#server/contracts/jobs.ts";
import { channels, topics } from "#server/contracts/realtime.ts";
import type { Trip } from "#server/contracts/trips.ts";
import { closeBids } from "#server/domain/bidding/bid-store.ts";
import type { InsideEffect } from "#server/domain/effects/effects.ts";
import { revokeOffers, revokeOffersOfDriver } from "#server/domain/matching/dispatch-store.ts";
import { countOutcome } from "#server/domain/matching/driver-stats.ts";
import { tripOtp, tripOtpHash } from "#server/domain/trips/trip-otp.ts";
import type { JobHandler, JobRun } from "#server/jobs/handler.ts";
import type { Queryable } from "#server/platform/db.ts";

/** One acceptance and what its effects are kept under: a trip accepted anew has another version, so new effects. */
interface Acceptance {
  readonly app: AppContext;
  readonly trip: Trip;
  readonly payload: JobPayload<"process-trip-acceptance">;
  readonly run: JobRun;
}

const effectOf = (
  { payload, run }: Acceptance,
  effect: string,
  work: (tx: Queryable) => Promise<void>,
): InsideEffect => ({
  key: { effect, subject: `${payload.tripId}:${payload.version}`, tripId: payload.tripId, jobId: run.jobId },
  work,
});

/**
 * A driver has the trip, and has been answered. Now: the rider's code by push and SMS, the other offers closed and
 * their drivers told, the way to the pickup, the rider told, the log. Each once; messages, our own records and the
 * route do not wait for one another, and one that fails makes the job run again for that one only.
 */
export const processTripAcceptance: JobHandler<"process-trip-acceptance"> = async (app, payload, run) => {
  const { tripId, driverId, version } = payload;
  const trip = await app.trips.get({ type: "operator", id: run.jobId }, tripId);
  // Released, cancelled or accepted anew in the meantime: the job of that change tells people.
  if (trip.driverId !== driverId || trip.status === "cancelled") return;
  if (trip.status === "accepted" && trip.version !== version) return;
  // A code is of use until the trip starts.
  const needsCode = trip.status === "accepted" || trip.status === "arrived";
  const acceptance: Acceptance = { app, trip, payload, run };
  const otp = tripOtp(app.config.auth.secret, tripId, driverId);
  const job = { jobId: run.jobId, version };
  const outcomes = await Promise.allSettled([
    ...(needsCode ? [app.notifications.sendOtp(trip, otp, job)] : []),
    app.effects.inDatabase(
      ...(needsCode ? [storeOtp(acceptance, otp)] : []),
      closeOtherOffers(acceptance),
      tellCustomer(acceptance),
    ),
    findWayToPickup(acceptance),
  ]);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
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
};

const storeOtp = (acceptance: Acceptance, otp: string) =>
  effectOf(acceptance, "otp.stored", async (tx) => {
    const { app, payload } = acceptance;
    await tx.query({
      name: "otp-store",
      text: `INSERT INTO otp_verifications (id, purpose, subject, code_hash, expires_at)
       VALUES (gen_random_uuid(), 'trip_start', $1, $2, now() + interval '1 day')
       ON CONFLICT (purpose, subject) DO UPDATE SET code_hash = EXCLUDED.code_hash, attempts = 0, expires_at = EXCLUDED.expires_at`,
      values: [payload.tripId, tripOtpHash(app.config.auth.secret, payload.tripId, otp)],
    });
  });

/** News goes out before the commit: after a crash it may come twice, which harms nobody, but is never forgotten. */
const closeOtherOffers = (acceptance: Acceptance) =>
  effectOf(acceptance, "offers.revoked", async (tx) => {
    const { app, payload } = acceptance;
    const { tripId, driverId } = payload;
    for (const offer of await revokeOffers(tx, tripId, "another driver took the trip", driverId)) {
      app.bus.publish(channels.takenByAnother(offer.driver_id), "trip.taken", { tripId });
      app.bus.publish(channels.offers(offer.driver_id), "offer.ended", { tripId, offerId: offer.id, reason: "taken" });
    }
    // What else the driver was asked for, or bid for, is others' now.
    for (const offer of await revokeOffersOfDriver(tx, driverId, "the driver took another trip")) {
      const ended = { tripId: offer.trip_request_id, offerId: offer.id, reason: "busy" };
      app.bus.publish(channels.offers(driverId), "offer.ended", ended);
    }
    for (const bid of await closeBids(tx, { tripId, driverId }, "the trip, or its driver, was taken"))
      app.bus.publish(channels.offers(bid.driver_id), "bid.ended", { tripId: bid.trip_request_id, bidId: bid.id });
    await countOutcome(tx, driverId, "accepted");
  });

async function findWayToPickup(acceptance: Acceptance): Promise<void> {
  const { app, trip, payload } = acceptance;
  const { rows } = await app.db.pool.query<{ location: { x: number; y: number } }>({
    name: "acceptance-driver-position",
    text: "SELECT location FROM user_last_locations WHERE user_id = $1",
    values: [payload.driverId],
  });
  const [at] = rows;
  if (at === undefined) return;
  // Asked before the transaction: a slow provider must not hold a connection.
  const route = await app.router.route([{ lat: at.location.y, lng: at.location.x }, trip.pickup]);
  const effect = effectOf(acceptance, "route.calculated", async (tx) => {
    await tx.query(
      "UPDATE trip_request_coordinates SET driver_accept_coordinates = point($2, $3) WHERE trip_request_id = $1",
      [trip.id, at.location.x, at.location.y],
    );
    const { distanceMeters, durationSeconds, estimated } = route;
    const eta = { tripId: trip.id, distanceMeters, durationSeconds, routeEstimated: estimated };
    app.bus.publish(channels.trip(trip.id), "trip.eta", eta);
  });
  await app.effects.inDatabase(effect);
}

const tellCustomer = (acceptance: Acceptance) =>
  effectOf(acceptance, "customer.told", async () => {
    const { app, trip } = acceptance;
    const { id: tripId, status, version, driver, vehicle } = trip;
    app.bus.publish(channels.accepted(trip.customerId), "trip.accepted", { tripId, driver, vehicle });
    app.bus.publish(channels.trip(tripId), "trip.accepted", { tripId, status, version, driver, vehicle });
  });
