import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { type CategoryCode, insertDrivers, insertUsers, PHONES } from "#prisma/seed/people.ts";
import { polygonsOf, randomPlace, seededRandom } from "#prisma/seed/places.ts";
import { newId } from "#server/contracts/ids.ts";
import { SYSTEM_ROLES } from "#server/contracts/permissions.ts";
import { importZones, type ZoneCollection, zoneCollectionSchema } from "#server/domain/zones/zone-import.ts";
import { hashPassword } from "#server/platform/crypto.ts";
import type { Queryable } from "#server/platform/db.ts";

/** Scenarios: `base` (categories, zones, fares), `demo` (base, operators, a small city), `load` (base, many more users). */
export interface SeedOptions {
  readonly databaseUrl: string;
  readonly scenario: "base" | "demo" | "load";
  /** For `load`: how many more. */
  readonly drivers?: number;
  readonly customers?: number;
  /** Where load drivers stand; the demo city's zones unless given. */
  readonly zones?: ZoneCollection;
}

const DEMO_PASSWORD = "smartline-demo";
const DEMO_DRIVERS = 90;
const DEMO_CUSTOMERS = 60;
/** Piastres: EGP 12 + 5.50/km + 0.60/min, at least EGP 25, and so on. */
const FARES: Readonly<Record<CategoryCode, readonly [base: number, km: number, min: number, minimum: number]>> = {
  economy: [1200, 550, 60, 2500],
  comfort: [1800, 780, 90, 3500],
  scooter: [800, 330, 30, 1500],
};
const NAMES: Readonly<Record<CategoryCode, string>> = { economy: "Economy", comfort: "Comfort", scooter: "Scooter" };

async function readCairoZones(): Promise<ZoneCollection> {
  const file = new URL("./cairo-zones.geojson", import.meta.url);
  return zoneCollectionSchema.parse(JSON.parse(await readFile(file, "utf8")));
}

async function seedBase(tx: Queryable, cairo: ZoneCollection): Promise<ReadonlyMap<string, string>> {
  for (const [code, [base, km, min, minimum]] of Object.entries(FARES)) {
    await tx.query(
      "INSERT INTO vehicle_categories (id, code, name) VALUES ($1, $2, $3) ON CONFLICT (code) DO NOTHING",
      [newId(), code, NAMES[code as CategoryCode]],
    );
    await tx.query(
      `INSERT INTO trip_fares (id, zone_id, category_id, base_fare, fare_per_km, fare_per_min, minimum_fare)
       SELECT $1, NULL, id, $3, $4, $5, $6 FROM vehicle_categories WHERE code = $2 ON CONFLICT DO NOTHING`,
      [newId(), code, base, km, min, minimum],
    );
  }
  const { rows: zones } = await tx.query("SELECT 1 FROM zones LIMIT 1");
  if (zones.length === 0) await importZones(tx, cairo, { codePrefix: "", currency: "EGP" });
  const { rows } = await tx.query<{ id: string; code: string }>("SELECT id, code FROM vehicle_categories");
  return new Map(rows.map((row) => [row.code, row.id]));
}

async function seedDemo(
  tx: Queryable,
  cairo: ZoneCollection,
  categories: ReadonlyMap<string, string>,
  passwordHash: string,
): Promise<boolean> {
  const seen = await tx.query("SELECT 1 FROM users WHERE email = 'admin@smartline.test'");
  if (seen.rows.length > 0) return false;
  for (const role of SYSTEM_ROLES) {
    await tx.query(
      "INSERT INTO users (id, first_name, last_name, email, password_hash, user_type, role) VALUES ($1, $2, 'Demo', $3, $4, 'operator', $5)",
      [newId(), role[0]?.toUpperCase() + role.slice(1), `${role}@smartline.test`, passwordHash, role],
    );
  }
  const random = seededRandom(20);
  const polygons = polygonsOf(cairo);
  const categoryOf = (n: number): CategoryCode => (n <= 60 ? "economy" : n <= 78 ? "comfort" : "scooter");
  const drivers = Array.from({ length: DEMO_DRIVERS }, (_, i) => ({ id: newId(), n: i + 1 }));
  const customers = Array.from({ length: DEMO_CUSTOMERS }, (_, i) => ({ id: newId(), n: i + 1 }));
  await insertUsers(
    tx,
    drivers.map((d) => ({ ...d, type: "driver" as const, phone: PHONES.demo.driver(d.n) })),
    passwordHash,
  );
  await insertUsers(
    tx,
    customers.map((c) => ({ ...c, n: c.n + 1000, type: "customer" as const, phone: PHONES.demo.customer(c.n) })),
    passwordHash,
  );
  const placed = drivers.map((d) => ({
    ...d,
    category: categoryOf(d.n),
    plate: `DEM ${String(d.n).padStart(4, "0")}`,
    online: false,
    ...randomPlace(polygons, random),
  }));
  await insertDrivers(tx, placed, categories);
  // A zone that charges more than the others, and one whose surge has a lower ceiling.
  await tx.query(
    `INSERT INTO trip_fares (id, zone_id, category_id, base_fare, fare_per_km, fare_per_min, minimum_fare, updated_by_name)
     SELECT gen_random_uuid(), z.id, f.category_id, f.base_fare * 3 / 2, f.fare_per_km, f.fare_per_min, f.minimum_fare * 3 / 2, 'Admin Demo'
     FROM zones z, trip_fares f JOIN vehicle_categories k ON k.id = f.category_id
     WHERE z.code = 'HEL' AND f.zone_id IS NULL AND k.code IN ('economy', 'comfort') ON CONFLICT DO NOTHING`,
  );
  await tx.query(
    "INSERT INTO zone_surge (zone_id, cap, updated_by_name) SELECT id, 1.5, 'Admin Demo' FROM zones WHERE code = 'DTN' ON CONFLICT DO NOTHING",
  );
  return true;
}

