import { expect, test } from "vitest";
import { inZone } from "./point-in-zone.ts";

const square = (from: number, to: number) =>
  [
    [from, from],
    [to, from],
    [to, to],
    [from, to],
    [from, from],
  ] as const;

const zone = { id: "z", name: "Zone", coordinates: [[square(0, 10), square(4, 6)], [square(20, 22)]] };

test.each([
  [{ lat: 2, lng: 2 }, true, "inside"],
  [{ lat: 5, lng: 5 }, false, "in the hole"],
  [{ lat: 21, lng: 21 }, true, "in the second part"],
  [{ lat: 15, lng: 15 }, false, "between the parts"],
  [{ lat: 2, lng: -1 }, false, "west of it"],
])("%o is %s: %s", (point, expected) => expect(inZone(point, zone)).toBe(expected));
