import type { ZoneOutline } from "#server/contracts/console.ts";
import type { Coordinates } from "#server/contracts/geo.ts";

type Ring = readonly (readonly [number, number])[];

/** Even-odd rule: how often a ray to the east crosses the ring. */
function inRing({ lat, lng }: Coordinates, ring: Ring): boolean {
  let inside = false;
  let before = ring.at(-1);
  for (const corner of ring) {
    if (before && corner[1] > lat !== before[1] > lat) {
      const crossing = ((before[0] - corner[0]) * (lat - corner[1])) / (before[1] - corner[1]) + corner[0];
      if (lng < crossing) inside = !inside;
    }
    before = corner;
  }
  return inside;
}

/** Inside an outer ring and in none of its holes. */
export function inZone(point: Coordinates, zone: ZoneOutline): boolean {
  return zone.coordinates.some(([outer, ...holes]) => {
    return outer !== undefined && inRing(point, outer) && !holes.some((hole) => inRing(point, hole));
  });
}
