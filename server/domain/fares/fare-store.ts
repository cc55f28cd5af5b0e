import type { Tariff } from "#server/contracts/fare.ts";
import type { FareView } from "#server/contracts/fares.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface CategoryTariff {
  readonly categoryId: string;
  /** null: the category exists, but nobody set a fare for it here or in general. */
  readonly tariff: Tariff | null;
}

/** The category by its code or id, with the zone's own fare or the general one. null: no such active category. */
export async function findCategoryTariff(
  db: Queryable,
  category: string,
  zoneId: string | null,
): Promise<CategoryTariff | null> {
  const { rows } = await db.query<{
    id: string;
    base_fare: number | null;
    fare_per_km: number;
    fare_per_min: number;
    minimum_fare: number;
  }>({
    name: "category-tariff",
    text: `
      SELECT k.id, f.base_fare, f.fare_per_km, f.fare_per_min, f.minimum_fare
      FROM vehicle_categories k
      LEFT JOIN trip_fares f ON f.category_id = k.id AND (f.zone_id = $2 OR f.zone_id IS NULL)
      WHERE k.is_active AND (k.code = $1 OR k.id::text = $1)
      ORDER BY f.zone_id NULLS LAST
      LIMIT 1`,
    values: [category, zoneId],
  });
  const [row] = rows;
  if (row === undefined) return null;
  if (row.base_fare === null) return { categoryId: row.id, tariff: null };
  const tariff = {
    baseFare: row.base_fare,
    farePerKm: row.fare_per_km,
    farePerMin: row.fare_per_min,
    minimumFare: row.minimum_fare,
  };
  return { categoryId: row.id, tariff };
}

/** What a category costs in a zone now, also when the category takes no new trips. null: nobody set a fare. */
export async function findTariff(db: Queryable, categoryId: string, zoneId: string | null): Promise<Tariff | null> {
  const { rows } = await db.query<{
    base_fare: number;
    fare_per_km: number;
    fare_per_min: number;
    minimum_fare: number;
  }>({
    name: "tariff",
    text: `SELECT base_fare, fare_per_km, fare_per_min, minimum_fare FROM trip_fares
           WHERE category_id = $1 AND (zone_id = $2 OR zone_id IS NULL) ORDER BY zone_id NULLS LAST LIMIT 1`,
    values: [categoryId, zoneId],
  });
  const [row] = rows;
  if (row === undefined) return null;
  return {
    baseFare: row.base_fare,
    farePerKm: row.fare_per_km,
    farePerMin: row.fare_per_min,
    minimumFare: row.minimum_fare,
  };
}

interface TariffColumns {
  readonly base_fare: number;
  readonly fare_per_km: number;
  readonly fare_per_min: number;
  readonly minimum_fare: number;
}
const toTariff = (row: TariffColumns): Tariff => ({
  baseFare: row.base_fare,
  farePerKm: row.fare_per_km,
  farePerMin: row.fare_per_min,
  minimumFare: row.minimum_fare,
});

/** What each active category costs in a zone: its own fare, or the general one; those without any are left out. */
export async function listTariffs(
  db: Queryable,
  zoneId: string,
): Promise<{ categoryId: string; code: string; name: string; tariff: Tariff }[]> {
  const { rows } = await db.query<TariffColumns & { id: string; code: string; name: string }>({
    name: "tariffs-of-zone",
    text: `SELECT DISTINCT ON (k.id) k.id, k.code, k.name, f.base_fare, f.fare_per_km, f.fare_per_min, f.minimum_fare
           FROM vehicle_categories k JOIN trip_fares f ON f.category_id = k.id AND (f.zone_id = $1 OR f.zone_id IS NULL)
           WHERE k.is_active ORDER BY k.id, f.zone_id NULLS LAST`,
    values: [zoneId],
  });
  return rows
    .map((row) => ({ categoryId: row.id, code: row.code, name: row.name, tariff: toTariff(row) }))
    .sort((a, b) => a.tariff.baseFare - b.tariff.baseFare || (a.code < b.code ? -1 : 1));
}

