import { DomainError } from "#server/contracts/errors.ts";
import { fareFor } from "#server/contracts/fare.ts";
import type { Place } from "#server/contracts/geo.ts";
import { newId, refIdOf } from "#server/contracts/ids.ts";
import { MATCHING_SETTINGS } from "#server/contracts/matching.ts";
import type { Trip, TripStatus } from "#server/contracts/trips.ts";
import type { ConductService } from "#server/domain/conduct/conduct-service.ts";
import { findCategoryTariff, findTariff } from "#server/domain/fares/fare-store.ts";
import type { Quotes } from "#server/domain/fares/quotes.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import { countOutcome } from "#server/domain/matching/driver-stats.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { addToOutbox } from "#server/domain/outbox/outbox-store.ts";
import type { DemandGate } from "#server/domain/trips/demand-gate.ts";
import type { TripEventLog } from "#server/domain/trips/trip-event-log.ts";
import { MAX_OTP_ATTEMPTS, tripOtp, tripOtpHash } from "#server/domain/trips/trip-otp.ts";
import { asOffered, toTrip } from "#server/domain/trips/trip-row.ts";
import { isLive, nextOrThrow } from "#server/domain/trips/trip-state.ts";
import * as store from "#server/domain/trips/trip-store.ts";
import { findZoneAt } from "#server/domain/zones/zone-store.ts";
import type { Clock } from "#server/platform/clock.ts";
import { equalInConstantTime } from "#server/platform/crypto.ts";
import { type Database, type Queryable, sqlStateOf } from "#server/platform/db.ts";
import type { TripLock } from "#server/platform/locks/trip-lock.ts";
import type { Router } from "#server/platform/routing.ts";

/** Who acts. Operators act on any trip; the others on their own. */
export interface TripActor {
  readonly type: "customer" | "driver" | "operator";
  readonly id: string;
}

export interface TripRequestInput {
  readonly pickup: Place;
  readonly destination: Place;
  readonly stops: readonly Place[];
  readonly vehicleCategory: string;
  readonly paymentMethod: string;
  readonly type: "ride_request" | "parcel";
  readonly couponCode?: string;
  /** Of an estimate: its fare and multiplier are held. */
  readonly quote?: string;
  readonly parcel?: unknown;
  /** When to be picked up; left out: as soon as possible. */
  readonly scheduledAt?: Date;
}

const UNIQUE_VIOLATION = "23505";
const notFound = () => new DomainError("NOT_FOUND", "There is no such trip.");

/** What the audit log keeps of a trip. */
const briefOf = ({ status, version, driverId }: Trip) => ({ status, version, driverId });
const brief = ({ current_status, version, driver_id }: store.LockedTrip) => ({
  status: current_status,
  version,
  driverId: driver_id,
});

/** A trip's life apart from who gets it: that is the assignment engine's. A `claim` is the Idempotency-Key's, if one was sent. */
export class TripService {
  readonly #db: Database;
  readonly #lock: TripLock;
  readonly #router: Router;
  readonly #events: TripEventLog;
  readonly #demand: Pick<DemandGate, "admit">;
  readonly #conduct: ConductService;
  readonly #clock: Pick<Clock, "now">;
  readonly #quotes: Quotes;
  readonly #onCommitted: () => void;
  readonly #otpSecret: string;
  readonly #dispatch: { readonly searchSeconds: number; readonly offerSeconds: number };

  constructor(options: {
    db: Database;
    lock: TripLock;
    router: Router;
    events: TripEventLog;
    demand: Pick<DemandGate, "admit">;
    conduct: ConductService;
    clock: Pick<Clock, "now">;
    quotes: Quotes;
    /** Wakes the outbox relay. */
    onCommitted: () => void;
    otpSecret: string;
    dispatch: { readonly searchSeconds: number; readonly offerSeconds: number };
  }) {
    this.#db = options.db;
    this.#lock = options.lock;
    this.#router = options.router;
    this.#events = options.events;
    this.#demand = options.demand;
    this.#conduct = options.conduct;
    this.#clock = options.clock;
    this.#quotes = options.quotes;
    this.#onCommitted = options.onCommitted;
    this.#otpSecret = options.otpSecret;
    this.#dispatch = options.dispatch;
  }

