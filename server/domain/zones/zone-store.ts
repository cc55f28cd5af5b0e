import type { Coordinates } from "#server/contracts/geo.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
}

/** The active zone that holds the point: in one of its parts and in none of its holes; by priority where zones overlap. */
export async function findZoneAt(db: Queryable, at: Coordinates): Promise<Zone | null> {
  const { rows } = await db.query<Zone>({
    name: "zone-at",
    text: `
      SELECT z.id, z.name, z.currency
      FROM zone_areas a JOIN zones z ON z.id = a.zone_id AND z.is_active
      WHERE NOT a.is_hole AND box(a.area) @> box(point($1, $2), point($1, $2)) AND a.area @> point($1, $2)
        AND NOT EXISTS (
          SELECT 1 FROM zone_areas h
          WHERE h.zone_id = z.id AND h.is_hole AND h.area @> point($1, $2))
      ORDER BY z.priority DESC, z.id
      LIMIT 1`,
    values: [at.lng, at.lat],
  });
  return rows[0] ?? null;
}
