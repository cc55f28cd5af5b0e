import type { Coordinates } from "#server/contracts/geo.ts";
import type { Shape } from "#server/contracts/zone-shape.ts";

/**
 * Where a point lies, found the slow and sure way: every ring, no index, whole numbers without rounding (billionths of a
 * degree). What the database answers is held against this. A point on a border belongs to either side.
 */
export type Where = "inside" | "border" | "outside";

const exact = (degrees: number): bigint => BigInt(Math.round(degrees * 1e9));

function whereInRing(x: bigint, y: bigint, ring: readonly (readonly number[])[]): Where {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [x1, y1] = [exact(ring[j]?.[0] ?? 0), exact(ring[j]?.[1] ?? 0)];
    const [x2, y2] = [exact(ring[i]?.[0] ?? 0), exact(ring[i]?.[1] ?? 0)];
    const side = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1);
    const [west, east] = x1 < x2 ? [x1, x2] : [x2, x1];
    const [south, north] = y1 < y2 ? [y1, y2] : [y2, y1];
    if (side === 0n && x >= west && x <= east && y >= south && y <= north) return "border";
    if (y1 > y !== y2 > y && side > 0n === y2 > y1) inside = !inside;
  }
  return inside ? "inside" : "outside";
}

/** Inside a part and outside its holes. */
export function whereIsExactly({ lat, lng }: Coordinates, shape: Shape): Where {
  const [x, y] = [exact(lng), exact(lat)];
  let found: Where = "outside";
  for (const [outer, ...holes] of shape) {
    const inPart = outer === undefined ? "outside" : whereInRing(x, y, outer);
    if (inPart === "outside") continue;
    const inHoles = holes.map((hole) => whereInRing(x, y, hole));
    if (inHoles.includes("inside")) continue;
    if (inPart === "inside" && !inHoles.includes("border")) return "inside";
    found = "border";
  }
  return found;
}
