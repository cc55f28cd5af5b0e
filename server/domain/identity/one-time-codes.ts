import { newId } from "#server/contracts/ids.ts";
import { addToOutbox } from "#server/domain/outbox/outbox-store.ts";
import { derivedDigits, hmacHex } from "#server/platform/crypto.ts";
import type { Database } from "#server/platform/db.ts";

/** Subject: the phone, or the registration's id. */
export type CodePurpose = "sign_in" | "register";

const MINUTES = 5;
export const MAX_CODE_ATTEMPTS = 5;

export interface SentCode {
  readonly purpose: CodePurpose;
  readonly subject: string;
  readonly code: string;
}

/**
 * Six digits by SMS: five minutes, five tries, one use. A code is derived from its row's id and the server's secret, so
 * a job that runs again sends the same one, and it stands nowhere: not in the database, the queue or the log.
 */
export class OneTimeCodes {
  readonly #db: Database;
  readonly #secret: string;
  readonly #onCommitted: () => void;

  constructor(options: { db: Database; secret: string; onCommitted: () => void }) {
    this.#db = options.db;
    this.#secret = options.secret;
    this.#onCommitted = options.onCommitted;
  }

  /** A new code in the place of the last; a job sends it, or finds that there is nobody to send it to. */
  async request(purpose: CodePurpose, subject: string): Promise<void> {
    const id = newId();
    const hash = this.#hash(purpose, subject, this.#codeOf(id));
    await this.#db.transaction(async (tx) => {
      await tx.query({
        name: "code-request",
        text: `INSERT INTO otp_verifications (id, purpose, subject, code_hash, expires_at)
               VALUES ($1, $2, $3, $4, now() + interval '${MINUTES} minutes')
               ON CONFLICT (purpose, subject) DO UPDATE SET id = EXCLUDED.id, code_hash = EXCLUDED.code_hash, attempts = 0,
                 last_attempt_at = NULL, expires_at = EXCLUDED.expires_at, consumed_at = NULL, created_at = now()`,
        values: [id, purpose, subject, hash],
      });
      await addToOutbox(tx, "send-code", { codeId: id });
    });
    this.#onCommitted();
  }

  /** What is to be sent; null when it was replaced, used or is over. */
  async find(codeId: string): Promise<SentCode | null> {
    const { rows } = await this.#db.pool.query<{ purpose: CodePurpose; subject: string }>({
      name: "code-find",
      text: `SELECT purpose, subject FROM otp_verifications
             WHERE id = $1 AND consumed_at IS NULL AND expires_at > now() AND purpose IN ('sign_in', 'register')`,
      values: [codeId],
    });
    const [row] = rows;
    return row === undefined ? null : { ...row, code: this.#codeOf(codeId) };
  }

  /** Counts the try and, when the code is right, uses it up: one statement, so of two at once one is true. */
  async consume(purpose: CodePurpose, subject: string, code: string): Promise<boolean> {
    const { rows } = await this.#db.pool.query<{ right: boolean }>({
      name: "code-consume",
      text: `UPDATE otp_verifications SET attempts = attempts + 1, last_attempt_at = now(),
               consumed_at = CASE WHEN code_hash = $3 THEN now() END
             WHERE purpose = $1 AND subject = $2 AND consumed_at IS NULL AND expires_at > now() AND attempts < $4
             RETURNING consumed_at IS NOT NULL AS right`,
      values: [purpose, subject, this.#hash(purpose, subject, code), MAX_CODE_ATTEMPTS],
    });
    return rows[0]?.right === true;
  }

  #codeOf(id: string): string {
    return derivedDigits(this.#secret, `code:${id}`, 6);
  }

  #hash(purpose: CodePurpose, subject: string, code: string): string {
    return hmacHex(this.#secret, `code-hash:${purpose}:${subject}:${code}`);
  }
}
