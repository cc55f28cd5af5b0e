import type { Coordinates } from "#server/contracts/geo.ts";
import { SURGE_NOW } from "#server/domain/surge/surge-store.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  /** What a trip booked there now costs more: 1 is nothing. */
  readonly surge: number;
}

/**
 * SQL for "this area holds this point". Compared in millionths of a degree: PostgreSQL takes a cross product below 1e-6
 * for zero, which in degrees lets points up to 100 m outside a short edge count as on it.
 */
const areaHolds = (area: string, lng: string, lat: string): string =>
  `polygon(path(${area}.area) * point(1e6, 0)) @> point(${lng} * 1e6, ${lat} * 1e6)`;

/**
 * SQL for the active zone that holds a point: in one of its parts and in no hole of that part; by priority where zones
 * overlap. `lng` and `lat` are SQL for float8s; `columns` are of `z`.
 */
export const zoneAt = (columns: string, lng: string, lat: string): string => `
  SELECT ${columns}
  FROM zone_areas a JOIN zones z ON z.id = a.zone_id AND z.is_active
  WHERE NOT a.is_hole AND box(a.area) @> box(point(${lng}, ${lat}), point(${lng}, ${lat})) AND ${areaHolds("a", lng, lat)}
    AND NOT EXISTS (SELECT 1 FROM zone_areas h WHERE h.zone_id = z.id AND h.part = a.part AND h.is_hole AND ${areaHolds("h", lng, lat)})
  ORDER BY z.priority DESC, z.id
  LIMIT 1`;

/** The zone that a trip from there belongs to; null outside our service area. */
export async function findZoneAt(db: Queryable, at: Coordinates): Promise<Zone | null> {
  const { rows } = await db.query<Zone>({
    name: "zone-at",
    text: zoneAt(`z.id, z.name, z.currency, ${SURGE_NOW} AS surge`, "$1::float8", "$2::float8"),
    values: [at.lng, at.lat],
  });
  return rows[0] ?? null;
}
