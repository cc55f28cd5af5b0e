import { DomainError } from "#server/contracts/errors.ts";
import { channels } from "#server/contracts/realtime.ts";
import type { Trip } from "#server/contracts/trips.ts";
import * as store from "#server/domain/matching/dispatch-store.ts";
import type { TripEventLog } from "#server/domain/trips/trip-event-log.ts";
import { toTrip } from "#server/domain/trips/trip-row.ts";
import { findTrip } from "#server/domain/trips/trip-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Database } from "#server/platform/db.ts";
import { haversineMeters } from "#server/platform/routing.ts";

export interface DispatchLimits {
  readonly driversPerBatch: number;
  readonly maxBatches: number;
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

  /** One batch. Offers and their push jobs are committed together; the sockets are told after. */
  async dispatch(tripId: string, batch: number): Promise<number> {
    const made = await this.#db.transaction(async (tx) => {
      const trip = await store.lockWaitingTrip(tx, tripId, batch);
      if (trip === null) return null;
      const at = { lat: trip.pickup.y, lng: trip.pickup.x };
      for (const radiusMeters of this.#limits.ringsMeters) {
        const search = {
          at,
          radiusMeters,
          categoryId: trip.vehicle_category_id,
          tripId,
          limit: this.#limits.driversPerBatch,
        };
        const nearest = (await store.findNearestDrivers(tx, search))
          .map((c) => ({
            id: store.newOfferId(),
            driverId: c.driver_id,
            distanceMeters: Math.round(haversineMeters(at, c)),
          }))
          .filter((offer) => offer.distanceMeters <= radiusMeters)
          .sort((a, b) => a.distanceMeters - b.distanceMeters)
          .slice(0, this.#limits.driversPerBatch);
        if (nearest.length === 0) continue;
        const offers = await store.insertOffers(
          tx,
          { id: tripId, batch, offerSeconds: this.#limits.offerSeconds },
          nearest,
        );
        return { offers, nearest, radiusMeters };
      }
      await store.lookAgainIn(tx, tripId, RETRY_SECONDS);
      return { offers: [], nearest: [], radiusMeters: this.#limits.ringsMeters.at(-1) ?? 0 };
    });
    if (made === null) return 0;
    const row = await findTrip(this.#db.pool, tripId);
    if (row !== null && made.offers.length > 0) {
      const trip = toTrip(row);
      for (const offer of made.offers) {
        const distanceMeters = made.nearest.find((n) => n.id === offer.id)?.distanceMeters ?? 0;
        const view: OfferView = {
          offerId: offer.id,
          tripId,
          trip,
          distanceMeters,
          expiresAt: offer.expires_at.toISOString(),
        };
        this.#bus.publish(channels.offers(offer.driver_id), "offer.created", view);
        this.#record(tripId, "offer.sent", { driverId: offer.driver_id, batch, distanceMeters });
      }
    } else if (made.offers.length === 0) {
      this.#record(tripId, "dispatch.nobody_near", { batch, radiusMeters: made.radiusMeters });
    }
    return made.offers.length;
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
        trip: toTrip(row),
        distanceMeters: offer.distance_meters,
        expiresAt: offer.expires_at.toISOString(),
      });
    }
    return views;
  }

  #record(tripId: string, kind: string, data: Record<string, unknown>): void {
    this.#events.record({ tripId, kind, actor: { type: "system", id: null }, data });
  }
}
