import { newId } from "#server/contracts/ids.ts";
import type { Database, Queryable } from "#server/platform/db.ts";
import { ProviderError } from "#server/platform/http-client.ts";

/** What is done once: `effect` names the kind (`otp.sms`), `subject` what it is done for (`<trip>:<version>`). */
export interface EffectKey {
  readonly effect: string;
  readonly subject: string;
  readonly tripId: string | null;
  readonly jobId: string;
}

/** A change in our own database, or news on the bus that goes with it. */
export interface InsideEffect {
  readonly key: EffectKey;
  readonly work: (tx: Queryable) => Promise<void>;
}

/** A message to a provider. `send` gets the key to hand to the provider, which drops a repeat of it. */
export interface OutsideEffect {
  readonly key: EffectKey;
  readonly send: (dedupeKey: string) => Promise<void>;
}

interface Outcome {
  readonly id: string;
  readonly error: unknown;
}

const CLAIM = `
INSERT INTO effects (id, effect, subject, trip_id, job_id, status, done_at)
SELECT id, effect, subject, trip_id, job_id, $6, CASE WHEN $6 = 'done' THEN now() END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[]) AS e (id, effect, subject, trip_id, job_id)
ON CONFLICT (effect, subject) DO UPDATE SET attempts = effects.attempts + 1, job_id = EXCLUDED.job_id,
  status = EXCLUDED.status, done_at = EXCLUDED.done_at, error = NULL
WHERE effects.status <> 'done'
RETURNING id, effect, subject`;

const MARK = `
UPDATE effects SET status = o.status, error = o.error, done_at = CASE WHEN o.status = 'done' THEN now() END
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS o (id, status, error)
WHERE effects.id = o.id AND effects.status <> 'done'`;

const dedupeKeyOf = ({ effect, subject }: Pick<EffectKey, "effect" | "subject">) => `${effect}:${subject}`;

/**
 * Each side effect once, also when its job is run again after a crash.
 *
 * - `inDatabase`: the effects and their marks are one transaction: exactly once.
 * - `outside` (a message to a provider): claimed before, marked after. A crash between the two leaves a claim whose
 *   outcome nobody knows; it is done again under the same key, and the provider (or the recorder) drops the repeat
 *   by that key. So a message is neither lost nor, where the provider keeps its word, sent twice.
 */
export class Effects {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Does what has not been done, all or nothing. Returns how many that were. */
  async inDatabase(...effects: readonly InsideEffect[]): Promise<number> {
    return this.#db.transaction(async (tx) => {
      const claimed = await claim(
        tx,
        effects.map((effect) => effect.key),
        "done",
      );
      for (const { key, work } of effects) if (claimed.has(dedupeKeyOf(key))) await work(tx);
      return claimed.size;
    });
  }

  /**
   * Sends what has not been sent, all at once, none waiting for another; throws the first failure after all are
   * through, so that the job runs again for those that failed. What can never be sent (a phone without a push token)
   * is kept as failed, and is no reason to run the job again.
   */
  async outside(...effects: readonly OutsideEffect[]): Promise<void> {
    if (effects.length === 0) return;
    const claimed = await claim(
      this.#db.pool,
      effects.map((effect) => effect.key),
      "claimed",
    );
    const outcomes = await Promise.all(
      effects.flatMap(({ key, send }) => {
        const id = claimed.get(dedupeKeyOf(key));
        return id === undefined ? [] : [attempt(id, () => send(dedupeKeyOf(key)))];
      }),
    );
    await markOutcomes(this.#db.pool, outcomes);
    for (const { error } of outcomes) {
      if (error === null || (error instanceof ProviderError && error.permanent)) continue;
      throw error;
    }
  }
}

async function attempt(id: string, send: () => Promise<void>): Promise<Outcome> {
  try {
    await send();
    return { id, error: null };
  } catch (error) {
    return { id, error: error ?? new Error("unknown failure") };
  }
}

/** The ids of those that are ours to do now, by key; what had been done before is not among them. */
async function claim(
  db: Queryable,
  keys: readonly EffectKey[],
  status: "claimed" | "done",
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ id: string; effect: string; subject: string }>({
    name: "effect-claim",
    text: CLAIM,
    values: [
      keys.map(() => newId()),
      keys.map((key) => key.effect),
      keys.map((key) => key.subject),
      keys.map((key) => key.tripId),
      keys.map((key) => key.jobId),
      status,
    ],
  });
  return new Map(rows.map((row) => [dedupeKeyOf(row), row.id]));
}

async function markOutcomes(db: Queryable, outcomes: readonly Outcome[]): Promise<void> {
  if (outcomes.length === 0) return;
  const messages = outcomes.map(({ error }) =>
    error === null ? null : error instanceof Error ? error.message : String(error),
  );
  await db.query({
    name: "effect-mark",
    text: MARK,
    values: [outcomes.map(({ id }) => id), outcomes.map(({ error }) => (error === null ? "done" : "failed")), messages],
  });
}
