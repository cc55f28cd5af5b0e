import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import type { OneTimeCodes } from "#server/domain/identity/one-time-codes.ts";
import { assertGoodPassword, type PasswordHashing } from "#server/domain/identity/passwords.ts";
import * as store from "#server/domain/identity/registration-store.ts";
import { findByAccount, type Person } from "#server/domain/identity/user-store.ts";
import type { Cipher } from "#server/platform/cipher.ts";
import { type Database, sqlStateOf } from "#server/platform/db.ts";

export interface RegistrationWish {
  readonly type: "customer" | "driver";
  readonly phone: string;
  readonly password: string;
  readonly firstName: string;
  readonly lastName: string;
  /** Drivers': for the review. */
  readonly licenceNumber?: string | undefined;
  readonly identityNumber?: string | undefined;
}

interface Details extends Omit<RegistrationWish, "password"> {
  readonly passwordHash: string;
}

const MINUTES = 30;
const UNIQUE_VIOLATION = "23505";
const cellOf = (rowId: string) => ({ table: "registrations", column: "details", rowId }) as const;

/**
 * A new account, in two steps: the wish is kept and a code goes to the phone; the code makes the account. Whether the
 * phone has an account already is told to the phone only. The code belongs to the wish, not to the phone: somebody
 * else's wish for my phone, with their password, is not confirmed by my signing in.
 */
export class RegistrationService {
  readonly #db: Database;
  readonly #cipher: Cipher;
  readonly #codes: OneTimeCodes;
  readonly #passwords: PasswordHashing;

  constructor(options: { db: Database; cipher: Cipher; codes: OneTimeCodes; passwords: PasswordHashing }) {
    this.#db = options.db;
    this.#cipher = options.cipher;
    this.#codes = options.codes;
    this.#passwords = options.passwords;
  }

  /**
   * Returns the registration's id; VALIDATION_FAILED for a password that is too weak. `admit` may refuse a wish that is
   * otherwise good: one that is not costs its phone no code.
   */
  async begin({ password, ...wish }: RegistrationWish, admit?: () => Promise<void>): Promise<string> {
    assertGoodPassword(password, [wish.phone, wish.firstName, wish.lastName], "password");
    await admit?.();
    const id = newId();
    const details: Details = { ...wish, passwordHash: await this.#passwords.hash(password) };
    const sealed = this.#cipher.encrypt(JSON.stringify(details), cellOf(id));
    await store.insertRegistration(this.#db.pool, { id, details: sealed, minutes: MINUTES });
    await this.#codes.request("register", id);
    return id;
  }

  /** The phone to confirm, and whether it has an account already; null when the wish is over. */
  async phoneOf(id: string): Promise<{ readonly phone: string; readonly taken: boolean } | null> {
    const details = await this.#find(id);
    if (details === null) return null;
    return { phone: details.phone, taken: await store.hasAccount(this.#db.pool, details.phone) };
  }

  /** Makes the account. UNAUTHENTICATED for a wrong code, and whenever there is nothing that it confirms. */
  async finish(id: string, code: string): Promise<Person> {
    const wrong = () => new DomainError("UNAUTHENTICATED", "The code is wrong or has expired.");
    if (!(await this.#codes.consume("register", id, code))) throw wrong();
    const details = await this.#find(id);
    if (details === null) throw wrong();
    try {
      await this.#create(id, details);
    } catch (error) {
      if (sqlStateOf(error) === UNIQUE_VIOLATION) throw wrong();
      throw error;
    }
    const made = await findByAccount(this.#db.pool, { phone: details.phone });
    if (made === null) throw wrong();
    return made.person;
  }

  async #create(registrationId: string, details: Details): Promise<void> {
    const id = newId();
    const sealed = (column: "licence_number" | "identity_number", text: string | undefined) =>
      text === undefined ? null : this.#cipher.encrypt(text, { table: "driver_details", column, rowId: id });
    await this.#db.transaction(async (tx) => {
      await store.insertAppUser(tx, { ...details, id });
      if (details.type === "driver")
        await store.insertDriver(tx, {
          id,
          licenceNumber: sealed("licence_number", details.licenceNumber),
          identityNumber: sealed("identity_number", details.identityNumber),
        });
      await store.deleteRegistration(tx, registrationId);
    });
  }

  async #find(id: string): Promise<Details | null> {
    const sealed = await store.findRegistration(this.#db.pool, id);
    return sealed === null ? null : (JSON.parse(this.#cipher.decrypt(sealed, cellOf(id))) as Details);
  }
}
