import type { Pool } from "pg";
import { newId, refIdOf } from "#server/contracts/ids.ts";
import { upsertLocations } from "#server/domain/drivers/location-store.ts";

/** In the middle of the test zone. */
export const HERE = { lat: 30.05, lng: 31.24 } as const;
/** In no zone. */
export const FAR_AWAY = { lat: 10, lng: 10 } as const;

export interface DriverWish {
  readonly online?: boolean;
  readonly category?: "economy" | "comfort";
  readonly active?: boolean;
}

export interface Factories {
  driver(wish?: DriverWish): Promise<string>;
  drivers(count: number, wish?: DriverWish): Promise<string[]>;
  /** Puts drivers at HERE: dispatch finds them from then on, and the way to a pickup can be asked for. */
  place(drivers: readonly string[]): Promise<void>;
  customer(): Promise<string>;
  customers(count: number): Promise<string[]>;
  operator(role?: string): Promise<string>;
  /** A waiting trip that nobody has been offered, due for no dispatch while a test runs. */
  trip(wish?: { readonly customerId?: string; readonly category?: string }): Promise<string>;
  trips(count: number): Promise<string[]>;
}

/** Categories, fares and one square zone around Cairo's centre. */
export async function seedTown(pool: Pool): Promise<void> {
  await pool.query(`
    INSERT INTO vehicle_categories (id, code, name) VALUES (gen_random_uuid(), 'economy', 'Economy'), (gen_random_uuid(), 'comfort', 'Comfort');
    INSERT INTO trip_fares (id, zone_id, category_id, base_fare, fare_per_km, fare_per_min, minimum_fare)
      SELECT gen_random_uuid(), NULL, id, 1200, 550, 60, 2500 FROM vehicle_categories;
    INSERT INTO zones (id, code, name) VALUES ('0199aaaa-0000-7000-8000-000000000001', 'town', 'Town');
    INSERT INTO zone_areas (id, zone_id, part, area) VALUES (gen_random_uuid(), '0199aaaa-0000-7000-8000-000000000001', 1, '((31,29.8),(31.5,29.8),(31.5,30.3),(31,30.3))');`);
}

export function factories(pool: Pool): Factories {
  let phones = 0;
  async function users(type: string, count: number, role: string | null = null, active = true): Promise<string[]> {
    const ids = Array.from({ length: count }, newId);
    const phone = () => `+2015${String(++phones).padStart(8, "0")}`;
    await pool.query(
      `INSERT INTO users (id, first_name, last_name, phone, user_type, role, fcm_token, is_active)
       SELECT u.id, 'Test', $3, u.phone, $3, $4, 'token-' || u.id, $5 FROM unnest($1::uuid[], $2::text[]) AS u(id, phone)`,
      [ids, ids.map(phone), type, role, active],
    );
    return ids;
  }
  async function drivers(count: number, wish: DriverWish = {}): Promise<string[]> {
    const { online = true, category = "economy", active = true } = wish;
    const ids = await users("driver", count, null, active);
    await pool.query(
      `INSERT INTO driver_details (user_id, is_online, availability_status)
       SELECT id, $2, CASE WHEN $2 THEN 'available' ELSE 'unavailable' END FROM unnest($1::uuid[]) AS d(id)`,
      [ids, online],
    );
    await pool.query(
      `INSERT INTO vehicles (id, driver_id, category_id, licence_plate_number, model)
       SELECT gen_random_uuid(), d.id, k.id, 'P ' || d.id, 'Sedan' FROM unnest($1::uuid[]) AS d(id), vehicle_categories k WHERE k.code = $2`,
      [ids, category],
    );
    return ids;
  }
  async function trips(count: number, wish: { customerId?: string; category?: string } = {}): Promise<string[]> {
    const customerId = wish.customerId ?? (await users("customer", 1))[0];
    const ids = Array.from({ length: count }, newId);
    await pool.query(
      `INSERT INTO trip_requests (id, ref_id, customer_id, vehicle_category_id, zone_id, payment_method, currency,
         estimated_fare, estimated_distance, estimated_duration, search_ends_at, next_dispatch_at)
       SELECT t.id, t.ref, $3, k.id, '0199aaaa-0000-7000-8000-000000000001', 'cash', 'EGP', 4000, 5000, 600,
         now() + interval '50 minutes', now() + interval '40 minutes'
       FROM unnest($1::uuid[], $2::text[]) AS t(id, ref), vehicle_categories k WHERE k.code = $4`,
      [ids, ids.map(refIdOf), customerId, wish.category ?? "economy"],
    );
    await pool.query(
      `INSERT INTO trip_request_coordinates (trip_request_id, pickup_coordinates, destination_coordinates)
       SELECT id, point($2, $3), point($2, $3) FROM unnest($1::uuid[]) AS t(id)`,
      [ids, HERE.lng, HERE.lat],
    );
    return ids;
  }
  const one = async (ids: Promise<string[]>): Promise<string> => (await ids)[0] as string;
  return {
    drivers,
    driver: (wish) => one(drivers(1, wish)),
    place: (ids) =>
      upsertLocations(
        pool,
        ids.map((userId) => ({ userId, ...HERE, heading: null, speed: null, accuracy: null, recordedAt: new Date() })),
      ),
    customers: (count) => users("customer", count),
    customer: () => one(users("customer", 1)),
    operator: (role = "admin") => one(users("operator", 1, role)),
    trips,
    trip: (wish) => one(trips(1, wish)),
  };
}
