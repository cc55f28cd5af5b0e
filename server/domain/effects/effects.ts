import { newId } from "#server/contracts/ids.ts";
import type { Database, Queryable } from "#server/platform/db.ts";
import { ProviderError } from "#server/platform/http-client.ts";

/** What is done once: `effect` names the kind (`otp.sms`), `subject` what it is done for (`<trip>:<version>`). */
export interface EffectKey {
  readonly effect: string;
  readonly subject: string;
  readonly tripId: string;
  readonly jobId: string;
}

const CLAIM = `
INSERT INTO effects (id, effect, subject, trip_id, job_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (effect, subject) DO UPDATE SET attempts = effects.attempts + 1, job_id = EXCLUDED.job_id, status = 'claimed', error = NULL
WHERE effects.status <> 'done'
RETURNING id`;

/**
 * Each side effect once, also when its job is run again after a crash.
 *
 * - `inDatabase`: the effect and its mark are one transaction: exactly once.
 * - `outside` (a message to a provider): claimed before, marked after. A crash between the two leaves a claim whose
 *   outcome nobody knows; it is done again under the same key, and the provider (or the recorder) drops the repeat
 *   by that key. So a message is neither lost nor, where the provider keeps its word, sent twice.
 */
export class Effects {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** False when it had been done before. */
  async inDatabase(key: EffectKey, work: (tx: Queryable) => Promise<void>): Promise<boolean> {
    return this.#db.transaction(async (tx) => {
      const id = await claim(tx, key);
      if (id === null) return false;
      await work(tx);
      await markDone(tx, id);
      return true;
    });
  }

  /**
   * `work` gets the key to hand to the provider. False when it had been done before, or can never be done (a phone
   * without a push token): that is kept on the effect, and is no reason to run the job again.
   */
  async outside(key: EffectKey, work: (dedupeKey: string) => Promise<void>): Promise<boolean> {
    const id = await claim(this.#db.pool, key);
    if (id === null) return false;
    try {
      await work(`${key.effect}:${key.subject}`);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await this.#db.pool.query("UPDATE effects SET status = 'failed', error = $2 WHERE id = $1 AND status <> 'done'", [
        id,
        message,
      ]);
      if (error instanceof ProviderError && error.permanent) return false;
      throw error;
    }
    await markDone(this.#db.pool, id);
    return true;
  }
}

async function claim(db: Queryable, key: EffectKey): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>({
    name: "effect-claim",
    text: CLAIM,
    values: [newId(), key.effect, key.subject, key.tripId, key.jobId],
  });
  return rows[0]?.id ?? null;
}

async function markDone(db: Queryable, id: string): Promise<void> {
  await db.query({
    name: "effect-done",
    text: "UPDATE effects SET status = 'done', done_at = now(), error = NULL WHERE id = $1",
    values: [id],
  });
}
