import { insideRings } from "#prisma/seed/places.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import type { ZoneCollection } from "#server/domain/zones/zone-import.ts";

/**
 * Whether a point is in any of the zones, found the slow and sure way: the even-odd rule over every ring of every
 * polygon, no index, no bounding box. What the platform answers is held against this.
 */
export function inServiceArea(at: Coordinates, zones: ZoneCollection): boolean {
  return zones.features.some(({ geometry }) => {
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    return polygons.some((rings) => insideRings(at, rings));
  });
}
