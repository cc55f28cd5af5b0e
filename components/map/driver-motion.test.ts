import { expect, test } from "vitest";
import { DriverMotion, turn } from "./driver-motion.ts";
import type { MapDriver } from "./map-types.ts";

const driver = (lat: number, lng: number, heading?: number): MapDriver => ({
  id: "d1",
  name: "Amr",
  lat,
  lng,
  heading,
  state: "available",
  updatedAt: "2026-11-20T10:00:00Z",
});

test("a heading turns the short way, across north too", () => {
  expect(turn(350, 10, 0.5)).toBe(0);
  expect(turn(10, 350, 0.5)).toBe(0);
  expect(turn(90, 180, 0.5)).toBe(135);
  expect(turn(null, 40, 0.1)).toBe(40);
  expect(turn(40, null, 0.1)).toBeNull();
});

test("a driver glides from where it is drawn to where it was reported, then rests", () => {
  const motion = new DriverMotion(1000);
  motion.update([driver(30, 31)], 0);
  expect(motion.isMoving(0)).toBe(false);
  motion.update([driver(30.01, 31)], 0);
  expect(motion.frame(500)[0]?.lat).toBeCloseTo(30.005, 9);
  motion.update([driver(30.02, 31)], 500);
  expect(motion.frame(500)[0]?.lat).toBeCloseTo(30.005, 9);
  expect(motion.frame(1500)[0]?.lat).toBe(30.02);
  expect(motion.isMoving(1500)).toBe(false);
});

test("a jump across the city is drawn at once, and without a glide everything is", () => {
  const jump = new DriverMotion(1000);
  jump.update([driver(30, 31)], 0);
  jump.update([driver(30.1, 31.2)], 10);
  expect(jump.frame(11)[0]).toMatchObject({ lat: 30.1, lng: 31.2 });
  const still = new DriverMotion(0);
  still.update([driver(30, 31)], 0);
  still.update([driver(30.01, 31)], 10);
  expect(still.frame(10)[0]?.lat).toBe(30.01);
});

test("an update that moves nobody starts no animation, and one who left is gone", () => {
  const motion = new DriverMotion(1000);
  motion.update([driver(30, 31, 90)], 0);
  motion.update([{ ...driver(30, 31, 90), state: "on_trip" }], 5);
  expect(motion.isMoving(6)).toBe(false);
  expect(motion.frame(6)[0]?.state).toBe("on_trip");
  motion.update([], 10);
  expect(motion.frame(11)).toEqual([]);
});
