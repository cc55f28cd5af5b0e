import { describe, expect, test } from "vitest";
import { SETTING_KEYS, SETTINGS, type SettingValues } from "#server/contracts/settings.ts";
import type { NewAlert } from "#server/domain/alerts/alert-store.ts";
import { judgeMove, type Movement, type Seen } from "#server/domain/drivers/movement.ts";
import { MovementWatch } from "#server/domain/drivers/movement-watch.ts";

const LIMITS = { speedKmh: 200, jumpMeters: 5000, jumpSeconds: 30 };
const METERS_PER_DEGREE = 111_195;
/** A position so many metres north of the start, so many seconds after it, by both clocks unless said. */
const at = (meters: number, seconds: number, more: Partial<Seen> = {}): Seen => ({
  lat: meters / METERS_PER_DEGREE,
  lng: 31,
  accuracy: null,
  recordedAtMs: seconds * 1000,
  receivedAtMs: seconds * 1000,
  ...more,
});
function flags(...positions: Seen[]): (string | null)[] {
  let movement: Movement | null = null;
  return positions.map((seen) => {
    const judged: ReturnType<typeof judgeMove> = judgeMove(movement, seen, LIMITS);
    movement = judged.movement;
    return judged.flag?.kind ?? null;
  });
}

describe("a jump", () => {
  test.each([
    ["5.1 km in 30 s", [at(0, 0), at(5100, 30)], "driver.teleported"],
    ["4.9 km in 30 s", [at(0, 0), at(4900, 30)], null],
    ["5.1 km in 31 s", [at(0, 0), at(5100, 31)], null],
    ["to the other side of the world", [at(0, 0), at(18_000_000, 3)], "driver.teleported"],
    ["over the date line, a hundred metres", [at(0, 0, { lng: 179.9995 }), at(0, 5, { lng: -179.9995 })], null],
    ["5.9 km, each off by 500 m", [at(0, 0, { accuracy: 500 }), at(5900, 10, { accuracy: 500 })], null],
    ["20 km, said to be off by 50 km", [at(0, 0), at(20_000, 10, { accuracy: 50_000 })], "driver.teleported"],
    ["held back by the network, driven in 10 min", [at(0, 0), at(9000, 603, { receivedAtMs: 3000 })], null],
    ["with a clock that goes back", [at(0, 60), at(6000, 3, { receivedAtMs: 63_000 })], "driver.teleported"],
  ] as const)("%s", (_, positions, expected) => {
    expect(flags(...positions).at(-1)).toBe(expected);
  });
});

describe("speed", () => {
  const drive = (kmh: number, steps: number) =>
    Array.from({ length: steps + 1 }, (_, n) => at((kmh / 3.6) * 5 * n, 5 * n));
  test("over 200 km/h is flagged at the third step in a row, and not before", () => {
    expect(flags(...drive(205, 4))).toEqual([null, null, null, "driver.impossible_speed", "driver.impossible_speed"]);
  });
  test("195 km/h is none, and a pause begins the count anew", () => {
    expect(flags(...drive(195, 10)).filter(Boolean)).toEqual([]);
    const fast = (kmh: number) => (kmh / 3.6) * 5;
    const twice = [
      at(0, 0),
      at(fast(300), 5),
      at(fast(600), 10),
      at(fast(600), 15),
      at(fast(900), 20),
      at(fast(1200), 25),
    ];
    expect(flags(...twice).filter(Boolean)).toEqual([]);
  });
  test("a driver that stands still for long has no speed", () => {
    expect(flags(at(0, 0), at(0, 3), at(5, 100_000))).toEqual([null, null, null]);
  });
});

test("the same about a driver is told once a minute, by thresholds that can change", () => {
  const raised: NewAlert[] = [];
  let settings = Object.fromEntries(SETTING_KEYS.map((key) => [key, SETTINGS[key].fallback])) as SettingValues;
  const watch = new MovementWatch({ settings: () => settings, raise: (alert) => raised.push(alert) });
  for (let n = 0; n <= 12; n++) watch.see("a", at(n * 10_000, n * 10));
  watch.see("b", at(0, 0));
  watch.see("b", at(10_000, 10));
  expect(raised.map(({ kind, subject }) => [kind, subject.id])).toEqual([
    ["driver.teleported", "a"],
    ["driver.teleported", "a"],
    ["driver.teleported", "b"],
  ]);
  expect(raised[0]?.summary).toBe("Position jumped 10.0 km in 10 s.");
  settings = { ...settings, "abuse.jump_meters": 50_000, "abuse.impossible_speed_kmh": 1000_000 };
  watch.see("c", at(0, 0));
  watch.see("c", at(40_000, 10));
  expect(raised).toHaveLength(3);
});
