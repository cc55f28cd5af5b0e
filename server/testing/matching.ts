import type { TripRequestInput } from "#server/domain/trips/trip-service.ts";
import { HERE } from "#server/testing/factories.ts";
import type { TestApp } from "#server/testing/harness.ts";

const METERS_PER_DEGREE = 111_195;
export const TOWN = "0199aaaa-0000-7000-8000-000000000001";

export const RIDE: TripRequestInput = {
  pickup: HERE,
  destination: { lat: 30.06, lng: 31.25 },
  stops: [],
  vehicleCategory: "economy",
  paymentMethod: "cash",
  type: "ride_request",
};

export interface OfferRow {
  readonly driver_id: string;
  readonly status: string;
  readonly batch: number;
  readonly distance_meters: number;
  readonly slot: number;
  readonly score_seconds: number;
}

/** What the tests of the matcher have in common: drivers in a row north of the pickup, trips, and the database's clock moved. */
export const matchingOf = (t: TestApp) => ({
  /** The first at `from` metres, each `step` metres further. */
  async place(drivers: readonly string[], from: number, step = 100): Promise<void> {
    for (const [i, id] of drivers.entries())
      await t.rows(
        `INSERT INTO user_last_locations (user_id, type, location, recorded_at) VALUES ($1, 'driver', point($2, $3), now())
         ON CONFLICT (user_id) DO UPDATE SET location = EXCLUDED.location, updated_at = now()`,
        [id, HERE.lng, HERE.lat + (from + i * step) / METERS_PER_DEGREE],
      );
  },
  async driversAt(count: number, from: number, step = 100): Promise<string[]> {
    const drivers = await t.make.drivers(count);
    await this.place(drivers, from, step);
    return drivers;
  },
  async book(wish: Partial<TripRequestInput> = {}, customerId?: string): Promise<string> {
    return (await t.app.trips.create(customerId ?? (await t.make.customer()), { ...RIDE, ...wish })).id;
  },
  offers: (tripId: string) =>
    t.rows<OfferRow>(
      "SELECT driver_id, status, batch, distance_meters, slot, score_seconds FROM trip_offers WHERE trip_request_id = $1 ORDER BY batch, score_seconds",
      [tripId],
    ),
  async asked(tripId: string): Promise<string[]> {
    return (await this.offers(tripId)).map((offer) => offer.driver_id);
  },
  /** The database's clock decides; a test moves what it compares with. */
  past: (set: string, tripId: string) => t.rows(`UPDATE trip_requests SET ${set} WHERE id = $1`, [tripId]),
  async nextBatch(tripId: string): Promise<void> {
    await t.rows("UPDATE trip_offers SET expires_at = now() - interval '1 second' WHERE trip_request_id = $1", [
      tripId,
    ]);
    await this.past("next_dispatch_at = now()", tripId);
    await t.app.dispatch.tick();
    await t.drain();
  },
  zone: (settings: object) =>
    t.rows(
      `INSERT INTO zone_matching_settings (zone_id, settings, updated_by_name) VALUES ($1, $2, 'a test')
       ON CONFLICT (zone_id) DO UPDATE SET settings = EXCLUDED.settings, version = zone_matching_settings.version + 1`,
      [TOWN, JSON.stringify(settings)],
    ),
});
