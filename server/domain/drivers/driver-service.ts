import { DomainError } from "#server/contracts/errors.ts";
import { topics } from "#server/contracts/realtime.ts";
import type { Availability } from "#server/contracts/trips.ts";
import { closeBids } from "#server/domain/bidding/bid-store.ts";
import type { ConductService } from "#server/domain/conduct/conduct-service.ts";
import * as store from "#server/domain/drivers/driver-store.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import { countOutcome } from "#server/domain/matching/driver-stats.ts";
import type { TripService } from "#server/domain/trips/trip-service.ts";
import { lockTrip } from "#server/domain/trips/trip-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Database } from "#server/platform/db.ts";

export interface AvailabilityState {
  readonly online: boolean;
  readonly availability: Availability;
  /** Accepted, unstarted trips that went back to waiting. */
  readonly releasedTripIds: string[];
}

/** Thrown inside the transaction when the driver got another trip while its rows were being locked. */
class TripChangedMeanwhile extends Error {}

export class DriverService {
  readonly #db: Database;
  readonly #trips: TripService;
  readonly #bus: EventBus;
  readonly #conduct: ConductService;

  constructor(options: { db: Database; trips: TripService; bus: EventBus; conduct: ConductService }) {
    this.#db = options.db;
    this.#trips = options.trips;
    this.#bus = options.bus;
    this.#conduct = options.conduct;
  }

  /**
   * Goes on or off line in one transaction. Off line or unavailable hands an accepted, unstarted trip back to waiting.
   * A trip that has arrived or started stays: the driver is then free or unavailable when it ends. FORBIDDEN to become
   * available while under review.
   */
  async setAvailability(
    driverId: string,
    wish: { readonly online: boolean; readonly availability: "available" | "unavailable" },
    claim: OpenClaim | null = null,
  ): Promise<AvailabilityState> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#setOnce(driverId, wish, claim);
      } catch (error) {
        if (!(error instanceof TripChangedMeanwhile)) throw error;
        if (attempt >= 4)
          throw new DomainError(
            "VERSION_CONFLICT",
            "Your trips are changing right now. Nothing was changed; try again.",
          );
      }
    }
  }

  async #setOnce(
    driverId: string,
    wish: { readonly online: boolean; readonly availability: "available" | "unavailable" },
    claim: OpenClaim | null,
  ): Promise<AvailabilityState> {
    const working = wish.online && wish.availability === "available";
    const reason = wish.online ? "the driver stopped taking trips" : "the driver went offline";
    const thresholds = await this.#conduct.thresholds();
    const { result, reviewed } = await this.#db.transaction(async (tx) => {
      // Trips before drivers, as everywhere. The trip is found before the driver's row is locked, so look again after.
      const tripId = await store.liveTripIdOf(tx, driverId);
      const trip = tripId === null ? null : await lockTrip(tx, tripId);
      const driver = await store.lockDriver(tx, driverId);
      if (driver === null) throw new DomainError("NOT_FOUND", "There is no such driver.");
      if ((await store.liveTripIdOf(tx, driverId)) !== tripId) throw new TripChangedMeanwhile();
      const holdsTrip = trip !== null && trip.driver_id === driverId;
      const releases = holdsTrip && !working && trip.current_status === "accepted";
      if (working && !holdsTrip && driver.under_review)
        throw new DomainError(
          "FORBIDDEN",
          "Your account is under review, so you cannot take trips now. Support will contact you.",
        );
      if (releases) await this.#trips.releaseLocked(tx, trip, reason);
      const availability: Availability = holdsTrip && !releases ? "on_trip" : working ? "available" : "unavailable";
      if (!working) {
        await store.revokeOpenOffersOf(tx, driverId, reason);
        await closeBids(tx, { tripId: null, driverId }, reason);
      }
      await store.setDriver(tx, driverId, { online: wish.online, availability });
      const state: AvailabilityState = {
        online: wish.online,
        availability,
        releasedTripIds: releases ? [trip.id] : [],
      };
      const reviewed = releases && (await this.#conduct.driverDrops(tx, driverId, trip.id, thresholds));
      if (releases) await countOutcome(tx, driverId, "dropped");
      await remember(tx, claim, state);
      return { result: state, reviewed };
    });
    for (const id of result.releasedTripIds)
      await this.#trips.afterRelease(id, driverId, { type: "driver", id: driverId }, reason);
    this.#bus.publish(topics.drivers, "changed", { ids: [driverId] });
    if (reviewed) this.#conduct.announceReview(driverId);
    return result;
  }
}
