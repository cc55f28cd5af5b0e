import type { Queryable } from "#server/platform/db.ts";

/** The failure that locks. */
export const LOCKED_AFTER = 10;
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

/** Counts a try at this account, known or not. How many there are with it. */
export async function countTry(db: Queryable, key: string): Promise<number> {
  const { rows } = await db.query<{ failures: number }>({ name: "sign-in-count", text: COUNT, values: [key] });
  return rows[0]?.failures ?? 1;
}

/** Failures that still count. */
export async function readFailures(db: Queryable, key: string): Promise<number> {
  const { rows } = await db.query<{ failures: number }>({
    name: "sign-in-failures",
    text: `SELECT failures FROM sign_in_failures WHERE id = $1
           AND last_failed_at >= now() - interval '${FORGET_HOURS} hours' AND (locked_until IS NULL OR locked_until > now())`,
    values: [key],
  });
  return rows[0]?.failures ?? 0;
}

export async function forgetFailures(db: Queryable, key: string): Promise<void> {
  await db.query({ name: "sign-in-forget", text: "DELETE FROM sign_in_failures WHERE id = $1", values: [key] });
}
