import type { SurgeStep } from "#server/contracts/surge.ts";

/** Seconds that readings must ask for more, or for less, before the multiplier takes one step that way. */
export const UP_SECONDS = 30;
export const DOWN_SECONDS = 120;
/** It falls only when it would also with so much more demand: a ratio that wavers around a bound changes nothing. */
export const MARGIN = 0.1;

/** What a zone charges, and whether its readings have been asking for another multiplier. */
export interface SurgeState {
  readonly multiplier: number;
  readonly direction: "up" | "down" | null;
  /** When they began to; null without a direction. Milliseconds. */
  readonly sinceMs: number | null;
}

export interface SurgePolicy {
  readonly enabled: boolean;
  readonly cap: number;
  readonly steps: readonly SurgeStep[];
}

/** Trips that wait or are under way, and drivers who are free, in a zone. */
export interface SurgeReading {
  readonly demand: number;
  readonly supply: number;
}

/** Demand for each free driver: 0 where nobody wants anything, however few drivers there are. */
export function ratioOf({ demand, supply }: SurgeReading): number {
  if (demand <= 0) return 0;
  return supply <= 0 ? Number.POSITIVE_INFINITY : demand / supply;
}

/** What the table says of a ratio, no more than the cap. */
export function tableMultiplier({ steps, cap }: SurgePolicy, ratio: number): number {
  const step = steps.find(({ below }) => below === null || ratio < below) ?? steps.at(-1);
  return Math.min(cap, step?.multiplier ?? 1);
}

/** The multipliers that a zone can have, rising. */
function ladder({ steps, cap }: SurgePolicy): number[] {
  return [...new Set([1, ...steps.map((step) => Math.min(cap, step.multiplier))])].sort((a, b) => a - b);
}

/**
 * The state after a reading. One step at a time, and only after readings have asked for it for a while without a break:
 * riders see a price that moves slowly, and a single odd reading moves nothing. What policy forbids ends at once.
 */
export function nextSurge(state: SurgeState, reading: SurgeReading, policy: SurgePolicy, nowMs: number): SurgeState {
  if (!policy.enabled) return { multiplier: 1, direction: null, sinceMs: null };
  const rungs = ladder(policy);
  // A table changed meanwhile: the highest of its multipliers that is no more than what is charged.
  const multiplier = rungs.filter((rung) => rung <= state.multiplier).at(-1) ?? 1;
  const ratio = ratioOf(reading);
  const wanted = tableMultiplier(policy, ratio);
  const wantedWithMore = tableMultiplier(policy, ratio * (1 + MARGIN));
  const direction = wanted > multiplier ? "up" : wantedWithMore < multiplier ? "down" : null;
  if (direction === null) return { multiplier, direction, sinceMs: null };
  if (direction !== state.direction || state.sinceMs === null) return { multiplier, direction, sinceMs: nowMs };
  const heldMs = nowMs - state.sinceMs;
  if (heldMs < (direction === "up" ? UP_SECONDS : DOWN_SECONDS) * 1000)
    return { multiplier, direction, sinceMs: state.sinceMs };
  const rung = rungs.indexOf(multiplier) + (direction === "up" ? 1 : -1);
  return { multiplier: rungs[rung] ?? multiplier, direction, sinceMs: nowMs };
}
