import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import type { MatchingSettings } from "#server/contracts/matching.ts";
import { channels, topics } from "#server/contracts/realtime.ts";
import type { Trip } from "#server/contracts/trips.ts";
import { CandidateFinder, radiiOf } from "#server/domain/matching/candidate-finder.ts";
import type { CandidateSearch } from "#server/domain/matching/candidate-store.ts";
import * as store from "#server/domain/matching/dispatch-store.ts";
import { type DispatchLimits, defaultsOf, effectiveSettings } from "#server/domain/matching/matching-settings.ts";
import type { TripEventLog } from "#server/domain/trips/trip-event-log.ts";
import { asOffered, toTrip } from "#server/domain/trips/trip-row.ts";
import { findTrip } from "#server/domain/trips/trip-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import { type Database, withRetries } from "#server/platform/db.ts";
import type { DriverIndex } from "#server/platform/driver-index/driver-index.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { Router } from "#server/platform/routing.ts";

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

/** The matcher: waiting trips are offered to drivers batch by batch, best first, in widening circles. */
export class DispatchService {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #events: TripEventLog;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #finder: CandidateFinder;
  readonly #defaults: MatchingSettings;

  constructor(options: {
    db: Database;
    bus: EventBus;
    events: TripEventLog;
    clock: Pick<Clock, "monotonicMs">;
    /** Null: the database alone names candidates. */
    index: DriverIndex | null;
    router: Pick<Router, "etas">;
    logger: Logger;
    limits: DispatchLimits;
  }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#events = options.events;
    this.#clock = options.clock;
    this.#finder = new CandidateFinder({ ...options, db: options.db.pool });
    this.#defaults = defaultsOf(options.limits);
  }

  /**
   * One batch, in three round trips: the trip, who is near, the offers. Offers and their push jobs are committed together;
   * the sockets are told after, and again by a repeat.
   */
  async dispatch(tripId: string, batch: number): Promise<number> {
    const started = this.#clock.monotonicMs();
    const trip = await store.readWaitingTrip(this.#db.pool, tripId, batch);
    if (trip === null) return 0;
    if (trip.offered) {
      const offers = await store.offersOfBatch(this.#db.pool, tripId, batch, trip.search_began);
      this.#tellAsked(toTrip(trip), batch, offers);
      return offers.length;
    }
    const settings = effectiveSettings(this.#defaults, trip.settings);
    const radii = radiiOf(settings, batch);
    const search: CandidateSearch = {
      tripId,
      at: { lat: trip.pickup.y, lng: trip.pickup.x },
      categoryId: trip.vehicle_category_id,
      bidding: trip.bidding,
      searchBegan: trip.search_began,
      radiusMeters: Math.max(...radii),
      offersPerDriver: settings.offersPerDriver,
    };
    const found = await this.#finder.find(search, settings, { batch, radii });
    const made = await withRetries(() =>
      store.makeOffers(this.#db.pool, {
        ...{ tripId, batch, batchId: newId(), searchBegan: trip.search_began, retrySeconds: RETRY_SECONDS },
        ...{ source: found.source, radiusMeters: found.radiusMeters, excluded: found.excluded, rules: found.rules },
        drivers: settings.driversPerBatch,
        offerSeconds: settings.offerSeconds,
        offersPerDriver: settings.offersPerDriver,
        tookMs: Math.round(this.#clock.monotonicMs() - started),
        wanted: found.ranked.map(({ candidate, score, parts }) => ({
          offerId: newId(),
          driverId: candidate.driverId,
          meters: candidate.distanceMeters,
          etaSeconds: parts.pickUp,
          score,
          parts,
        })),
      }),
    );
    if (made === null) return 0;
    const { offers, looks } = made;
    // Told once a batch: a search that finds nobody looks every 3 s.
    if (offers.length === 0 && looks === 1)
      this.#record(tripId, "dispatch.nobody_near", { batch, radiusMeters: found.radiusMeters, rules: found.rules });
    if (offers.length > 0) this.#tellAsked(toTrip(trip), batch, offers);
    return offers.length;
  }

  #tellAsked(trip: Trip, batch: number, offers: readonly store.MadeOffer[]): void {
    for (const offer of offers) {
      const { id: offerId, driver_id: driverId, distance_meters: distanceMeters, expires_at } = offer;
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
        data: { driverId, batch, distanceMeters, etaSeconds: offer.eta_seconds, score: offer.score_seconds },
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
    const ended = await store.expireSearches(this.#db.pool, this.#defaults.maxBatches, NO_DRIVERS);
    for (const tripId of ended) this.#record(tripId, "trip.expired", {});
    const planned = await store.planNextBatches(this.#db.pool, this.#defaults.maxBatches, this.#defaults.offerSeconds);
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
