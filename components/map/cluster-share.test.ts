import { expect, test } from "vitest";
import { ringOf } from "./cluster-share.ts";

test("each state has its share of the ring, in one order, and together they close it", () => {
  const ring = ringOf({ on_trip: 25, available: 75 });
  expect(ring.map(({ state, from, to }) => [state, from, to])).toEqual([
    ["available", 0, 0.75],
    ["on_trip", 0.75, 1],
  ]);
});

test("one driver of ten thousand is still seen", () => {
  const ring = ringOf({ available: 9999, under_review: 1 });
  expect((ring[1]?.to ?? 0) - (ring[1]?.from ?? 0)).toBeGreaterThan(0.025);
  expect(ring.at(-1)?.to).toBeCloseTo(1);
});

test("nobody is no ring", () => {
  expect(ringOf({ available: 0 })).toEqual([]);
});
