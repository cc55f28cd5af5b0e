import { describe, expect, test } from "vitest";
import type { ZoneCollection } from "#server/domain/zones/zone-import.ts";
import { inServiceArea } from "./service-area.ts";

type Position = [number, number];
const square = (west: number, south: number, size: number): Position[] => [
  [west, south],
  [west + size, south],
  [west + size, south + size],
  [west, south + size],
  [west, south],
];
const zones: ZoneCollection = {
  type: "FeatureCollection",
  features: [
    // With a hole from 4 to 6.
    { properties: { name: "ring" }, geometry: { type: "Polygon", coordinates: [square(0, 0, 10), square(4, 4, 2)] } },
    {
      properties: { name: "islands" },
      geometry: { type: "MultiPolygon", coordinates: [[square(20, 0, 2)], [square(30, 0, 2)]] },
    },
  ],
};
const at = (lng: number, lat: number) => inServiceArea({ lat, lng }, zones);

describe("the service area by brute force", () => {
  test("is what the outer rings hold", () => {
    expect([at(1, 1), at(9.9, 9.9), at(10.1, 5), at(-0.1, 5), at(5, 10.1)]).toEqual([true, true, false, false, false]);
  });

  test("leaves holes out", () => {
    expect([at(5, 5), at(3.9, 5), at(6.1, 5)]).toEqual([false, true, true]);
  });

  test("counts every part of a zone, and not the water between", () => {
    expect([at(21, 1), at(31, 1), at(25, 1)]).toEqual([true, true, false]);
  });

  test("a hole of one zone does not cut out of another", () => {
    const filled: ZoneCollection = {
      ...zones,
      features: [
        ...zones.features,
        { properties: { name: "filling" }, geometry: { type: "Polygon", coordinates: [square(4, 4, 2)] } },
      ],
    };
    expect(inServiceArea({ lat: 5, lng: 5 }, filled)).toBe(true);
  });
});
