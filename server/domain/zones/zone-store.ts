import type { Coordinates } from "#server/contracts/geo.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
}

/**
 * SQL for "this area holds this point". Compared in millionths of a degree: PostgreSQL takes a cross product below 1e-6
 * for zero, which in degrees lets points up to 100 m outside a short edge count as on it.
 */
export const areaHolds = (area: string, lng: string, lat: string): string =>
  `polygon(path(${area}.area) * point(1e6, 0)) @> point(${lng} * 1e6, ${lat} * 1e6)`;

/** The active zone that holds the point: in one of its parts and in none of its holes; by priority where zones overlap. */
export async function findZoneAt(db: Queryable, at: Coordinates): Promise<Zone | null> {
  const { rows } = await db.query<Zone>({
    name: "zone-at",
    text: `
      SELECT z.id, z.name, z.currency
      FROM zone_areas a JOIN zones z ON z.id = a.zone_id AND z.is_active
      WHERE NOT a.is_hole AND box(a.area) @> box(point($1, $2), point($1, $2)) AND ${areaHolds("a", "$1::float8", "$2::float8")}
        AND NOT EXISTS (
          SELECT 1 FROM zone_areas h
          WHERE h.zone_id = z.id AND h.is_hole AND ${areaHolds("h", "$1::float8", "$2::float8")})
      ORDER BY z.priority DESC, z.id
      LIMIT 1`,
    values: [at.lng, at.lat],
  });
  return rows[0] ?? null;
}
