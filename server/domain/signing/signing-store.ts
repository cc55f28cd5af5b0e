import type { Queryable } from "#server/platform/db.ts";

export interface KeyRow {
  readonly id: string;
  readonly user_id: string;
  readonly device: string;
  readonly secret: string;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
}

/** Null when the person has `max` live keys already. A soft bound: two at once may both find room. */
export async function insertKey(
  db: Queryable,
  key: Pick<KeyRow, "id" | "user_id" | "device" | "secret">,
  max: number,
): Promise<KeyRow | null> {
  const { rows } = await db.query<KeyRow>({
    name: "signing-key-insert",
    text: `INSERT INTO signing_keys (id, user_id, device, secret) SELECT $1, $2, $3, $4
           WHERE (SELECT count(*) FROM signing_keys WHERE user_id = $2 AND revoked_at IS NULL) < $5
           RETURNING id, user_id, device, secret, created_at, last_used_at`,
    values: [key.id, key.user_id, key.device, key.secret, max],
  });
  return rows[0] ?? null;
}

export async function liveKeysOf(db: Queryable, userId: string): Promise<KeyRow[]> {
  const { rows } = await db.query<KeyRow>({
    name: "signing-keys-of",
    text: `SELECT id, user_id, device, secret, created_at, last_used_at FROM signing_keys
           WHERE user_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC`,
    values: [userId],
  });
  return rows;
}

export async function findLiveKey(db: Queryable, id: string): Promise<KeyRow | null> {
  const { rows } = await db.query<KeyRow>({
    name: "signing-key-find",
    text: `SELECT k.id, k.user_id, k.device, k.secret, k.created_at, k.last_used_at
           FROM signing_keys k JOIN users u ON u.id = k.user_id AND u.is_active AND u.deleted_at IS NULL
           WHERE k.id = $1 AND k.revoked_at IS NULL`,
    values: [id],
  });
  return rows[0] ?? null;
}

export async function revokeKey(db: Queryable, id: string, userId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    "UPDATE signing_keys SET revoked_at = now() WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL",
    [id, userId],
  );
  return (rowCount ?? 0) > 0;
}

/** Whoever had access to the account may have enrolled one: they end with what that access was. */
export async function revokeKeysOf(db: Queryable, userId: string): Promise<void> {
  await db.query("UPDATE signing_keys SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL", [userId]);
}

/** Takes the nonce, unless it was taken before, or the key was revoked meanwhile. */
export async function takeNonce(
  db: Queryable,
  nonce: { readonly id: string; readonly keyId: string; readonly nonce: string; readonly expiresAt: Date },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: "request-nonce-take",
    text: `WITH used AS (UPDATE signing_keys SET last_used_at = now() WHERE id = $2 AND revoked_at IS NULL RETURNING id)
           INSERT INTO request_nonces (id, key_id, nonce, expires_at) SELECT $1, used.id, $3, $4 FROM used
           ON CONFLICT (key_id, nonce) DO NOTHING`,
    values: [nonce.id, nonce.keyId, nonce.nonce, nonce.expiresAt],
  });
  return (rowCount ?? 0) > 0;
}