/** Every zone's fares, the general ones first. */
export async function readFares(db: Queryable): Promise<FareView> {
  const [categories, zones, fares] = [
    await db.query<{ id: string; code: string; name: string }>(
      "SELECT id, code, name FROM vehicle_categories WHERE is_active ORDER BY created_at, code",
    ),
    await db.query<{ id: string; name: string; currency: string; is_active: boolean }>(
      "SELECT id, name, currency, is_active FROM zones ORDER BY name, id",
    ),
    await db.query<
      TariffColumns & {
        zone_id: string | null;
        category_id: string;
        version: number;
        updated_by_name: string | null;
        updated_at: Date;
      }
    >("SELECT * FROM trip_fares"),
  ];
  const keyed = new Map(fares.rows.map((fare) => [`${fare.zone_id}:${fare.category_id}`, fare]));
  const cells = (zoneId: string | null) =>
    categories.rows.map(({ id }) => {
      const fare = keyed.get(`${zoneId}:${id}`);
      const own =
        fare === undefined
          ? null
          : {
              ...toTariff(fare),
              version: fare.version,
              updatedBy: fare.updated_by_name,
              updatedAt: fare.updated_at.toISOString(),
            };
      return { categoryId: id, own };
    });
  const general = { zoneId: null, zoneName: "All zones", currency: zones.rows[0]?.currency ?? "EGP", isActive: true };
  return {
    categories: categories.rows,
    rows: [
      { ...general, fares: cells(null) },
      ...zones.rows.map((zone) => ({
        zoneId: zone.id,
        zoneName: zone.name,
        currency: zone.currency,
        isActive: zone.is_active,
        fares: cells(zone.id),
      })),
    ],
  };
}

/** One fare under lock; version and tariff null when there is none. Null: no such zone or category. */
export async function lockFare(
  tx: Queryable,
  zoneId: string | null,
  categoryId: string,
): Promise<{ readonly code: string; readonly version: number | null; readonly tariff: Tariff | null } | null> {
  // The category's row stands for a fare that is not there yet.
  const { rows } = await tx.query<{ code: string }>(
    `SELECT code FROM vehicle_categories WHERE id = $1 AND ($2::uuid IS NULL OR EXISTS (SELECT 1 FROM zones WHERE id = $2)) FOR UPDATE`,
    [categoryId, zoneId],
  );
  const [category] = rows;
  if (category === undefined) return null;
  const fares = await tx.query<TariffColumns & { version: number }>(
    "SELECT * FROM trip_fares WHERE category_id = $1 AND zone_id IS NOT DISTINCT FROM $2::uuid FOR UPDATE",
    [categoryId, zoneId],
  );
  const [fare] = fares.rows;
  return { code: category.code, version: fare?.version ?? null, tariff: fare === undefined ? null : toTariff(fare) };
}

export async function writeFare(
  tx: Queryable,
  fare: { readonly zoneId: string | null; readonly categoryId: string; readonly tariff: Tariff },
  byName: string,
): Promise<void> {
  const { baseFare, farePerKm, farePerMin, minimumFare } = fare.tariff;
  await tx.query(
    `INSERT INTO trip_fares AS f (id, zone_id, category_id, base_fare, fare_per_km, fare_per_min, minimum_fare, updated_by_name)
     VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (zone_id, category_id) DO UPDATE SET base_fare = EXCLUDED.base_fare, fare_per_km = EXCLUDED.fare_per_km,
       fare_per_min = EXCLUDED.fare_per_min, minimum_fare = EXCLUDED.minimum_fare, version = f.version + 1,
       updated_by_name = EXCLUDED.updated_by_name, updated_at = now()`,
    [fare.zoneId, fare.categoryId, baseFare, farePerKm, farePerMin, minimumFare, byName],
  );
}

export async function removeFare(tx: Queryable, zoneId: string | null, categoryId: string): Promise<void> {
  await tx.query("DELETE FROM trip_fares WHERE category_id = $1 AND zone_id IS NOT DISTINCT FROM $2::uuid", [
    categoryId,
    zoneId,
  ]);
}
