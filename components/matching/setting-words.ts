import { MATCHING_SETTINGS, type MatchingKey } from "#server/contracts/matching.ts";

const number = new Intl.NumberFormat("en");

/** `2,000`: for a column whose header has the unit. */
export const settingNumber = (key: MatchingKey, value: number): string =>
  MATCHING_SETTINGS[key].kind === "switch" ? (value === 1 ? "On" : "Off") : number.format(value);

/** `15 s`, `On`, `2,000 m`. */
export function settingText(key: MatchingKey, value: number): string {
  return `${settingNumber(key, value)} ${MATCHING_SETTINGS[key].unit}`.trim();
}
