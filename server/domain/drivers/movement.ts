import type { Coordinates } from "#server/contracts/geo.ts";
import { haversineMeters } from "#server/platform/routing.ts";

/** A position of a driver, as two clocks saw it. */
export interface Seen extends Coordinates {
  /** Metres; null when the phone did not say. */
  readonly accuracy: number | null;
  /** By the phone's clock and by ours, epoch milliseconds. */
  readonly recordedAtMs: number;
  readonly receivedAtMs: number;
}

export interface MovementLimits {
  readonly speedKmh: number;
  readonly jumpMeters: number;
  readonly jumpSeconds: number;
}

/** The last position, and how many steps before it were too fast without a break. */
export interface Movement {
  readonly last: Seen;
  readonly fastSteps: number;
}

export interface Flag {
  readonly kind: "driver.teleported" | "driver.impossible_speed";
  readonly meters: number;
  readonly seconds: number;
  readonly kmh: number;
}

/** One fast step may be a phone that found its place again; so many in a row are none. */
const FAST_STEPS = 3;
/** A phone that says "somewhere within 50 km" must not excuse a jump of 50 km. */
const MAX_ACCURACY_METERS = 500;
const accuracyOf = (seen: Seen) => Math.min(seen.accuracy ?? 0, MAX_ACCURACY_METERS);

/**
 * Whether a driver can have moved like this. The distance is shortened by what both positions may be off; the time is the
 * longer of what the two clocks say, for positions that were held back by a bad network come all at once.
 */
export function judgeMove(
  before: Movement | null,
  seen: Seen,
  limits: MovementLimits,
): { readonly movement: Movement; readonly flag: Flag | null } {
  if (before === null) return { movement: { last: seen, fastSteps: 0 }, flag: null };
  const { last } = before;
  const seconds = Math.max(seen.recordedAtMs - last.recordedAtMs, seen.receivedAtMs - last.receivedAtMs, 1000) / 1000;
  const meters = Math.max(0, haversineMeters(last, seen) - accuracyOf(last) - accuracyOf(seen));
  const kmh = (meters / seconds) * 3.6;
  const fastSteps = kmh > limits.speedKmh ? before.fastSteps + 1 : 0;
  const movement = { last: seen, fastSteps };
  const facts = { meters: Math.round(meters), seconds: Math.round(seconds), kmh: Math.round(kmh) };
  if (meters > limits.jumpMeters && seconds <= limits.jumpSeconds)
    return { movement, flag: { kind: "driver.teleported", ...facts } };
  if (fastSteps >= FAST_STEPS) return { movement, flag: { kind: "driver.impossible_speed", ...facts } };
  return { movement, flag: null };
}
