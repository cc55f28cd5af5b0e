import { expect, test } from "vitest";
import { isWorthKeeping } from "#server/domain/drivers/location-history.ts";

const at = (seconds: number, lat = 30) => ({ lat, lng: 31, receivedAt: new Date(seconds * 1000) });

test.each([
  ["the first", undefined, at(0), true],
  ["soon and near", at(0), at(14), false],
  ["after 15 s", at(0), at(15), true],
  ["after 50 m", at(0), at(3, 30.00046), true],
  ["within 50 m", at(0), at(3, 30.0004), false],
])("%s", (_, last, now, kept) => {
  expect(isWorthKeeping(last, now)).toBe(kept);
});
