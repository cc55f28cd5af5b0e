import { MATCHING_SETTINGS, type MatchingKey } from "#server/contracts/matching.ts";

const number = new Intl.NumberFormat("en");

/** `15 s`, `On`, `2,000 m`. */
export function settingText(key: MatchingKey, value: number): string {
  const { kind, unit } = MATCHING_SETTINGS[key];
  if (kind === "switch") return value === 1 ? "On" : "Off";
  return `${number.format(value)} ${unit}`;
}
