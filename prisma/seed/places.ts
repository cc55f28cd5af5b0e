import type { Coordinates } from "#server/contracts/geo.ts";
import type { ZoneCollection } from "#server/domain/zones/zone-import.ts";

/** mulberry32: a small seeded generator, so that a seed gives the same city every time. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Rings = readonly (readonly (readonly number[])[])[];

/** Even-odd rule over all rings: inside the outer one and in no hole. */
export function insideRings(at: Coordinates, rings: Rings): boolean {
  let inside = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi = 0, yi = 0] = ring[i] ?? [];
      const [xj = 0, yj = 0] = ring[j] ?? [];
      if (yi > at.lat !== yj > at.lat && at.lng < ((xj - xi) * (at.lat - yi)) / (yj - yi) + xi) inside = !inside;
    }
  }
  return inside;
}

export function polygonsOf(zones: ZoneCollection): Rings[] {
  return zones.features.flatMap(({ geometry }) =>
    geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates,
  );
}

/** A random point inside one of the polygons, each as likely as another. */
export function randomPlace(polygons: readonly Rings[], random: () => number): Coordinates {
  for (let attempt = 0; attempt < 10_000; attempt++) {
    const rings = polygons[Math.floor(random() * polygons.length)];
    const outer = rings?.[0];
    if (rings === undefined || outer === undefined) continue;
    const lngs = outer.map((p) => p[0] ?? 0);
    const lats = outer.map((p) => p[1] ?? 0);
    const [west, east, south, north] = [Math.min(...lngs), Math.max(...lngs), Math.min(...lats), Math.max(...lats)];
    const at = { lat: south + random() * (north - south), lng: west + random() * (east - west) };
    if (insideRings(at, rings)) return at;
  }
  throw new Error("no point found inside the zones: are their rings valid?");
}
