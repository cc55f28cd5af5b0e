import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import type { OneTimeCodes } from "#server/domain/identity/one-time-codes.ts";
import { assertGoodPassword, type PasswordHashing } from "#server/domain/identity/passwords.ts";
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
const cellOf = (rowId: string) => ({ table: "registrations", column: "details", rowId });

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
    await this.#db.pool.query(
      `INSERT INTO registrations (id, details, expires_at) VALUES ($1, $2, now() + interval '${MINUTES} minutes')`,
      [id, this.#cipher.encrypt(JSON.stringify(details), cellOf(id))],
    );
    await this.#codes.request("register", id);
    return id;
  }

  /** The phone to confirm, and whether it has an account already; null when the wish is over. */
  async phoneOf(id: string): Promise<{ readonly phone: string; readonly taken: boolean } | null> {
    const details = await this.#find(id);
    if (details === null) return null;
    const { rows } = await this.#db.pool.query("SELECT 1 FROM users WHERE phone = $1", [details.phone]);
    return { phone: details.phone, taken: rows.length > 0 };
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
    const userId = newId();
    const sealed = (column: string, text: string | undefined) =>
      text === undefined ? null : this.#cipher.encrypt(text, { table: "driver_details", column, rowId: userId });
    await this.#db.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO users (id, first_name, last_name, phone, password_hash, user_type) VALUES ($1, $2, $3, $4, $5, $6)`,
        [userId, details.firstName, details.lastName, details.phone, details.passwordHash, details.type],
      );
      if (details.type === "driver")
        await tx.query(
          `INSERT INTO driver_details (user_id, under_review, licence_number, identity_number) VALUES ($1, true, $2, $3)`,
          [userId, sealed("licence_number", details.licenceNumber), sealed("identity_number", details.identityNumber)],
        );
      await tx.query("DELETE FROM registrations WHERE id = $1", [registrationId]);
    });
  }

  async #find(id: string): Promise<Details | null> {
    const { rows } = await this.#db.pool.query<{ details: string }>(
      "SELECT details FROM registrations WHERE id = $1 AND expires_at > now()",
      [id],
    );
    const [row] = rows;
    return row === undefined ? null : (JSON.parse(this.#cipher.decrypt(row.details, cellOf(id))) as Details);
  }
}
