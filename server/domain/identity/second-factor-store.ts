import { newId } from "#server/contracts/ids.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface FactorRow {
  /** Sealed. */
  readonly secret: string;
  readonly confirmed: boolean;
}

export async function findFactor(db: Queryable, userId: string): Promise<FactorRow | null> {
  const { rows } = await db.query<FactorRow>({
    name: "totp-find",
    text: "SELECT secret, confirmed_at IS NOT NULL AS confirmed FROM operator_totp WHERE user_id = $1",
    values: [userId],
  });
  return rows[0] ?? null;
}

/** A new sealed secret in the place of one that was not confirmed. False when the factor is on. */
export async function putUnconfirmedFactor(tx: Queryable, userId: string, secret: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO operator_totp (user_id, secret) VALUES ($1, $2)
     ON CONFLICT (user_id) DO UPDATE SET secret = EXCLUDED.secret, last_step = 0, created_at = now()
     WHERE operator_totp.confirmed_at IS NULL`,
    [userId, secret],
  );
  return rowCount !== 0;
}

export async function confirmFactor(tx: Queryable, userId: string): Promise<void> {
  await tx.query("UPDATE operator_totp SET confirmed_at = now() WHERE user_id = $1", [userId]);
}

/** Takes the factor away, with its recovery codes. False when it was not on. */
export async function deleteFactor(tx: Queryable, userId: string): Promise<boolean> {
  const { rowCount } = await tx.query("DELETE FROM operator_totp WHERE user_id = $1 AND confirmed_at IS NOT NULL", [
    userId,
  ]);
  await tx.query("DELETE FROM operator_totp WHERE user_id = $1", [userId]);
  await tx.query("DELETE FROM recovery_codes WHERE user_id = $1", [userId]);
  return rowCount === 1;
}

/** The last step taken only grows: of two requests with one code, the second changes no row and is told false. */
export async function takeStep(db: Queryable, userId: string, step: number, confirmed: boolean): Promise<boolean> {
  const { rowCount } = await db.query(
    "UPDATE operator_totp SET last_step = $2 WHERE user_id = $1 AND last_step < $2 AND (confirmed_at IS NOT NULL) = $3",
    [userId, step, confirmed],
  );
  return (rowCount ?? 0) > 0;
}

export async function countRecoveryCodes(db: Queryable, userId: string): Promise<number> {
  const { rows } = await db.query<{ left: number }>(
    "SELECT count(*)::int AS left FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL",
    [userId],
  );
  return rows[0]?.left ?? 0;
}

export async function replaceRecoveryCodes(tx: Queryable, userId: string, hashes: readonly string[]): Promise<void> {
  await tx.query("DELETE FROM recovery_codes WHERE user_id = $1", [userId]);
  await tx.query(
    "INSERT INTO recovery_codes (id, user_id, code_hash) SELECT c.id, $1, c.hash FROM unnest($2::uuid[], $3::text[]) AS c (id, hash)",
    [userId, hashes.map(() => newId()), hashes],
  );
}

/** Uses the code up. False when there is none, or it was used. */
export async function takeRecoveryCode(db: Queryable, userId: string, hash: string): Promise<boolean> {
  const { rowCount } = await db.query(
    "UPDATE recovery_codes SET used_at = now() WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
    [userId, hash],
  );
  return (rowCount ?? 0) > 0;
}
