import { DomainError } from "#server/contracts/errors.ts";
import { fareFor } from "#server/contracts/fare.ts";
import type { Estimate, FareView, TariffInput } from "#server/contracts/fares.ts";
import type { Place } from "#server/contracts/geo.ts";
import { topics } from "#server/contracts/realtime.ts";
import * as store from "#server/domain/fares/fare-store.ts";
import type { Quotes } from "#server/domain/fares/quotes.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { findZoneAt } from "#server/domain/zones/zone-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Database } from "#server/platform/db.ts";
import type { Router } from "#server/platform/routing.ts";

const HIGH_DEMAND = "High demand in your area. Prices are temporarily higher.";

export interface FareChange {
  /** Null: the general fare of the category. */
  readonly zoneId: string | null;
  readonly categoryId: string;
  /** Null: the zone has no fare of its own any more. */
  readonly tariff: TariffInput | null;
  /** 0: there is none yet. */
  readonly expectedVersion: number;
}

/** What rides cost: shown before they are booked, and set by operators. */
export class FareService {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #router: Router;
  readonly #quotes: Quotes;

  constructor(options: { db: Database; bus: EventBus; router: Router; quotes: Quotes }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#router = options.router;
    this.#quotes = options.quotes;
  }

  /** Every category's fare for a ride, with what makes it hold. OUTSIDE_SERVICE_AREA when the pickup is in no zone. */
  async estimate(
    customerId: string,
    ride: { readonly pickup: Place; readonly destination: Place; readonly stops: readonly Place[] },
  ): Promise<Estimate> {
    const zone = await findZoneAt(this.#db.pool, ride.pickup);
    if (zone === null) throw new DomainError("OUTSIDE_SERVICE_AREA", "The pickup is outside our service area.");
    const points = [ride.pickup, ...ride.stops, ride.destination];
    const [tariffs, route] = await Promise.all([store.listTariffs(this.#db.pool, zone.id), this.#router.route(points)]);
    const { surge } = zone;
    const expiresAt = this.#quotes.expiry();
    const { distanceMeters, durationSeconds, estimated: routeEstimated } = route;
    return {
      zoneId: zone.id,
      zoneName: zone.name,
      estimatedDistanceMeters: distanceMeters,
      estimatedDurationSeconds: durationSeconds,
      routeEstimated,
      surgeMultiplier: surge,
      message: surge > 1 ? HIGH_DEMAND : null,
      options: tariffs.map(({ categoryId, code, name, tariff }) => {
        const fare = fareFor(tariff, { distanceMeters, durationSeconds, surge });
        const quote = { customerId, zoneId: zone.id, categoryId, fare, surge, distanceMeters, durationSeconds };
        return {
          vehicleCategory: code,
          name,
          estimatedFare: { amount: fare, currency: zone.currency },
          quote: this.#quotes.issue({ ...quote, routeEstimated }, points, expiresAt),
        };
      }),
      expiresAt: expiresAt.toISOString(),
    };
  }

  view(): Promise<FareView> {
    return store.readFares(this.#db.pool);
  }

  /** For trips booked from now on. NOT_FOUND; VERSION_CONFLICT when it changed since it was read. */
  async set(
    actor: { readonly name: string },
    change: FareChange,
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<void> {
    if (change.zoneId === null && change.tariff === null)
      throw new DomainError(
        "VALIDATION_FAILED",
        "The general fare cannot be taken away: zones without their own need it.",
        {
          fields: [{ path: "tariff", message: "must be set" }],
        },
      );
    await this.#db.transaction(async (tx) => {
      const before = await store.lockFare(tx, change.zoneId, change.categoryId);
      if (before === null) throw new DomainError("NOT_FOUND", "There is no such zone or category.");
      if ((before.version ?? 0) !== change.expectedVersion)
        throw new DomainError("VERSION_CONFLICT", "Somebody changed this fare meanwhile. Nothing was changed.");
      if (change.tariff === null) await store.removeFare(tx, change.zoneId, change.categoryId);
      else await store.writeFare(tx, { ...change, tariff: change.tariff }, actor.name);
      const subject = { type: "fare", id: `${change.zoneId ?? "general"}:${before.code}` };
      await record(tx, subject, { before: before.tariff, after: change.tariff });
      await remember(tx, claim, undefined);
    });
    this.#bus.publish(topics.zones, "changed", { ids: change.zoneId === null ? [] : [change.zoneId] });
  }
}
