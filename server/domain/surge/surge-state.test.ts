import { describe, expect, test } from "vitest";
import { DEFAULT_SURGE_CAP, DEFAULT_SURGE_STEPS, surgeStepsSchema } from "#server/contracts/surge.ts";
import {
  DOWN_SECONDS,
  nextSurge,
  ratioOf,
  type SurgePolicy,
  type SurgeReading,
  type SurgeState,
  tableMultiplier,
  UP_SECONDS,
} from "#server/domain/surge/surge-state.ts";

const policy: SurgePolicy = { enabled: true, cap: DEFAULT_SURGE_CAP, steps: DEFAULT_SURGE_STEPS };
const CALM: SurgeState = { multiplier: 1, direction: null, sinceMs: null };

/** A reading every five seconds; the multiplier after each. */
function run(
  readings: readonly SurgeReading[],
  { from = CALM, as = policy, next = nextSurge }: { from?: SurgeState; as?: SurgePolicy; next?: typeof nextSurge } = {},
): number[] {
  let state = from;
  return readings.map((reading, i) => {
    state = next(state, reading, as, i * 5000);
    return state.multiplier;
  });
}
const held = (seconds: number, demand: number, supply: number): SurgeReading[] =>
  Array.from({ length: seconds / 5 + 1 }, () => ({ demand, supply }));
const changes = (multipliers: readonly number[]) =>
  multipliers.filter((m, i) => i > 0 && m !== multipliers[i - 1]).length;

describe("the table", () => {
  test.each([
    [0, 0, 1],
    [0, 10, 1],
    [49, 100, 1],
    [50, 100, 1.2],
    [99, 100, 1.2],
    [100, 100, 1.5],
    [199, 100, 1.5],
    [200, 100, 2],
    [399, 100, 2],
    [400, 100, 3],
    [1, 0, 3],
  ])("demand %i over supply %i is × %d", (demand, supply, multiplier) => {
    expect(tableMultiplier(policy, ratioOf({ demand, supply }))).toBe(multiplier);
  });

  test("of the platform is one that a zone may set; ratios and multipliers that do not rise are none", () => {
    expect(surgeStepsSchema.safeParse(DEFAULT_SURGE_STEPS).success).toBe(true);
    for (const steps of [
      [],
      [{ below: null, multiplier: 1.5 }],
      [{ below: 1, multiplier: 1 }],
      [
        { below: null, multiplier: 1 },
        { below: null, multiplier: 2 },
      ],
      [
        { below: 2, multiplier: 1 },
        { below: 1, multiplier: 1.5 },
        { below: null, multiplier: 2 },
      ],
      [
        { below: 1, multiplier: 1 },
        { below: null, multiplier: 1 },
      ],
      [
        { below: 1, multiplier: 1 },
        { below: null, multiplier: 6 },
      ],
    ])
      expect(surgeStepsSchema.safeParse(steps).success, JSON.stringify(steps)).toBe(false);
  });
});

describe("the multiplier", () => {
  test("rises step by step, each after half a minute of asking, to what the table says and no further", () => {
    const after = run(held(10 * 60, 900, 100));
    expect([...new Set(after)]).toEqual([1, 1.2, 1.5, 2, 3]);
    expect(after.indexOf(1.2) * 5).toBe(UP_SECONDS);
    expect(after.indexOf(1.5) * 5).toBe(2 * UP_SECONDS);
    expect(after.at(-1)).toBe(3);
  });

  test("falls step by step, more slowly", () => {
    const after = run(held(20 * 60, 0, 100), { from: { multiplier: 3, direction: null, sinceMs: null } });
    expect([...new Set(after)]).toEqual([3, 2, 1.5, 1.2, 1]);
    expect(after.indexOf(2) * 5).toBe(DOWN_SECONDS);
  });

  test("one odd reading, or asking with breaks, moves nothing", () => {
    const odd = Array.from({ length: 200 }, (_, i) =>
      i % 6 === 5 ? { demand: 0, supply: 10 } : { demand: 90, supply: 10 },
    );
    expect(changes(run(odd))).toBe(0);
  });

  // 95 to 105 trips for 100 drivers, up and down: at a bound of the table.
  const wavering = Array.from({ length: 720 }, (_, i) => ({
    demand: 100 + Math.round(5 * Math.sin(i / 8)),
    supply: 100,
  }));
  test("a ratio that wavers around a bound changes it once", () => {
    expect(changes(run(wavering, { from: { multiplier: 1.2, direction: null, sinceMs: null } }))).toBeLessThanOrEqual(
      1,
    );
  });
  test("mutation: without waiting and margin it flaps", () => {
    const bare: typeof nextSurge = (_, reading, as) => ({
      multiplier: tableMultiplier(as, ratioOf(reading)),
      direction: null,
      sinceMs: null,
    });
    expect(changes(run(wavering, { next: bare }))).toBeGreaterThan(10);
  });

  test("never exceeds the cap, and comes down to a lower one at once", () => {
    expect(Math.max(...run(held(1200, 900, 1), { as: { ...policy, cap: 1.8 } }))).toBe(1.8);
    expect(
      run(held(0, 900, 1), { from: { multiplier: 3, direction: null, sinceMs: null }, as: { ...policy, cap: 1.5 } }),
    ).toEqual([1.5]);
  });
  test("mutation: without the cap the table alone would be charged", () => {
    expect(Math.max(...run(held(1200, 900, 1), { as: { ...policy, cap: Number.POSITIVE_INFINITY } }))).toBe(3);
  });

  test("switched off it is 1 at once", () => {
    const from = { multiplier: 3, direction: "up", sinceMs: 0 } as const;
    expect(run(held(0, 900, 1), { from, as: { ...policy, enabled: false } })).toEqual([1]);
  });

  test("an empty zone at night does not surge", () => {
    expect(Math.max(...run(held(1200, 0, 0)))).toBe(1);
  });

  test("from every state and reading: at most one step, within the table and the cap", () => {
    const rungs = [1, 1.2, 1.5, 2, 3];
    for (const multiplier of rungs)
      for (const direction of ["up", "down", null] as const)
        for (const sinceMs of [0, 1_000_000])
          for (const demand of [0, 1, 5, 10, 20, 40, 100])
            for (const supply of [0, 1, 10, 100]) {
              const state = { multiplier, direction, sinceMs: direction === null ? null : sinceMs };
              const after = nextSurge(state, { demand, supply }, policy, 1_000_000);
              expect(rungs).toContain(after.multiplier);
              expect(Math.abs(rungs.indexOf(after.multiplier) - rungs.indexOf(multiplier))).toBeLessThanOrEqual(1);
              expect(after.direction === null).toBe(after.sinceMs === null);
            }
  });
});
