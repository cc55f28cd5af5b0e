import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import { channels, topics } from "#server/contracts/realtime.ts";
import type { Trip } from "#server/contracts/trips.ts";
import * as store from "#server/domain/matching/dispatch-store.ts";
import type { TripEventLog } from "#server/domain/trips/trip-event-log.ts";
import { asOffered, toTrip } from "#server/domain/trips/trip-row.ts";
import { findTrip } from "#server/domain/trips/trip-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Database, Queryable } from "#server/platform/db.ts";
import { haversineMeters } from "#server/platform/routing.ts";

export interface DispatchLimits {
  readonly driversPerBatch: number;
  readonly maxBatches: number;
  /** Seconds a search lasts. */
  readonly searchSeconds: number;
  /** Seconds an offer stays open, by the database's clock. */
  readonly offerSeconds: number;
  /** Metres: the search widens from one to the next until someone is found. */
  readonly ringsMeters: readonly number[];
}

/** An offer as the driver's app sees it. */
export interface OfferView {
  readonly offerId: string;
  readonly tripId: string;
  readonly trip: Trip;
  readonly distanceMeters: number;
  readonly expiresAt: string;
}

const SYSTEM = { type: "system", id: null } as const;
/** Seconds until the next look when nobody was near. */
const RETRY_SECONDS = 3;
const NO_DRIVERS = "No driver was free near you. Nothing was charged; please try again in a few minutes.";

/** First dispatch: the nearest available drivers are offered the trip, five at a time, in widening rings. */
export class DispatchService {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #events: TripEventLog;
  readonly #limits: DispatchLimits;

  constructor(options: { db: Database; bus: EventBus; events: TripEventLog; limits: DispatchLimits }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#events = options.events;
    this.#limits = options.limits;
  }

  /** One batch. Offers and their push jobs are committed together; the sockets are told after, and again by a repeat. */
  async dispatch(tripId: string, batch: number): Promise<number> {
    const offers = await this.#db.transaction(async (tx) => {
      const trip = await store.lockWaitingTrip(tx, tripId, batch, this.#limits.searchSeconds);
      if (trip === null) return null;
      const already = await store.offersOfBatch(tx, tripId, batch, trip.search_began);
      return already.length > 0 ? already : this.#makeOffers(tx, trip, batch);
    });
    if (offers === null) return 0;
    const row = await findTrip(this.#db.pool, tripId);
    if (row !== null) this.#tellAsked(toTrip(row), batch, offers);
    return offers.length;
  }

  /** The nearest of the first ring that has anyone; with nobody near, the trip is looked at again soon. */
  async #makeOffers(tx: Queryable, trip: store.WaitingTrip, batch: number): Promise<store.MadeOffer[]> {
    const at = { lat: trip.pickup.y, lng: trip.pickup.x };
    for (const radiusMeters of this.#limits.ringsMeters) {
      const nearest = await store.findNearestDrivers(tx, {
        at,
        radiusMeters,
        categoryId: trip.vehicle_category_id,
        tripId: trip.id,
        searchBegan: trip.search_began,
        limit: this.#limits.driversPerBatch,
      });
      const asked = nearest
        .map((c) => ({ id: newId(), driverId: c.driver_id, distanceMeters: Math.round(haversineMeters(at, c)) }))
        .filter((offer) => offer.distanceMeters <= radiusMeters)
        .sort((a, b) => a.distanceMeters - b.distanceMeters)
        .slice(0, this.#limits.driversPerBatch);
      if (asked.length > 0)
        return store.insertOffers(tx, { id: trip.id, batch, offerSeconds: this.#limits.offerSeconds }, asked);
    }
    await store.lookAgainIn(tx, trip.id, RETRY_SECONDS);
    return [];
  }

  #tellAsked(trip: Trip, batch: number, offers: readonly store.MadeOffer[]): void {
    if (offers.length === 0) {
      const radiusMeters = this.#limits.ringsMeters.at(-1) ?? 0;
      this.#record(trip.id, "dispatch.nobody_near", { batch, radiusMeters });
      return;
    }
    for (const { id: offerId, driver_id: driverId, distance_meters: distanceMeters, expires_at } of offers) {
      const view: OfferView = {
        offerId,
        tripId: trip.id,
        trip: asOffered(trip),
        distanceMeters,
        expiresAt: expires_at.toISOString(),
      };
      this.#bus.publish(channels.offers(driverId), "offer.created", view);
      this.#events.record({
        id: offerId,
        tripId: trip.id,
        kind: "offer.sent",
        actor: SYSTEM,
        data: { driverId, batch, distanceMeters },
      });
    }
    this.#changed(
      trip.id,
      offers.map((offer) => offer.driver_id),
    );
  }

  /** Tells the console: a driver with an offer looks otherwise than a free one. */
  #changed(tripId: string, driverIds: readonly string[]): void {
    this.#bus.publish(topics.drivers, "changed", { ids: driverIds });
    this.#bus.publish(topics.trips, "changed", { ids: [tripId] });
  }

  /** One round of the clock's work: offers and searches that ended, batches that are due. True when it changed anything. */
  async tick(): Promise<boolean> {
    const expired = await store.expireOffers(this.#db.pool);
    for (const offer of expired) {
      this.#bus.publish(channels.offers(offer.driver_id), "offer.ended", {
        tripId: offer.trip_request_id,
        offerId: offer.id,
        reason: "expired",
      });
      this.#record(offer.trip_request_id, "offer.expired", { driverId: offer.driver_id });
      this.#changed(offer.trip_request_id, [offer.driver_id]);
    }
    const ended = await store.expireSearches(this.#db.pool, this.#limits.maxBatches, NO_DRIVERS);
    for (const tripId of ended) this.#record(tripId, "trip.expired", {});
    const planned = await store.planNextBatches(this.#db.pool, this.#limits.maxBatches, this.#limits.offerSeconds);
    return ended.length > 0 || planned > 0;
  }

  /** Declining twice is declining once. NOT_FOUND for a driver who was never asked. */
  async reject(driverId: string, tripId: string): Promise<void> {
    const outcome = await store.rejectOffer(this.#db.pool, tripId, driverId);
    if (outcome === "none") throw new DomainError("NOT_FOUND", "There is no such trip.");
    if (outcome === "rejected")
      this.#events.record({
        tripId,
        kind: "offer.rejected",
        actor: { type: "driver", id: driverId },
        data: { driverId },
      });
  }

  /** Offers open to this driver, nearest first. */
  async openOffers(driverId: string): Promise<OfferView[]> {
    const views: OfferView[] = [];
    for (const offer of await store.openOffersOf(this.#db.pool, driverId)) {
      const row = await findTrip(this.#db.pool, offer.trip_request_id);
      if (row === null) continue;
      views.push({
        offerId: offer.id,
        tripId: row.id,
        trip: asOffered(toTrip(row)),
        distanceMeters: offer.distance_meters,
        expiresAt: offer.expires_at.toISOString(),
      });
    }
    return views;
  }

  #record(tripId: string, kind: string, data: Record<string, unknown>): void {
    this.#events.record({ tripId, kind, actor: SYSTEM, data });
  }
}
