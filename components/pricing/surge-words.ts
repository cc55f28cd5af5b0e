import type { ZoneSurgeRow } from "#server/contracts/surge.ts";

/** `1.5 ×`, and in a word where nothing is added. */
export const timesText = (multiplier: number): string =>
  multiplier === 1 ? "usual" : `${multiplier.toFixed(2).replace(/0$/, "")} ×`;

/** Where it is going, in words. */
export function trendText({ direction, multiplier, enabled, override }: ZoneSurgeRow): string {
  if (override !== null) return "set by hand";
  if (!enabled) return "switched off";
  if (direction === "up") return "about to rise";
  return direction === "down" ? "about to fall" : multiplier === 1 ? "calm" : "steady";
}
