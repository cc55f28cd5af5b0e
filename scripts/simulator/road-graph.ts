/**
 * The city's road graph, and walkers that drive along it. Built from `public/map/cairo.geojson`: two roads meet where they share a
 * vertex, so a bridge that passes over a street without sharing one is not a junction. Pure: time is passed in, randomness injected.
 */

import { readFileSync } from "node:fs";
import { haversineMeters } from "#server/platform/routing.ts";
import { MinHeap } from "./min-heap.ts";

/** WGS84 degrees. */
export type GeoPoint = { lat: number; lng: number };

type RoadClass = "motorway" | "primary" | "secondary" | "local";

/** Free-flow speed by class, in metres a second: 70, 42, 32 and 22 km/h. A Cairo afternoon, not the legal limit. */
const CLASS_SPEED_MPS: Readonly<Record<RoadClass, number>> = {
  motorway: 19.4,
  primary: 11.7,
  secondary: 8.9,
  local: 6.1,
};

/** One direction of one road segment. */
export type RoadEdge = { to: number; lengthM: number; speedMps: number; headingDegrees: number };

/** Nodes by index; `edges[i]` leave node i. Every road is two-way. */
export type RoadGraph = { nodes: readonly GeoPoint[]; edges: readonly (readonly RoadEdge[])[] };

/** Node indices from start to end, both included. */
export type Route = { path: readonly number[]; lengthM: number; durationS: number };

type RoadFeature = {
  properties: { kind?: string; class?: string; minor?: boolean };
  geometry: { type: string; coordinates: unknown };
};
export type RoadCollection = { features: readonly RoadFeature[] };

const RADIANS = Math.PI / 180;

/** Initial bearing from a to b in degrees clockwise from north, 0 ≤ bearing < 360. */
export function bearingDegrees(a: GeoPoint, b: GeoPoint): number {
  const dLng = (b.lng - a.lng) * RADIANS;
  const y = Math.sin(dLng) * Math.cos(b.lat * RADIANS);
  const x =
    Math.cos(a.lat * RADIANS) * Math.sin(b.lat * RADIANS) -
    Math.sin(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * Math.cos(dLng);
  return (Math.atan2(y, x) / RADIANS + 360) % 360;
}

/** Reads a GeoJSON file and builds its graph. Throws if the file is missing or is not JSON. */
export function loadRoadGraph(file: string | URL): RoadGraph {
  return buildRoadGraph(JSON.parse(readFileSync(file, "utf8")) as RoadCollection);
}

/** Builds the graph from every feature with `kind: "road"` (LineString or MultiLineString). */
export function buildRoadGraph(collection: RoadCollection): RoadGraph {
  const nodes: GeoPoint[] = [];
  const edges: RoadEdge[][] = [];
  const indexByPosition = new Map<string, number>();
  const nodeAt = ([lng, lat]: [number, number]): number => {
    const key = `${lng},${lat}`;
    const known = indexByPosition.get(key);
    if (known !== undefined) return known;
    indexByPosition.set(key, nodes.length);
    edges.push([]);
    return nodes.push({ lat, lng }) - 1;
  };
  for (const feature of collection.features) {
    if (feature.properties.kind !== "road") continue;
    const speedMps = CLASS_SPEED_MPS[roadClass(feature)];
    for (const line of roadLines(feature)) {
      for (let i = 1; i < line.length; i++) {
        const a = nodeAt(line[i - 1] as [number, number]);
        const b = nodeAt(line[i] as [number, number]);
        link(a, b, speedMps);
      }
    }
  }
  return { nodes, edges };

  function link(a: number, b: number, speedMps: number): void {
    const from = nodes[a] as GeoPoint;
    const to = nodes[b] as GeoPoint;
    const lengthM = haversineMeters(from, to);
    edges[a]?.push({ to: b, lengthM, speedMps, headingDegrees: bearingDegrees(from, to) });
    edges[b]?.push({ to: a, lengthM, speedMps, headingDegrees: bearingDegrees(to, from) });
  }
}

/** The lines of a road feature as [lng, lat] pairs. */
export function roadLines(feature: RoadFeature): [number, number][][] {
  const { type, coordinates } = feature.geometry;
  if (type === "LineString") return [coordinates as [number, number][]];
  if (type === "MultiLineString") return coordinates as [number, number][][];
  return [];
}

function roadClass({ properties }: RoadFeature): RoadClass {
  if (properties.minor) return "local";
  return properties.class === "motorway" || properties.class === "primary" ? properties.class : "secondary";
}

/** Index of the node nearest to a point. Throws on an empty graph. A scan: 6,000 nodes take well under a millisecond. */
export function nearestNode(graph: RoadGraph, point: GeoPoint): number {
  if (graph.nodes.length === 0) throw new RangeError("The road graph has no nodes.");
  const shrink = Math.cos(point.lat * RADIANS);
  let best = 0;
  let bestSquared = Number.POSITIVE_INFINITY;
  graph.nodes.forEach((node, index) => {
    const squared = ((node.lng - point.lng) * shrink) ** 2 + (node.lat - point.lat) ** 2;
    if (squared < bestSquared) {
      bestSquared = squared;
      best = index;
    }
  });
  return best;
}

/** The fastest route between two nodes (A* by time), or null when they are not connected. */
export function route(graph: RoadGraph, from: number, to: number): Route | null {
  const target = graph.nodes[to];
  if (!target || !graph.nodes[from]) return null;
  // The straight line at motorway speed never overestimates, so the first arrival is the fastest.
  const estimate = (node: number) => haversineMeters(graph.nodes[node] as GeoPoint, target) / CLASS_SPEED_MPS.motorway;
  const seconds = new Map<number, number>([[from, 0]]);
  const cameFrom = new Map<number, { node: number; lengthM: number }>();
  const done = new Set<number>();
  const queue = new MinHeap<number>();
  queue.push(from, estimate(from));
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (node === to) return unwind(node);
    if (done.has(node)) continue;
    done.add(node);
    const soFar = seconds.get(node) ?? 0;
    for (const edge of graph.edges[node] ?? []) {
      const arrival = soFar + edge.lengthM / edge.speedMps;
      if (arrival >= (seconds.get(edge.to) ?? Number.POSITIVE_INFINITY)) continue;
      seconds.set(edge.to, arrival);
      cameFrom.set(edge.to, { node, lengthM: edge.lengthM });
      queue.push(edge.to, arrival + estimate(edge.to));
    }
  }
  return null;

  function unwind(end: number): Route {
    const path = [end];
    let lengthM = 0;
    for (let step = cameFrom.get(end); step; step = cameFrom.get(step.node)) {
      path.push(step.node);
      lengthM += step.lengthM;
    }
    return { path: path.reverse(), lengthM, durationS: seconds.get(end) ?? 0 };
  }
}
