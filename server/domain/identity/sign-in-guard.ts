import { DomainError } from "#server/contracts/errors.ts";
import type { Captcha } from "#server/domain/identity/captcha.ts";
import type { Account } from "#server/domain/identity/user-store.ts";
import { hmacHex } from "#server/platform/crypto.ts";
import type { Database } from "#server/platform/db.ts";

const CAPTCHA_AFTER = 3;
const LOCKED_AFTER = 10;
const LOCK_MINUTES = 15;
/** Failures this long ago are forgotten. */
const FORGET_HOURS = 24;

/**
 * Counted before the password is looked at, in one statement: of a thousand guesses at once no more than ten are
 * looked at. The tenth locks; it is taken back when it was right after all.
 */
const COUNT = `
INSERT INTO sign_in_failures AS f (id, failures) VALUES ($1, 1)
ON CONFLICT (id) DO UPDATE SET
  failures = CASE WHEN f.locked_until <= now() OR f.last_failed_at < now() - interval '${FORGET_HOURS} hours' THEN 1
    ELSE f.failures + 1 END,
  locked_until = CASE WHEN f.locked_until > now() THEN f.locked_until
    WHEN f.locked_until IS NULL AND f.failures + 1 >= ${LOCKED_AFTER}
      AND f.last_failed_at >= now() - interval '${FORGET_HOURS} hours' THEN now() + interval '${LOCK_MINUTES} minutes' END,
  last_failed_at = now()
RETURNING failures`;

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
    if (this.#captcha !== null && (await this.#failures(key)) >= CAPTCHA_AFTER) {
      const { captchaToken, ip } = proof;
      if (captchaToken === null || !(await this.#captcha.isSolved(captchaToken, ip)))
        throw new DomainError(
          "CAPTCHA_REQUIRED",
          "Too many failed sign-ins. Solve the challenge and send its answer as captchaToken.",
          { more: { captcha: this.#captcha.challenge } },
        );
    }
    const { rows } = await this.#db.pool.query<{ failures: number }>({
      name: "sign-in-count",
      text: COUNT,
      values: [key],
    });
    const failures = rows[0]?.failures ?? 1;
    return failures > LOCKED_AFTER ? { kind: "locked" } : { kind: "look", lastTry: failures === LOCKED_AFTER };
  }

  /** They were who they say. */
  async forget(key: string): Promise<void> {
    await this.#db.pool.query({
      name: "sign-in-forget",
      text: "DELETE FROM sign_in_failures WHERE id = $1",
      values: [key],
    });
  }

  async #failures(key: string): Promise<number> {
    const { rows } = await this.#db.pool.query<{ failures: number }>({
      name: "sign-in-failures",
      text: `SELECT failures FROM sign_in_failures WHERE id = $1
             AND last_failed_at >= now() - interval '${FORGET_HOURS} hours' AND (locked_until IS NULL OR locked_until > now())`,
      values: [key],
    });
    return rows[0]?.failures ?? 0;
  }
}