  /**
   * Books a trip under `id`, once: asked again with the same id it answers the trip that there is.
   * OUTSIDE_SERVICE_AREA when the pickup is in no zone; VALIDATION_FAILED for an unknown category, and for a pick-up
   * that is too soon or too far ahead to be scheduled, or for a quote of something else; QUOTE_EXPIRED;
   * HIGH_DEMAND when no more are taken for now.
   */
  async create(
    customerId: string,
    input: TripRequestInput,
    { operationId: id, claim }: { readonly operationId: string; readonly claim: OpenClaim | null } = {
      operationId: newId(),
      claim: null,
    },
  ): Promise<Trip> {
    const zone = await findZoneAt(this.#db.pool, input.pickup);
    if (zone === null)
      throw new DomainError("OUTSIDE_SERVICE_AREA", "The pickup is outside our service area. Nothing was booked.");
    const category = await findCategoryTariff(this.#db.pool, input.vehicleCategory, zone.id);
    if (category === null) {
      const fields = [{ path: "vehicleCategory", message: `no active category "${input.vehicleCategory}"` }];
      throw new DomainError("VALIDATION_FAILED", "There is no such vehicle category.", { fields });
    }
    if (category.tariff === null)
      throw new DomainError("OUTSIDE_SERVICE_AREA", `No fare is set for ${input.vehicleCategory} in ${zone.name}.`);
    if (input.scheduledAt === undefined) await this.#demand.admit(zone);
    else await this.#checkSchedule(input.scheduledAt);
    const points = [input.pickup, ...input.stops, input.destination];
    const ride = { customerId, zoneId: zone.id, categoryId: category.categoryId, points };
    const isScheduled = input.scheduledAt !== undefined;
    const quote = input.quote === undefined ? null : this.#quotes.read(input.quote, { ...ride, isScheduled });
    const route = await this.#router.route(points);
    // For a ride at another time nobody knows how many will want one then.
    const surge = isScheduled ? 1 : zone.surge;
    const price = quote ?? {
      ...route,
      routeEstimated: route.estimated,
      surge,
      fare: fareFor(category.tariff, { ...route, surge }),
    };
    const trip: store.NewTrip = {
      id,
      refId: refIdOf(id),
      customerId,
      categoryId: category.categoryId,
      zoneId: zone.id,
      type: input.type,
      paymentMethod: input.paymentMethod,
      currency: zone.currency,
      estimatedFare: price.fare,
      surge: price.surge,
      distanceMeters: price.distanceMeters,
      durationSeconds: price.durationSeconds,
      routeEstimated: price.routeEstimated,
      polyline: route.polyline,
      pickup: input.pickup,
      destination: input.destination,
      stops: input.stops,
      details:
        input.couponCode === undefined && input.parcel === undefined
          ? undefined
          : { couponCode: input.couponCode, parcel: input.parcel },
      scheduledAt: input.scheduledAt ?? null,
      scheduleLeadMinutes: MATCHING_SETTINGS.scheduleLeadMinutes.fallback,
      searchSeconds: this.#dispatch.searchSeconds,
      offerSeconds: this.#dispatch.offerSeconds,
      dispatchJobId: newId(),
    };
    const booking = this.#db.transaction(async (tx) => {
      const inserted = await store.insertTrip(tx, trip);
      await remember(tx, claim, toTrip(inserted));
      return inserted;
    });
    const row = await booking.catch(async (error: unknown) => {
      const booked = sqlStateOf(error) === UNIQUE_VIOLATION ? await store.findTrip(this.#db.pool, id) : null;
      if (booked?.customer_id !== customerId) throw error;
      return booked;
    });
    this.#onCommitted();
    this.#record(
      id,
      "trip.created",
      { type: "customer", id: customerId },
      { zone: zone.name, routeEstimated: price.routeEstimated, surge: price.surge, quoted: quote !== null },
    );
    return toTrip(row);
  }

