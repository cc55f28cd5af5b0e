import { newId } from "#server/contracts/ids.ts";
import { zoneAt } from "#server/domain/zones/zone-store.ts";
import type { Queryable } from "#server/platform/db.ts";

/** Phones tell who is who: +2010 and +2011 are the demo's, +2012 and +2013 those of load scenarios. */
export const PHONES = {
  demo: { driver: (n: number) => `+20100${pad(n, 6)}`, customer: (n: number) => `+20110${pad(n, 6)}` },
  load: { driver: (n: number) => `+2012${pad(n, 8)}`, customer: (n: number) => `+2013${pad(n, 8)}` },
} as const;

const pad = (n: number, digits: number) => String(n).padStart(digits, "0");

const FIRST = [
  "Ahmed",
  "Mohamed",
  "Mahmoud",
  "Mostafa",
  "Omar",
  "Youssef",
  "Karim",
  "Hassan",
  "Tarek",
  "Amr",
  "Mona",
  "Salma",
  "Nour",
  "Heba",
  "Dina",
  "Yasmin",
  "Aya",
  "Rania",
  "Laila",
  "Farida",
] as const;
const LAST = [
  "Hassan",
  "Ibrahim",
  "El-Sayed",
  "Abdelrahman",
  "Mansour",
  "Farouk",
  "Saleh",
  "Nasser",
  "Kamal",
  "Fathy",
  "Gaber",
  "Soliman",
  "Zaki",
  "Hegazy",
  "Shawky",
  "Badawi",
] as const;
const MODELS = {
  economy: ["Hyundai Verna", "Nissan Sunny", "Chevrolet Aveo"],
  comfort: ["Toyota Corolla", "Hyundai Elantra", "Skoda Octavia"],
  scooter: ["SYM Jet 14", "Vespa LX", "Honda Dio"],
} as const;
export type CategoryCode = keyof typeof MODELS;

export const personName = (n: number): { first: string; last: string } => ({
  first: FIRST[n % FIRST.length] ?? "Ali",
  last: LAST[Math.floor(n / FIRST.length + n * 7) % LAST.length] ?? "Hassan",
});

export async function insertUsers(
  tx: Queryable,
  users: readonly {
    readonly id: string;
    readonly n: number;
    readonly type: "customer" | "driver";
    readonly phone: string;
  }[],
  passwordHash: string,
): Promise<void> {
  await tx.query(
    `INSERT INTO users (id, first_name, last_name, phone, password_hash, user_type, fcm_token)
     SELECT id, first, last, phone, $1, type, 'demo-' || id FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) AS u(id, first, last, phone, type)`,
    [
      passwordHash,
      users.map((u) => u.id),
      users.map((u) => personName(u.n).first),
      users.map((u) => personName(u.n).last),
      users.map((u) => u.phone),
      users.map((u) => u.type),
    ],
  );
}

export interface SeededDriver {
  readonly id: string;
  readonly n: number;
  readonly category: CategoryCode;
  readonly plate: string;
  readonly online: boolean;
  readonly lat: number;
  readonly lng: number;
}

/** Details, vehicle and first position of drivers whose users exist. */
export async function insertDrivers(
  tx: Queryable,
  drivers: readonly SeededDriver[],
  categoryIds: ReadonlyMap<string, string>,
): Promise<void> {
  await tx.query(
    `INSERT INTO driver_details (user_id, is_online, availability_status)
     SELECT id, online, CASE WHEN online THEN 'available' ELSE 'unavailable' END FROM unnest($1::uuid[], $2::boolean[]) AS d(id, online)`,
    [drivers.map((d) => d.id), drivers.map((d) => d.online)],
  );
  await tx.query(
    `INSERT INTO vehicles (id, driver_id, category_id, licence_plate_number, model)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])`,
    [
      drivers.map(() => newId()),
      drivers.map((d) => d.id),
      drivers.map((d) => categoryIds.get(d.category)),
      drivers.map((d) => d.plate),
      drivers.map((d) => MODELS[d.category][d.n % MODELS[d.category].length]),
    ],
  );
  await tx.query(
    `INSERT INTO user_last_locations (user_id, type, location, zone_id, recorded_at)
     SELECT l.id, 'driver', point(l.lng, l.lat),
       (${zoneAt("z.id", "l.lng", "l.lat")}),
       now()
     FROM unnest($1::uuid[], $2::float8[], $3::float8[]) AS l(id, lat, lng)`,
    [drivers.map((d) => d.id), drivers.map((d) => d.lat), drivers.map((d) => d.lng)],
  );
}
