import { between } from "#scripts/simulator/city.ts";
import type { Random } from "#scripts/simulator/road-walker.ts";

/** What people decide, as chances. Pure: give the same random numbers and they decide the same. */

/** `accept-twice`: the same tap sent again, as a phone does on a bad line. `too-late`: the phone was in a pocket. */
export type OfferAnswer = "accept" | "accept-twice" | "too-late" | "reject" | "ignore";

const ANSWERS: readonly (readonly [OfferAnswer, number])[] = [
  ["accept", 0.72],
  ["reject", 0.13],
  ["ignore", 0.08],
  ["accept-twice", 0.04],
  ["too-late", 0.03],
];
/** Milliseconds a driver looks at an offer. */
const THINKS_MS = { from: 2000, to: 9000 };
/** Milliseconds, longer than an offer stays open (15 s). */
const TOO_LATE_MS = { from: 16_000, to: 22_000 };

export function answerToOffer(random: Random): { readonly answer: OfferAnswer; readonly afterMs: number } {
  const answer = weighted(ANSWERS, random);
  const { from, to } = answer === "too-late" || answer === "ignore" ? TOO_LATE_MS : THINKS_MS;
  return { answer, afterMs: between(from, to, random) };
}

/** When a rider changes their mind, if at all; milliseconds after the request, or after a driver was found. */
export type Patience =
  | { readonly kind: "stays" }
  | { readonly kind: "leaves-while-waiting"; readonly afterMs: number }
  | { readonly kind: "leaves-after-acceptance"; readonly afterMs: number };

export function patienceOf(random: Random): Patience {
  const chance = random();
  if (chance < 0.12) return { kind: "leaves-while-waiting", afterMs: between(1500, 20_000, random) };
  if (chance < 0.18) return { kind: "leaves-after-acceptance", afterMs: between(5000, 90_000, random) };
  return { kind: "stays" };
}

const CATEGORIES = [
  ["economy", 0.67],
  ["comfort", 0.2],
  ["scooter", 0.13],
] as const;
export const categoryWanted = (random: Random): string => weighted(CATEGORIES, random);

/** A code that is not the rider's: misheard by one digit. */
export function misheard(code: string, random: Random): string {
  const at = Math.floor(random() * code.length);
  const digit = (Number(code[at]) + 1 + Math.floor(random() * 9)) % 10;
  return code.slice(0, at) + digit + code.slice(at + 1);
}

function weighted<T>(choices: readonly (readonly [T, number])[], random: Random): T {
  let left = random() * choices.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [choice, weight] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  const last = choices.at(-1);
  if (last === undefined) throw new RangeError("no choices");
  return last[0];
}
