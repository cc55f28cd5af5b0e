import { newId } from "#server/contracts/ids.ts";
import { type CodePurpose, consumeCode, findCode, replaceCode } from "#server/domain/identity/one-time-code-store.ts";
import { addToOutbox } from "#server/domain/outbox/outbox-store.ts";
import { derivedDigits, hmacHex } from "#server/platform/crypto.ts";
import type { Database } from "#server/platform/db.ts";

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
      await replaceCode(tx, { id, purpose, subject, hash, minutes: MINUTES });
      await addToOutbox(tx, "send-code", { codeId: id });
    });
    this.#onCommitted();
  }

  /** What is to be sent; null when it was replaced, used or is over. */
  async find(codeId: string): Promise<SentCode | null> {
    const found = await findCode(this.#db.pool, codeId);
    return found === null ? null : { ...found, code: this.#codeOf(codeId) };
  }

  /** Counts the try and, when the code is right, uses it up. */
  consume(purpose: CodePurpose, subject: string, code: string): Promise<boolean> {
    const hash = this.#hash(purpose, subject, code);
    return consumeCode(this.#db.pool, { purpose, subject, hash, maxAttempts: MAX_CODE_ATTEMPTS });
  }

  #codeOf(id: string): string {
    return derivedDigits(this.#secret, `code:${id}`, 6);
  }

  #hash(purpose: CodePurpose, subject: string, code: string): string {
    return hmacHex(this.#secret, `code-hash:${purpose}:${subject}:${code}`);
  }
}
