import { expect, test } from "vitest";
import { acceptanceRate, dropRate, type PickUp, rank, type Scorable, scoreOf } from "#server/domain/matching/score.ts";

const NOTHING = { accepted: 0, declined: 0, ignored: 0, dropped: 0 };
const weights = { unansweredWeight: 60, droppedWeight: 120, idleWeight: 60 };
const driver = (driverId: string, more: Partial<Scorable> = {}): Scorable => ({
  driverId,
  lat: 30,
  lng: 31,
  distanceMeters: 500,
  idleSeconds: 0,
  history: NOTHING,
  ...more,
});
const atOnce = (seconds: number): PickUp => ({ seconds, estimated: false });
const order = (drivers: readonly Scorable[], pickUps: Readonly<Record<string, number>> = {}) =>
  rank(
    drivers,
    ({ driverId, distanceMeters }) => {
      const seconds = pickUps[driverId];
      return seconds === undefined ? { seconds: distanceMeters / 10, estimated: true } : atOnce(seconds);
    },
    weights,
  ).map(({ candidate }) => candidate.driverId);

test("the parts are seconds and their sum is the score", () => {
  const { score, parts } = scoreOf(
    driver("a", { idleSeconds: 1800, history: { accepted: 4, declined: 2, ignored: 2, dropped: 3 } }),
    atOnce(100.4),
    weights,
  );
  // 7 of 12 offers taken: 60 s × 5/12; 3 of 9 trips given up: 120 s × 1/3; half an hour: half of 60 s.
  expect(parts).toEqual({ pickUp: 100, unanswered: 25, dropped: 40, idle: -30, estimated: false });
  expect(score).toBe(135);
});

test("nobody's history is a fair one, and never more than all or nothing", () => {
  expect(acceptanceRate(NOTHING)).toBe(0.75);
  expect(dropRate(NOTHING)).toBe(0);
  expect(dropRate({ ...NOTHING, dropped: 50 })).toBe(1);
  expect(acceptanceRate({ ...NOTHING, ignored: 1000 })).toBeLessThan(0.01);
  expect(scoreOf(driver("a", { idleSeconds: 86_400 }), atOnce(0), weights).parts.idle).toBe(-60);
  expect(scoreOf(driver("a", { idleSeconds: -5 }), atOnce(0), weights).parts.idle).toBe(0);
});

test("the shorter time to the pick-up wins, not the shorter line", () => {
  expect(order([driver("near", { distanceMeters: 300 }), driver("far", { distanceMeters: 900 })])).toEqual([
    "near",
    "far",
  ]);
  const river = { near: 400, far: 90 };
  expect(order([driver("near", { distanceMeters: 300 }), driver("far", { distanceMeters: 900 })], river)).toEqual([
    "far",
    "near",
  ]);
});

test("habits and waiting decide between drivers as far away", () => {
  const bad = driver("bad", { history: { accepted: 1, declined: 20, ignored: 10, dropped: 1 } });
  const idle = driver("idle", { idleSeconds: 3600 });
  expect(order([bad, driver("new"), idle])).toEqual(["idle", "new", "bad"]);
});

test("a nearer driver is not passed over for a habit that costs less than the way", () => {
  const bad = driver("bad", { distanceMeters: 100, history: { ...NOTHING, ignored: 100 } });
  expect(order([driver("good", { distanceMeters: 5000 }), bad])).toEqual(["bad", "good"]);
});

test("ties: the nearer, then the lower id, whatever order they come in", () => {
  const drivers = [driver("c"), driver("b"), driver("a", { distanceMeters: 501 })];
  const same = { a: 50, b: 50, c: 50 };
  expect(order(drivers, same)).toEqual(["b", "c", "a"]);
  expect(order(drivers.toReversed(), same)).toEqual(["b", "c", "a"]);
});
