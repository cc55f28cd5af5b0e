import { readFileSync } from "node:fs";
import { buildRoadGraph, type GeoPoint, type RoadCollection, type RoadGraph } from "#scripts/simulator/road-graph.ts";
import type { Place } from "#server/contracts/geo.ts";
import { haversineMeters } from "#server/platform/routing.ts";

/** How far people ride, metres as the crow flies. */
const RIDE_METRES = { from: 2000, to: 9000 };
const TRIES = 400;

interface NamedPoint extends GeoPoint {
  readonly name: string;
}

/** The streets, and what people call the places on them. All its road nodes lie inside the service zones. */
export class City {
  readonly graph: RoadGraph;
  /** Codes that riders have told their drivers, by trip. */
  readonly codes = new Map<string, string>();
  readonly #places: readonly NamedPoint[];
  readonly #hubs: readonly GeoPoint[];

  constructor(map: RoadCollection) {
    this.graph = buildRoadGraph(map);
    this.#places = namedPoints(map);
    this.#hubs = this.#places.length > 0 ? this.#places : this.graph.nodes;
  }

  /** Somewhere on a street; places near which much is going on are likelier. */
  somewhere(random: () => number): GeoPoint {
    const nodes = this.graph.nodes;
    const hub = pick(this.#hubs, random);
    let best = pick(nodes, random);
    for (let i = 0; i < 3; i++) {
      const other = pick(nodes, random);
      if (haversineMeters(other, hub) < haversineMeters(best, hub)) best = other;
    }
    return best;
  }

  /** A pickup and a destination 2 to 9 km apart, shorter ones likelier, both with addresses. */
  ride(random: () => number): { readonly pickup: Place; readonly destination: Place } {
    const from = this.somewhere(random);
    const wish = RIDE_METRES.from + (RIDE_METRES.to - RIDE_METRES.from) * random() ** 3;
    let best: GeoPoint | null = null;
    let bestMiss = Number.POSITIVE_INFINITY;
    for (let i = 0; i < TRIES && bestMiss > 150; i++) {
      const node = pick(this.graph.nodes, random);
      const metres = haversineMeters(from, node);
      const miss = Math.abs(metres - wish);
      if (metres < RIDE_METRES.from || metres > RIDE_METRES.to || miss >= bestMiss) continue;
      best = node;
      bestMiss = miss;
    }
    const to = best ?? pick(this.graph.nodes, random);
    return { pickup: this.#place(from, random), destination: this.#place(to, random) };
  }

  /** The address people would give: a house number and the nearest name on the map. */
  #place(at: GeoPoint, random: () => number): Place {
    let nearest: NamedPoint | null = null;
    let metres = Number.POSITIVE_INFINITY;
    for (const place of this.#places) {
      const distance = haversineMeters(at, place);
      if (distance < metres) [nearest, metres] = [place, distance];
    }
    const { lat, lng } = at;
    return nearest === null
      ? { lat, lng }
      : { lat, lng, address: `${1 + Math.floor(random() * 120)}, ${nearest.name}` };
  }
}

export function loadCity(file: string | URL): City {
  return new City(JSON.parse(readFileSync(file, "utf8")) as RoadCollection);
}

export function pick<T>(from: readonly T[], random: () => number): T {
  const chosen = from[Math.floor(random() * from.length)];
  if (chosen === undefined) throw new RangeError("nothing to pick from");
  return chosen;
}

/** Uniform in [from, to). */
export const between = (from: number, to: number, random: () => number): number => from + (to - from) * random();

/** Districts, landmarks and parks, the large ones by the middle of their outline. */
function namedPoints(map: RoadCollection): NamedPoint[] {
  const points: NamedPoint[] = [];
  for (const { properties, geometry } of map.features as readonly {
    properties: { kind?: string; name?: string };
    geometry: { type: string; coordinates: unknown };
  }[]) {
    const { kind, name } = properties;
    if (name === undefined || kind === undefined || !["place", "landmark", "park", "urban"].includes(kind)) continue;
    if (geometry.type === "Point") {
      const [lng = 0, lat = 0] = geometry.coordinates as number[];
      points.push({ name, lat, lng });
    } else if (geometry.type === "Polygon") {
      const ring = (geometry.coordinates as number[][][])[0] ?? [];
      const mean = (axis: number) => ring.reduce((sum, p) => sum + (p[axis] ?? 0), 0) / Math.max(1, ring.length);
      points.push({ name, lat: mean(1), lng: mean(0) });
    }
  }
  return points;
}
