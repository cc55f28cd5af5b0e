import type { Tariff } from "#server/domain/fares/fare.ts";
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
