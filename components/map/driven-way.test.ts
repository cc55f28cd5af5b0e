import { expect, test } from "vitest";
import { drivenWay } from "./driven-way.ts";

const START = Date.parse("2026-11-20T10:00:00Z");
const point = (seconds: number, lat: number) => ({ lat, lng: 31, at: new Date(START + seconds * 1000).toISOString() });
const kinds = (...points: ReturnType<typeof point>[]) =>
  drivenWay(points).map(({ kind, points: of }) => [kind, ...of.map(([, lat]) => lat)]);

test("a time without positions is a piece of its own, between those that were driven", () => {
  expect(kinds(point(0, 30), point(10, 30.1), point(100, 30.2), point(110, 30.3))).toEqual([
    ["driven", 30, 30.1],
    ["gap", 30.1, 30.2],
    ["driven", 30.2, 30.3],
  ]);
});

test("one position between two gaps joins them; one alone is no way", () => {
  expect(kinds(point(0, 30), point(100, 30.1), point(200, 30.2))).toEqual([
    ["gap", 30, 30.1],
    ["gap", 30.1, 30.2],
  ]);
  expect(kinds(point(0, 30))).toEqual([]);
});

test("of a thinned history the positions lie further apart, and that is no gap", () => {
  expect(drivenWay([point(0, 30), point(80, 30.1)], 120_000).map(({ kind }) => kind)).toEqual(["driven"]);
});
