import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import * as common from "@zxcvbn-ts/language-common";
import { DomainError } from "#server/contracts/errors.ts";
import { hashPassword, needsRehash, verifyPassword } from "#server/platform/crypto.ts";

const MIN_LENGTH = 8;
/** From this length on a password need not look random. */
const LONG = 12;
const MAX_LENGTH = 256;
/** zxcvbn's scale, 0 to 4: 3 withstands guessing against a stolen slow hash. */
const STRONG = 3;
/** Under it a long one is a common password, a keyboard row, a repetition or the person's own name too. */
const NOT_SILLY = 2;

let estimator: ZxcvbnFactory | null = null;
function strengthOf(password: string, about: readonly string[]): number {
  // Built at first use: its word lists take a while, and most processes never need them.
  estimator ??= new ZxcvbnFactory({ dictionary: { ...common.dictionary }, graphs: common.adjacencyGraphs });
  return estimator.check(password.slice(0, 100), [...about, "smartline", "smartline-demo"]).score;
}

/** Why a new password is refused; null when it is good. `about`: what an attacker knows of the person. */
export function passwordProblem(password: string, about: readonly string[]): string | null {
  if (password.length > MAX_LENGTH) return `at most ${MAX_LENGTH} characters`;
  if (password.length < MIN_LENGTH) return `at least ${LONG} characters (or ${MIN_LENGTH} that are hard to guess)`;
  const strength = strengthOf(password, about);
  if (password.length >= LONG)
    return strength >= NOT_SILLY
      ? null
      : "too easy to guess: it is a common password, a pattern, or made of your own data";
  return strength >= STRONG
    ? null
    : `too easy to guess for its length: take ${LONG} characters or more, or a stranger mix`;
}

/** Throws VALIDATION_FAILED naming `field`. */
export function assertGoodPassword(password: string, about: readonly (string | null)[], field: string): void {
  const problem = passwordProblem(
    password,
    about.filter((text): text is string => text !== null && text !== ""),
  );
  if (problem === null) return;
  throw new DomainError("VALIDATION_FAILED", "The new password is not good enough; see errors. Nothing was changed.", {
    fields: [{ path: field, message: problem }],
  });
}

/** How passwords are hashed and compared (scrypt). */
export interface PasswordHashing {
  readonly hash: (password: string) => Promise<string>;
  /** With `stored` null it does the same work and answers false. */
  readonly verify: (password: string, stored: string | null) => Promise<boolean>;
  readonly needsRehash: (stored: string) => boolean;
}

export const passwordHashing: PasswordHashing = { hash: hashPassword, verify: verifyPassword, needsRehash };
