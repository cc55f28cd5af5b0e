import { expect, test } from "vitest";
import { percentilesOf } from "./percentiles.ts";

test("percentiles are values that were measured, by nearest rank", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentilesOf(values)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
});

test("of one value, all are that value; of two, the median is the lower", () => {
  expect(percentilesOf([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
  expect(percentilesOf([9, 1])).toMatchObject({ p50: 1, p95: 9 });
});

test("of nothing there is nothing to say, and the values given stay in their order", () => {
  expect(percentilesOf([])).toBeNull();
  const values = [3, 1, 2];
  percentilesOf(values);
  expect(values).toEqual([3, 1, 2]);
});
