import { DomainError } from "#server/contracts/errors.ts";
import type { Captcha } from "#server/domain/identity/captcha.ts";
import { countTry, forgetFailures, LOCKED_AFTER, readFailures } from "#server/domain/identity/sign-in-failure-store.ts";
import type { Account } from "#server/domain/identity/user-store.ts";
import { hmacHex } from "#server/platform/crypto.ts";
import type { Database } from "#server/platform/db.ts";

const CAPTCHA_AFTER = 3;

export type Admission =
  /** Look at the password. `lastTry`: when it is wrong the account is locked from now on. */
  { readonly kind: "look"; readonly lastTry: boolean } | { readonly kind: "locked" };

/** Failed sign-ins by account, known or not: a CAPTCHA after three, locked after ten. In the database: all processes count together. */
export class SignInGuard {
  readonly #db: Database;
  readonly #secret: string;
  readonly #captcha: Captcha | null;

  constructor(options: { db: Database; secret: string; captcha: Captcha | null }) {
    this.#db = options.db;
    this.#secret = options.secret;
    this.#captcha = options.captcha;
  }

  /** A keyed hash: who reads the table does not read who tried to sign in. */
  keyOf(account: Account): string {
    return hmacHex(this.#secret, `sign-in:${"phone" in account ? account.phone : account.email}`);
  }

  /** CAPTCHA_REQUIRED, with the challenge, when there were too many failures and no solved one came along. */
  async admit(
    key: string,
    proof: { readonly captchaToken: string | null; readonly ip: string | null },
  ): Promise<Admission> {
    if (this.#captcha !== null && (await readFailures(this.#db.pool, key)) >= CAPTCHA_AFTER) {
      const { captchaToken, ip } = proof;
      if (captchaToken === null || !(await this.#captcha.isSolved(captchaToken, ip)))
        throw new DomainError(
          "CAPTCHA_REQUIRED",
          "Too many failed sign-ins. Solve the challenge and send its answer as captchaToken.",
          { more: { captcha: this.#captcha.challenge } },
        );
    }
    const failures = await countTry(this.#db.pool, key);
    return failures > LOCKED_AFTER ? { kind: "locked" } : { kind: "look", lastTry: failures === LOCKED_AFTER };
  }

  /** They were who they say. */
  async forget(key: string): Promise<void> {
    await forgetFailures(this.#db.pool, key);
  }
}