  /** Judged by our clock to the second; when it is due, the database's decides. */
  async #checkSchedule(at: Date): Promise<void> {
    const thresholds = await this.#conduct.thresholds();
    const minutes = (at.getTime() - this.#clock.now().getTime()) / 60_000;
    const [least, most] = [thresholds["schedule.min_minutes_ahead"], thresholds["schedule.max_days_ahead"]];
    if (minutes >= least && minutes <= most * 1440) return;
    const message = `at least ${least} minutes and at most ${most} days ahead`;
    throw new DomainError("VALIDATION_FAILED", `A trip can be scheduled ${message}. Nothing was booked.`, {
      fields: [{ path: "scheduledAt", message }],
    });
  }

  /** Another's trip does not exist: NOT_FOUND. A driver sees trips they have or had, and waiting ones they were asked for. */
  async get(actor: TripActor, id: string): Promise<Trip> {
    const row = await store.findTrip(this.#db.pool, id);
    if (row === null) throw notFound();
    const own = actor.type === "operator" || (actor.type === "customer" ? row.customer_id : row.driver_id) === actor.id;
    const trip = toTrip(row);
    if (!own) {
      const asked =
        actor.type === "driver" &&
        row.current_status === "pending" &&
        (await store.wasOffered(this.#db.pool, id, actor.id));
      if (!asked) throw notFound();
      return asOffered(trip);
    }
    const showsOtp =
      actor.type === "customer" &&
      row.driver_id !== null &&
      (row.current_status === "accepted" || row.current_status === "arrived");
    return showsOtp && row.driver_id !== null ? { ...trip, otp: tripOtp(this.#otpSecret, id, row.driver_id) } : trip;
  }

  /** What a driver who declined gets back, whatever became of the trip. */
  async getDeclined(driverId: string, id: string): Promise<Trip> {
    const row = await store.findTrip(this.#db.pool, id);
    if (row === null) throw notFound();
    return row.driver_id === driverId ? toTrip(row) : asOffered(toTrip(row));
  }

  async list(
    actor: TripActor & { readonly type: "customer" | "driver" },
    page: { readonly status: readonly TripStatus[] | null; readonly cursor: string | null; readonly limit: number },
  ): Promise<{ items: Trip[]; nextCursor: string | null }> {
    const column = actor.type === "customer" ? "customer_id" : "driver_id";
    const rows = await store.listTripsOf(
      this.#db.pool,
      { column, id: actor.id },
      { status: page.status, before: page.cursor, limit: page.limit + 1 },
    );
    const items = rows.slice(0, page.limit).map(toTrip);
    return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
  }

  async arrive(driverId: string, id: string, claim: OpenClaim | null = null): Promise<Trip> {
    return this.#advance({ driverId, id, action: "arrive", claim }, (tx) => store.setArrived(tx, id));
  }

  /** VALIDATION_FAILED for a wrong code; after 5 wrong ones in a row RATE_LIMIT_EXCEEDED for a minute. */
  async start(driverId: string, id: string, otp: string, claim: OpenClaim | null = null): Promise<Trip> {
    const right = equalInConstantTime(otp, tripOtp(this.#otpSecret, id, driverId));
    const codeHash = tripOtpHash(this.#otpSecret, id, tripOtp(this.#otpSecret, id, driverId));
    const outcome = await this.#db.transaction(async (tx) => {
      const trip = await this.#lockOwn(tx, { type: "driver", id: driverId }, id);
      nextOrThrow(trip.current_status, "start");
      if ((await store.recentOtpFailures(tx, id)) >= MAX_OTP_ATTEMPTS) return "locked";
      await store.countOtpAttempt(tx, id, codeHash, right);
      if (!right) return "wrong";
      await store.setStarted(tx, id);
      await addToOutbox(
        tx,
        "trip-progressed",
        { tripId: id, version: trip.version + 1, driverId, status: "ongoing" },
        { tripId: id },
      );
      const started = await this.#read(tx, id);
      await remember(tx, claim, started);
      return { started };
    });
    const actor = { type: "driver", id: driverId } as const;
    if (outcome === "locked")
      throw new DomainError("RATE_LIMIT_EXCEEDED", "Too many wrong codes. Wait a minute, then ask the rider again.", {
        retryAfterSeconds: 60,
      });
    if (outcome === "wrong") {
      this.#record(id, "trip.otp_refused", actor, {});
      throw new DomainError("VALIDATION_FAILED", "The code is not the rider's.", {
        fields: [{ path: "otp", message: "wrong code" }],
      });
    }
    this.#onCommitted();
    this.#record(id, "trip.started", actor, {});
    return outcome.started;
  }

  /** Ends the ride: the fare is of the distance driven (or, when the app has none, of the estimate) and the time it took. */
  async complete(
    driverId: string,
    id: string,
    reported: { readonly distanceMeters: number | null },
    claim: OpenClaim | null = null,
  ): Promise<Trip> {
    const trip = await this.#advance({ driverId, id, action: "complete", claim }, async (tx, locked) => {
      const distanceMeters = reported.distanceMeters ?? locked.estimated_distance;
      const tariff = await findTariff(tx, locked.vehicle_category_id, locked.zone_id);
      const driven = { distanceMeters, durationSeconds: locked.driving_seconds ?? 0, surge: locked.surge_multiplier };
      // A fare that was withdrawn in mid-ride: what the rider agreed to.
      const fare = locked.agreed_fare ?? (tariff === null ? locked.estimated_fare : fareFor(tariff, driven));
      await store.setCompleted(tx, id, { fare, distanceMeters });
      await store.freeDriver(tx, driverId);
    });
    await this.#lock.releaseOwnedBy(id, driverId);
    return trip;
  }

  /**
   * `expectedVersion`: what an operator saw; VERSION_CONFLICT when the trip moved on since. RATE_LIMIT_EXCEEDED for a
   * customer who cancels too often; a driver who gives up trips too often is under review after it.
   */
  async cancel(
    actor: TripActor,
    id: string,
    reason: string,
    expectedVersion: number | null = null,
    claim: OpenClaim | null = null,
    record: Recorder | null = null,
  ): Promise<Trip> {
    const thresholds = await this.#conduct.thresholds();
    const { driverId, cancelled, reviewed } = await this.#db.transaction(async (tx) => {
      const trip = await this.#lockOwn(tx, actor, id);
      this.#checkVersion(trip, expectedVersion);
      nextOrThrow(trip.current_status, "cancel");
      if (actor.type === "customer") await this.#conduct.customerCancels(tx, actor.id, id, thresholds);
      const reviewed = actor.type === "driver" && (await this.#conduct.driverDrops(tx, actor.id, id, thresholds));
      if (actor.type === "driver") await countOutcome(tx, actor.id, "dropped");
      await store.setCancelled(tx, id, actor.type, reason);
      if (trip.driver_id !== null && isLive(trip.current_status)) await store.freeDriver(tx, trip.driver_id);
      const payload = { tripId: id, version: trip.version + 1, driverId: trip.driver_id, status: "cancelled" } as const;
      await addToOutbox(tx, "trip-ended", payload, { tripId: id });
      const cancelled = await this.#read(tx, id);
      await record?.(tx, { type: "trip", id }, { before: brief(trip), after: briefOf(cancelled) });
      await remember(tx, claim, cancelled);
      return { driverId: trip.driver_id, cancelled, reviewed };
    });
    this.#onCommitted();
    if (reviewed) this.#conduct.announceReview(actor.id);
    if (driverId !== null) await this.#lock.releaseOwnedBy(id, driverId);
    this.#record(id, "trip.cancelled", actor, { reason });
    return cancelled;
  }

  /** Hands an accepted, unstarted trip back to waiting, and frees its driver. */
  async release(
    actor: TripActor,
    id: string,
    reason: string,
    expectedVersion: number | null,
    claim: OpenClaim | null = null,
    record: Recorder | null = null,
  ): Promise<Trip> {
    const { driverId, released } = await this.#db.transaction(async (tx) => {
      const trip = await this.#lockOwn(tx, actor, id);
      this.#checkVersion(trip, expectedVersion);
      nextOrThrow(trip.current_status, "release");
      if (trip.driver_id === null) throw new DomainError("INVALID_TRANSITION", "The trip has no driver.");
      await this.releaseLocked(tx, trip, reason);
      await store.freeDriver(tx, trip.driver_id);
      const released = await this.#read(tx, id);
      await record?.(tx, { type: "trip", id }, { before: brief(trip), after: briefOf(released) });
      await remember(tx, claim, released);
      return { driverId: trip.driver_id, released };
    });
    await this.afterRelease(id, driverId, actor, reason);
    return released;
  }

  /**
   * The database's part of a release, for a caller that holds the trip's row lock; the driver's row is the caller's.
   * `reassignedTo`: who gets it in the same transaction.
   */
  async releaseLocked(
    tx: Queryable,
    trip: store.LockedTrip,
    reason: string,
    reassignedTo: string | null = null,
  ): Promise<void> {
    if (trip.driver_id === null) return;
    await store.setReleased(tx, trip.id, this.#dispatch.searchSeconds, reason);
    await addToOutbox(
      tx,
      "trip-released",
      {
        ...{ tripId: trip.id, version: trip.version + 1, driverId: trip.driver_id, reason },
        ...(reassignedTo === null ? {} : { reassignedTo }),
      },
      { tripId: trip.id },
    );
  }

  /** What follows a committed release: the lock goes at once, so that the next driver is not refused by it. */
  async afterRelease(id: string, driverId: string, actor: TripActor, reason: string): Promise<void> {
    this.#onCommitted();
    await this.#lock.releaseOwnedBy(id, driverId);
    this.#record(id, "trip.released", actor, { driverId, reason });
  }

  async #advance(
    {
      driverId,
      id,
      action,
      claim,
    }: { driverId: string; id: string; action: "arrive" | "complete"; claim: OpenClaim | null },
    change: (tx: Queryable, trip: store.LockedTrip) => Promise<void>,
  ): Promise<Trip> {
    const { to, advanced } = await this.#db.transaction(async (tx) => {
      const trip = await this.#lockOwn(tx, { type: "driver", id: driverId }, id);
      const to = nextOrThrow(trip.current_status, action) as "arrived" | "completed";
      await change(tx, trip);
      await addToOutbox(
        tx,
        "trip-progressed",
        { tripId: id, version: trip.version + 1, driverId, status: to },
        { tripId: id },
      );
      const advanced = await this.#read(tx, id);
      await remember(tx, claim, advanced);
      return { to, advanced };
    });
    this.#onCommitted();
    this.#record(id, `trip.${to}`, { type: "driver", id: driverId }, {});
    return advanced;
  }

  async #lockOwn(tx: Queryable, actor: TripActor, id: string): Promise<store.LockedTrip> {
    const trip = await store.lockTrip(tx, id);
    if (trip === null) throw notFound();
    if (actor.type === "customer" && trip.customer_id !== actor.id) throw notFound();
    if (actor.type === "driver" && trip.driver_id !== actor.id) throw notFound();
    return trip;
  }

  #checkVersion(trip: store.LockedTrip, expected: number | null): void {
    if (expected !== null && expected !== trip.version) {
      throw new DomainError(
        "VERSION_CONFLICT",
        `The trip changed meanwhile: it is ${trip.current_status}, version ${trip.version}. Nothing was changed; look again.`,
      );
    }
  }

  /** The answer is read before the commit: after it, a lost connection would make a failure of what was done. */
  async #read(tx: Queryable, id: string): Promise<Trip> {
    const row = await store.findTrip(tx, id);
    if (row === null) throw notFound();
    return toTrip(row);
  }

  #record(tripId: string, kind: string, actor: TripActor, data: Record<string, unknown>): void {
    this.#events.record({ tripId, kind, actor, data });
  }
}
