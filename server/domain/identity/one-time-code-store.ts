import type { Queryable } from "#server/platform/db.ts";

/** Subject: the phone, or the registration's id. */
export type CodePurpose = "sign_in" | "register";

/** A new code in the place of the purpose's and subject's last, with all its tries. */
export async function replaceCode(
  tx: Queryable,
  code: {
    readonly id: string;
    readonly purpose: CodePurpose;
    readonly subject: string;
    readonly hash: string;
    readonly minutes: number;
  },
): Promise<void> {
  await tx.query({
    name: "code-request",
    text: `INSERT INTO otp_verifications (id, purpose, subject, code_hash, expires_at)
           VALUES ($1, $2, $3, $4, now() + make_interval(mins => $5))
           ON CONFLICT (purpose, subject) DO UPDATE SET id = EXCLUDED.id, code_hash = EXCLUDED.code_hash, attempts = 0,
             last_attempt_at = NULL, expires_at = EXCLUDED.expires_at, consumed_at = NULL, created_at = now()`,
    values: [code.id, code.purpose, code.subject, code.hash, code.minutes],
  });
}

/** Whose the code is; null when it was replaced, used or is over. */
export async function findCode(
  db: Queryable,
  id: string,
): Promise<{ readonly purpose: CodePurpose; readonly subject: string } | null> {
  const { rows } = await db.query<{ purpose: CodePurpose; subject: string }>({
    name: "code-find",
    text: `SELECT purpose, subject FROM otp_verifications
           WHERE id = $1 AND consumed_at IS NULL AND expires_at > now() AND purpose IN ('sign_in', 'register')`,
    values: [id],
  });
  return rows[0] ?? null;
}

/** Counts the try and, when the code is right, uses it up: one statement, so of two at once one is true. */
export async function consumeCode(
  db: Queryable,
  given: {
    readonly purpose: CodePurpose;
    readonly subject: string;
    readonly hash: string;
    readonly maxAttempts: number;
  },
): Promise<boolean> {
  const { rows } = await db.query<{ right: boolean }>({
    name: "code-consume",
    text: `UPDATE otp_verifications SET attempts = attempts + 1, last_attempt_at = now(),
             consumed_at = CASE WHEN code_hash = $3 THEN now() END
           WHERE purpose = $1 AND subject = $2 AND consumed_at IS NULL AND expires_at > now() AND attempts < $4
           RETURNING consumed_at IS NOT NULL AS right`,
    values: [given.purpose, given.subject, given.hash, given.maxAttempts],
  });
  return rows[0]?.right === true;
}
