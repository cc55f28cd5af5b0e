import { newId } from "#server/contracts/ids.ts";
import type { Queryable } from "#server/platform/db.ts";

export type SessionKind = "app" | "console";

/** Where a sign-in comes from, for people to recognise it. */
export interface Origin {
  readonly ip: string | null;
  /** The User-Agent. */
  readonly device: string | null;
}

export interface SessionRow {
  readonly id: string;
  readonly kind: SessionKind;
  readonly device: string | null;
  readonly ip: string | null;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

/** More sign-ins than a person has devices: the oldest ends. */
const MAX_SESSIONS = 20;

/** Null when the person's access changed since their password was checked: then there is nothing to open. */
export async function insertSession(
  tx: Queryable,
  session: {
    readonly userId: string;
    readonly tokenVersion: number;
    readonly kind: SessionKind;
    readonly seconds: number;
  } & Origin,
): Promise<string | null> {
  const id = newId();
  // Locked: a password changed at this moment either is seen here or sees this session.
  const { rowCount } = await tx.query({
    name: "session-open",
    text: `WITH person AS (
             SELECT id FROM users WHERE id = $2 AND token_version = $3 AND is_active AND deleted_at IS NULL FOR SHARE)
           INSERT INTO sessions (id, user_id, kind, device, ip, expires_at)
           SELECT $1, person.id, $4, $5, $6, now() + make_interval(secs => $7) FROM person`,
    values: [
      id,
      session.userId,
      session.tokenVersion,
      session.kind,
      session.device?.slice(0, 300) ?? null,
      session.ip,
      session.seconds,
    ],
  });
  if (rowCount === 0) return null;
  await tx.query({
    name: "session-oldest-end",
    text: `UPDATE sessions SET revoked_at = clock_timestamp(), revoked_why = 'too many sessions' WHERE id IN (
             SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()
             ORDER BY last_used_at DESC, id DESC OFFSET ${MAX_SESSIONS})`,
    values: [session.userId],
  });
  return id;
}

/** Live ones, last used first. */
export async function listSessions(db: Queryable, userId: string): Promise<SessionRow[]> {
  const { rows } = await db.query<SessionRow>({
    name: "session-list",
    text: `SELECT id, kind, device, ip, created_at AS "createdAt", last_used_at AS "lastUsedAt", expires_at AS "expiresAt"
           FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() ORDER BY last_used_at DESC, id DESC`,
    values: [userId],
  });
  return rows;
}

/** Whether the live session began at most `seconds` ago: whoever holds it proved lately who they are. */
export async function isFreshSession(db: Queryable, userId: string, id: string, seconds: number): Promise<boolean> {
  const { rows } = await db.query({
    name: "session-fresh",
    text: `SELECT 1 FROM sessions WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL
           AND created_at > now() - make_interval(secs => $3)`,
    values: [userId, id, seconds],
  });
  return rows.length > 0;
}

/** False when it is not this person's, or has ended already. */
export async function endSession(db: Queryable, userId: string, sessionId: string, why: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE sessions SET revoked_at = clock_timestamp(), revoked_why = $3
     WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL`,
    [userId, sessionId, why],
  );
  return (rowCount ?? 0) > 0;
}

/** All of a person's but one. Returns how many. */
export async function endSessions(db: Queryable, userId: string, but: string | null, why: string): Promise<number> {
  const { rowCount } = await db.query(
    `UPDATE sessions SET revoked_at = clock_timestamp(), revoked_why = $3
     WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND revoked_at IS NULL`,
    [userId, but, why],
  );
  return rowCount ?? 0;
}

/** The person behind a live console session; null when either has ended. Notes the use, at most once a minute. */
export async function touchConsoleSession(db: Queryable, userId: string, sessionId: string): Promise<boolean> {
  const { rows } = await db.query<{ stale: boolean }>({
    name: "session-console",
    text: `SELECT last_used_at < now() - interval '1 minute' AS stale FROM sessions
           WHERE id = $2 AND user_id = $1 AND kind = 'console' AND revoked_at IS NULL AND expires_at > now()`,
    values: [userId, sessionId],
  });
  const [row] = rows;
  if (row?.stale) await db.query("UPDATE sessions SET last_used_at = now() WHERE id = $1", [sessionId]);
  return row !== undefined;
}

export async function insertRefreshToken(
  tx: Queryable,
  sessionId: string,
  hash: string,
  seconds: number,
): Promise<void> {
  await tx.query({
    name: "refresh-token-add",
    text: `INSERT INTO refresh_tokens (id, session_id, token_hash, expires_at)
           VALUES ($1, $2, $3, now() + make_interval(secs => $4))`,
    values: [newId(), sessionId, hash, seconds],
  });
}

export interface RefreshRow {
  readonly id: string;
  readonly session_id: string;
  readonly user_id: string;
  readonly alive: boolean;
  readonly used_key: string | null;
  /** Seconds since it was exchanged; null: it was not. */
  readonly used_seconds_ago: number | null;
}

/** The token's row, its family locked: exchanges of one family go one after another. */
export async function lockRefreshToken(tx: Queryable, hash: string): Promise<RefreshRow | null> {
  const family = await tx.query<{ id: string }>({
    name: "refresh-family-lock",
    text: `SELECT s.id FROM sessions s WHERE s.id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1) FOR UPDATE`,
    values: [hash],
  });
  if (family.rows.length === 0) return null;
  const { rows } = await tx.query<RefreshRow>({
    name: "refresh-token-get",
    text: `SELECT t.id, t.session_id, s.user_id, t.used_key,
             s.revoked_at IS NULL AND t.expires_at > now() AS alive,
             EXTRACT(EPOCH FROM clock_timestamp() - t.used_at)::float8 AS used_seconds_ago
           FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.token_hash = $1`,
    values: [hash],
  });
  return rows[0] ?? null;
}

export async function markRefreshTokenUsed(tx: Queryable, id: string, key: string | null): Promise<void> {
  await tx.query({
    name: "refresh-token-used",
    text: "UPDATE refresh_tokens SET used_at = clock_timestamp(), used_key = $2 WHERE id = $1",
    values: [id, key],
  });
}

/** Whether the token was issued and has not been exchanged. */
export async function isUnusedRefreshToken(tx: Queryable, hash: string): Promise<boolean> {
  const { rows } = await tx.query({
    name: "refresh-token-unused",
    text: "SELECT 1 FROM refresh_tokens WHERE token_hash = $1 AND used_at IS NULL",
    values: [hash],
  });
  return rows.length > 0;
}

export async function noteUse(tx: Queryable, sessionId: string, ip: string | null, seconds: number): Promise<void> {
  await tx.query({
    name: "session-used",
    text: `UPDATE sessions SET last_used_at = now(), ip = coalesce($2, ip), expires_at = now() + make_interval(secs => $3) WHERE id = $1`,
    values: [sessionId, ip, seconds],
  });
}
