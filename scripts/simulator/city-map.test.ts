import { readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type GeoPoint, loadRoadGraph, type RoadCollection, roadLines } from "./road-graph.ts";

const mapFile = new URL("../../public/map/cairo.geojson", import.meta.url);
const zonesFile = new URL("../../prisma/seed/cairo-zones.geojson", import.meta.url);
type Position = [number, number];
type Zone = { properties: { code: string; name: string }; geometry: { type: "Polygon"; coordinates: Position[][] } };

const city = JSON.parse(readFileSync(mapFile, "utf8")) as RoadCollection;
const zones = (JSON.parse(readFileSync(zonesFile, "utf8")) as { features: Zone[] }).features;
const graph = loadRoadGraph(mapFile);

describe("the road network", () => {
  test("is one connected graph of at least 250 junctions and bends", () => {
    expect(graph.nodes.length).toBeGreaterThan(250);
    const seen = new Set([0]);
    const stack = [0];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      for (const { to } of graph.edges[node] ?? []) {
        if (!seen.has(to)) stack.push(to);
        seen.add(to);
      }
    }
    expect(seen.size).toBe(graph.nodes.length);
  });

  test("lies in Greater Cairo, and the file stays small", () => {
    for (const { lat, lng } of graph.nodes) {
      expect(lat > 29.8 && lat < 30.2 && lng > 31.08 && lng < 31.56, `${lng},${lat}`).toBe(true);
    }
    expect(statSync(mapFile).size).toBeLessThan(300_000);
  });

  test("roads that cross share a vertex, unless one is a bridge", () => {
    expect(unjoinedCrossings()).toEqual([]);
  });
});

describe("the service zones", () => {
  test("are closed rings with distinct codes", () => {
    expect(new Set(zones.map((zone) => zone.properties.code)).size).toBe(zones.length);
    for (const { geometry } of zones) {
      for (const ring of geometry.coordinates) expect(ring.at(-1)).toEqual(ring[0]);
    }
  });

  test("hold each road vertex, and the platform's reference points, exactly once", () => {
    const points: GeoPoint[] = [...graph.nodes, { lat: 30.0444, lng: 31.2357 }, { lat: 30.0626, lng: 31.2497 }];
    const misplaced = points.filter((point) => zonesAt(point).length !== 1);
    expect(misplaced).toEqual([]);
  });

  test("never overlap (a lattice of points 200 m apart)", () => {
    for (let lat = 29.8; lat < 30.2; lat += 0.0019) {
      for (let lng = 31.07; lng < 31.56; lng += 0.0021) expect(zonesAt({ lat, lng }).length).toBeLessThan(2);
    }
    // A second and a half of arithmetic alone; on a machine that is busy it takes several times that.
  }, 30_000);

  test("have simple rings: no edge crosses another", () => {
    for (const { geometry, properties } of zones) {
      const ring = geometry.coordinates[0] ?? [];
      const edges = ring.slice(1).map((to, i): [Position, Position] => [ring[i] as Position, to]);
      const crossed = edges.some((a, i) => edges.some((b, j) => j > i && crosses(a, b)));
      expect(crossed, properties.code).toBe(false);
    }
  });
});

function zonesAt({ lat, lng }: GeoPoint): string[] {
  return zones
    .filter(({ geometry }) => inRing([lng, lat], geometry.coordinates[0] ?? []))
    .map((zone) => zone.properties.code);
}

function inRing([x, y]: Position, ring: Position[]): boolean {
  let inside = false;
  ring.forEach(([bx, by], i) => {
    const [ax, ay] = ring.at(i - 1) as Position;
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  });
  return inside;
}

/** Whether two segments cross, a shared end not counted. */
function crosses([a, b]: [Position, Position], [c, d]: [Position, Position]): boolean {
  const same = (p: Position, q: Position) => p[0] === q[0] && p[1] === q[1];
  if (same(a, c) || same(a, d) || same(b, c) || same(b, d)) return false;
  const side = (p: Position, q: Position, r: Position) =>
    Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
}

/** Crossings of two ground roads away from a shared vertex. Segments are binned by 500 m cells: all pairs would take minutes. */
function unjoinedCrossings(): string[] {
  const cellDegrees = 0.005;
  const cells = new Map<string, { name: string; ends: [Position, Position] }[]>();
  const found: string[] = [];
  for (const feature of city.features) {
    const { kind, bridge, name } = feature.properties as { kind?: string; bridge?: boolean; name?: string };
    if (kind !== "road" || bridge) continue;
    for (const line of roadLines(feature)) {
      for (let i = 1; i < line.length; i++) visit(name ?? "", [line[i - 1] as Position, line[i] as Position]);
    }
  }
  return found;

  function visit(name: string, ends: [Position, Position]): void {
    const [[ax, ay], [bx, by]] = ends;
    const range = (p: number, q: number) => [
      Math.floor(Math.min(p, q) / cellDegrees),
      Math.floor(Math.max(p, q) / cellDegrees),
    ];
    const [x0 = 0, x1 = 0] = range(ax, bx);
    const [y0 = 0, y1 = 0] = range(ay, by);
    for (let x = x0; x <= x1; x++) {
      for (let y = y0; y <= y1; y++) {
        const cell = cells.get(`${x}:${y}`) ?? [];
        for (const other of cell) {
          if (crosses(ends, other.ends)) found.push(`${name} × ${other.name} near ${ax},${ay}`);
        }
        cell.push({ name, ends });
        cells.set(`${x}:${y}`, cell);
      }
    }
  }
}
