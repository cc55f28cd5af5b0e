import { randomInt } from "node:crypto";
import { Secret, TOTP } from "otpauth";
import { renderSVG } from "uqr";
import { DomainError } from "#server/contracts/errors.ts";
import * as store from "#server/domain/identity/second-factor-store.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import type { Cipher } from "#server/platform/cipher.ts";
import type { Clock } from "#server/platform/clock.ts";
import { hmacHex } from "#server/platform/crypto.ts";
import type { Database, Queryable } from "#server/platform/db.ts";

const PERIOD_SECONDS = 30;
/** Clocks of phones are a little off: the step before and the one after count too. */
const WINDOW = 1;
const RECOVERY_CODES = 10;
/** No letter that looks like another. */
const RECOVERY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz";

export interface Enrolment {
  /** For typing into the authenticator app. */
  readonly secret: string;
  readonly uri: string;
  /** An SVG of the QR code of `uri`. */
  readonly qr: string;
}

/** Who and why: each change is in the audit log, in its own transaction. */
const subjectOf = (userId: string) => ({ type: "operator", id: userId });
const cellOf = (userId: string) => ({ table: "operator_totp", column: "secret", rowId: userId }) as const;

function newRecoveryCode(): string {
  const letters = Array.from({ length: 10 }, () => RECOVERY_ALPHABET[randomInt(RECOVERY_ALPHABET.length)]).join("");
  return `${letters.slice(0, 5)}-${letters.slice(5)}`;
}

/** Time-based codes (RFC 6238) of operators, and recovery codes for a lost phone. */
export class SecondFactor {
  readonly #db: Database;
  readonly #cipher: Cipher;
  readonly #clock: Clock;
  readonly #secret: string;

  constructor(options: { db: Database; cipher: Cipher; clock: Clock; secret: string }) {
    this.#db = options.db;
    this.#cipher = options.cipher;
    this.#clock = options.clock;
    this.#secret = options.secret;
  }

  async isOn(userId: string): Promise<boolean> {
    return (await store.findFactor(this.#db.pool, userId))?.confirmed === true;
  }

  /** Recovery codes that are left. */
  recoveryCodesLeft(userId: string): Promise<number> {
    return store.countRecoveryCodes(this.#db.pool, userId);
  }

  /** A new secret that is not asked for until `confirm`. INVALID_TRANSITION when the factor is on. */
  async begin(userId: string, label: string, record: Recorder): Promise<Enrolment> {
    const secret = new Secret({ size: 20 });
    await this.#db.transaction(async (tx) => {
      const sealed = this.#cipher.encrypt(secret.base32, cellOf(userId));
      if (!(await store.putUnconfirmedFactor(tx, userId, sealed)))
        throw new DomainError("INVALID_TRANSITION", "The second factor is on already. Switch it off first.");
      await record(tx, subjectOf(userId), {});
    });
    const uri = this.#totp(secret.base32, label).toString();
    return { secret: secret.base32, uri, qr: renderSVG(uri, { border: 2 }) };
  }

  /** Switches the factor on with the first code from the app. Returns the recovery codes: they are shown once. */
  async confirm(userId: string, code: string, record: Recorder): Promise<readonly string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    const done = await this.#db.transaction(async (tx) => {
      if (!(await this.#takeCode(tx, userId, code, false))) return false;
      await store.confirmFactor(tx, userId);
      const hashes = codes.map((recovery) => this.#hash(userId, recovery));
      await store.replaceRecoveryCodes(tx, userId, hashes);
      await record(tx, subjectOf(userId), { before: { on: false }, after: { on: true } });
      return true;
    });
    if (done) return codes;
    throw new DomainError("VALIDATION_FAILED", "The code is not the app's current one. Nothing was changed.", {
      fields: [{ path: "code", message: "not the current code" }],
    });
  }

  async switchOff(userId: string, record: Recorder): Promise<void> {
    await this.#db.transaction(async (tx) => {
      const on = await store.deleteFactor(tx, userId);
      await record(tx, subjectOf(userId), { before: { on }, after: { on: false } });
    });
  }

  /** Takes a code of the app or a recovery code: each once. */
  async take(userId: string, given: string): Promise<boolean> {
    const code = given.trim().toLowerCase();
    if (/^\d{6}$/.test(code)) return this.#takeCode(this.#db.pool, userId, code, true);
    return store.takeRecoveryCode(this.#db.pool, userId, this.#hash(userId, code));
  }

  async #takeCode(db: Queryable, userId: string, code: string, confirmed: boolean): Promise<boolean> {
    const row = await store.findFactor(db, userId);
    if (row === null || row.confirmed !== confirmed) return false;
    const totp = this.#totp(this.#cipher.decrypt(row.secret, cellOf(userId)), "");
    const timestamp = this.#clock.now().getTime();
    const delta = totp.validate({ token: code, timestamp, window: WINDOW });
    if (delta === null) return false;
    const step = Math.floor(timestamp / 1000 / PERIOD_SECONDS) + delta;
    return store.takeStep(db, userId, step, confirmed);
  }

  #totp(secret: string, label: string): TOTP {
    return new TOTP({ issuer: "SmartLine Ops", label, period: PERIOD_SECONDS, secret: Secret.fromBase32(secret) });
  }

  #hash(userId: string, recovery: string): string {
    return hmacHex(this.#secret, `recovery:${userId}:${recovery}`);
  }
}