const CHUNK = 2000;

async function seedLoad(
  tx: Queryable,
  options: SeedOptions,
  cairo: ZoneCollection,
  categories: ReadonlyMap<string, string>,
  passwordHash: string,
): Promise<void> {
  const { rows } = await tx.query<{ drivers: number; customers: number }>(
    `SELECT count(*) FILTER (WHERE user_type = 'driver')::int AS drivers, count(*) FILTER (WHERE user_type = 'customer')::int AS customers
     FROM users WHERE phone LIKE '+2012%' OR phone LIKE '+2013%'`,
  );
  const already = rows[0] ?? { drivers: 0, customers: 0 };
  const random = seededRandom(already.drivers + 1);
  const polygons = polygonsOf(options.zones ?? cairo);
  const numbers = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ id: newId(), n: from + i + 1 }));
  const customers = numbers(already.customers, options.customers ?? 0);
  const drivers = numbers(already.drivers, options.drivers ?? 0);
  for (let i = 0; i < customers.length; i += CHUNK) {
    await insertUsers(
      tx,
      customers.slice(i, i + CHUNK).map((c) => ({ ...c, type: "customer" as const, phone: PHONES.load.customer(c.n) })),
      passwordHash,
    );
  }
  for (let i = 0; i < drivers.length; i += CHUNK) {
    const chunk = drivers.slice(i, i + CHUNK);
    await insertUsers(
      tx,
      chunk.map((d) => ({ ...d, type: "driver" as const, phone: PHONES.load.driver(d.n) })),
      passwordHash,
    );
    const placed = chunk.map((d) => ({
      ...d,
      category: "economy" as const,
      plate: `LOAD ${d.n}`,
      online: true,
      ...randomPlace(polygons, random),
    }));
    await insertDrivers(tx, placed, categories);
  }
}

/** All or nothing, one seeding at a time. `created` is false when the demo was there already. */
export async function seedScenario(options: SeedOptions): Promise<{ readonly created: boolean }> {
  const [cairo, passwordHash] = await Promise.all([readCairoZones(), hashPassword(DEMO_PASSWORD)]);
  const client = new pg.Client({ connectionString: options.databaseUrl });
  await client.connect();
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock(hashtext('smartline-seed'))");
    const categories = await seedBase(client, cairo);
    let created = true;
    if (options.scenario === "demo") created = await seedDemo(client, cairo, categories, passwordHash);
    if (options.scenario === "load") await seedLoad(client, options, cairo, categories, passwordHash);
    await client.query("COMMIT");
    // Fresh statistics: the hot statements' plans are made of them.
    if (created) await client.query("ANALYZE");
    return { created };
  } finally {
    await client.end();
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      scenario: { type: "string", default: "demo" },
      drivers: { type: "string", default: "1000" },
      customers: { type: "string", default: "1000" },
    },
  });
  const { scenario } = values;
  const { findTarget } = await import("#scripts/services/running.ts");
  const { databaseUrl } = findTarget();
  const [drivers, customers] = [Number(values.drivers), Number(values.customers)];
  if (
    (scenario !== "base" && scenario !== "demo" && scenario !== "load") ||
    ![drivers, customers].every((n) => Number.isInteger(n) && n >= 0 && n <= 1_000_000)
  ) {
    process.stderr.write("usage: npm run seed -- --scenario demo|load [--drivers N] [--customers N]\n");
    process.exit(2);
  }
  const { created } = await seedScenario({ databaseUrl, scenario, drivers, customers });
  process.stdout.write(
    created
      ? `seeded: ${scenario}${scenario === "load" ? `, ${drivers} drivers, ${customers} customers` : ""}\n`
      : "the demo is there already\n",
  );
}
