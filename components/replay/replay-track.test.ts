import { expect, test } from "vitest";
import { positionAt, type Track, trackOf } from "./replay-track.ts";

const START = Date.parse("2026-11-20T10:00:00Z");
const point = (seconds: number, lat: number) => ({
  ...{ lat, lng: 31, heading: 90, speed: 5, tripId: null },
  at: new Date(START + seconds * 1000).toISOString(),
});
const points = [point(0, 30), point(10, 30.1), point(100, 30.2), point(110, 30.3)];
const track = trackOf({
  points,
  marks: [
    { kind: "accepted", at: new Date(START + 5000).toISOString(), tripId: "t", refId: "T" },
    { kind: "requested", at: new Date(START - 5000).toISOString(), tripId: "t", refId: "T" },
  ],
  thinnedFrom: null,
}) as Track;
const at = (seconds: number) => positionAt(track, START + seconds * 1000);

test("a driver drives straight from one position to the next", () => {
  expect(at(5)?.lat).toBeCloseTo(30.05);
  expect(at(-5)?.lat).toBe(30);
  expect(at(105)?.lat).toBeCloseTo(30.25);
  expect(at(999)?.lat).toBe(30.3);
});

test("in a gap they stay where they were last heard of, and that is said", () => {
  expect(at(10)).toMatchObject({ lat: 30.1, silent: false });
  expect(at(60)).toMatchObject({ lat: 30.1, silent: true, speed: null });
  expect(track.gaps).toEqual([{ fromMs: START + 10_000, toMs: START + 100_000 }]);
});

test("what happened before the first position is not on the track", () => {
  expect(track.marks.map(({ kind }) => kind)).toEqual(["accepted"]);
  expect(trackOf({ points: [], marks: [], thinnedFrom: null })).toBeNull();
});

test("of a thinned history the positions lie further apart, and that is no gap", () => {
  expect(trackOf({ points, marks: [], thinnedFrom: 8 })?.gaps).toEqual([]);
});
