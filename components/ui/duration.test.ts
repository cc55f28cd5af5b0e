import { expect, test } from "vitest";
import { formatMeters, formatMillis, formatSeconds } from "./duration.ts";

test.each([
  [-3, "0 s"],
  [59.4, "59 s"],
  [59.6, "1 min 00 s"],
  [185, "3 min 05 s"],
  [600, "10 min"],
  [7800, "2 h 10 min"],
  [360_000, "4 d"],
])("%d seconds read as %s", (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

test.each([
  [0.84, "0.8 ms"],
  [14.2, "14 ms"],
  [1420, "1.42 s"],
  [95_000, "1 min 35 s"],
])("%d ms read as %s", (ms, text) => expect(formatMillis(ms)).toBe(text));

test("metres turn into kilometres at one", () => {
  expect(formatMeters(999.4)).toBe("999 m");
  expect(formatMeters(999.6)).toBe("1.0 km");
  expect(formatMeters(1849)).toBe("1.8 km");
});
