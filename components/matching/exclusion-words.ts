import { type BatchRow, EXCLUSION_RULES, type ExclusionRule } from "#server/contracts/matching.ts";

export const RULE_WORDS: Readonly<Record<ExclusionRule, string>> = {
  inactive: "account not active",
  under_review: "under review",
  offline: "off line",
  on_trip: "on a trip",
  not_available: "not taking trips",
  no_vehicle: "no vehicle",
  other_category: "other category",
  stale_position: "position too old",
  declined: "declined before",
  asked_before: "asked before",
  offer_on_screen: "other offer on screen",
  too_far: "too far",
  outscored: "others scored better",
  changed_meanwhile: "taken that moment",
};

/** `12 on a trip · 3 too far`, the most frequent first. */
export function rulesInWords(rules: BatchRow["rules"]): string {
  return EXCLUSION_RULES.filter((rule) => (rules[rule] ?? 0) > 0)
    .toSorted((a, b) => (rules[b] ?? 0) - (rules[a] ?? 0))
    .map((rule) => `${rules[rule]} ${RULE_WORDS[rule]}`)
    .join(" · ");
}
