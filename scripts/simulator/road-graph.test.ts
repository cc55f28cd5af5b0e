import { describe, expect, test } from "vitest";
import { haversineMeters } from "#server/platform/routing.ts";
import {
  bearingDegrees,
  buildRoadGraph,
  loadRoadGraph,
  nearestNode,
  type RoadCollection,
  route,
} from "./road-graph.ts";
import { RoadWalker } from "./road-walker.ts";

const graph = loadRoadGraph(new URL("../../public/map/cairo.geojson", import.meta.url));
const tahrir = { lat: 30.0444, lng: 31.2357 };
const airport = { lat: 30.1235, lng: 31.405 };

/** A deterministic stand-in for Math.random (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test("haversine and bearing agree with known values", () => {
  expect(haversineMeters({ lat: 30, lng: 31 }, { lat: 31, lng: 31 })).toBeCloseTo(111_195, -1);
  expect(bearingDegrees({ lat: 30, lng: 31 }, { lat: 30, lng: 31.01 })).toBeCloseTo(90, 1);
  expect(bearingDegrees({ lat: 30, lng: 31 }, { lat: 29.99, lng: 31 })).toBeCloseTo(180, 5);
});

describe("route", () => {
  test("from Tahrir to the airport is a plausible drive", () => {
    const found = route(graph, nearestNode(graph, tahrir), nearestNode(graph, airport));
    expect(found).not.toBeNull();
    expect(found?.lengthM).toBeGreaterThan(17_000);
    expect(found?.lengthM).toBeLessThan(30_000);
    expect((found?.durationS ?? 0) / 60).toBeGreaterThan(15);
    expect((found?.durationS ?? 0) / 60).toBeLessThan(60);
  });

  test("takes the faster way round, not the shorter one", () => {
    const square: RoadCollection = {
      features: [
        line("secondary", [31, 30], [31.01, 30]),
        line("motorway", [31, 30], [31, 30.002], [31.01, 30.002], [31.01, 30]),
      ],
    };
    const small = buildRoadGraph(square);
    const from = nearestNode(small, { lat: 30, lng: 31 });
    const to = nearestNode(small, { lat: 30, lng: 31.01 });
    expect(route(small, from, to)?.path).toHaveLength(4);
  });

  test("is null between roads that do not meet", () => {
    const apart = buildRoadGraph({
      features: [line("primary", [31, 30], [31.01, 30]), line("primary", [31, 30.01], [31.01, 30.01])],
    });
    expect(route(apart, 0, 3)).toBeNull();
  });
});

describe("RoadWalker", () => {
  test("reaches its destination, and the same seed drives the same way", () => {
    const drive = () => {
      const walker = new RoadWalker(graph, tahrir, seeded(3));
      walker.goTo({ lat: 30.0626, lng: 31.2497 });
      const trace = [];
      for (let s = 0; s < 1800 && !walker.position().arrived; s += 5) trace.push(walker.advance(5));
      return trace;
    };
    const trace = drive();
    const last = trace.at(-1);
    expect(last?.arrived).toBe(true);
    expect(last && haversineMeters(last, { lat: 30.0626, lng: 31.2497 })).toBeLessThan(400);
    expect(drive()).toEqual(trace);
  });

  test("never moves faster than a car, however long it drives", () => {
    const walker = new RoadWalker(graph, tahrir, seeded(11));
    walker.wander();
    let before = walker.position();
    for (let s = 0; s < 2000; s++) {
      const now = walker.advance(1);
      expect(haversineMeters(before, now)).toBeLessThan(30);
      if (now.arrived) walker.wander();
      before = now;
    }
  });

  test("standing still is arrived, with no speed", () => {
    expect(new RoadWalker(graph, tahrir, seeded(1)).advance(60)).toMatchObject({ arrived: true, speedMps: 0 });
  });
});

function line(roadClass: string, ...coordinates: [number, number][]): RoadCollection["features"][number] {
  return { properties: { kind: "road", class: roadClass }, geometry: { type: "LineString", coordinates } };
}
