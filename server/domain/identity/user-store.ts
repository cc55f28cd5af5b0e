import type { Actor } from "#server/domain/identity/tokens.ts";
import type { Queryable } from "#server/platform/db.ts";

/** By what people sign in. */
export type Account = { readonly phone: string } | { readonly email: string };

/** A person who may sign in. */
export interface Person {
  readonly id: string;
  readonly type: Actor["type"];
  readonly role: string | null;
  readonly name: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly tokenVersion: number;
}

interface UserRow {
  readonly id: string;
  readonly user_type: Actor["type"];
  readonly role: string | null;
  readonly first_name: string;
  readonly last_name: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly token_version: number;
  readonly password_hash: string | null;
}

const FIELDS =
  "u.id, u.user_type, u.role, u.first_name, u.last_name, u.email, u.phone, u.token_version, u.password_hash";
const MAY_SIGN_IN = "u.is_active AND u.deleted_at IS NULL";

const personOf = (row: UserRow): Person => ({
  id: row.id,
  type: row.user_type,
  role: row.role,
  name: `${row.first_name} ${row.last_name}`,
  email: row.email,
  phone: row.phone,
  tokenVersion: row.token_version,
});

export interface Credentials {
  readonly person: Person;
  readonly passwordHash: string | null;
}

async function findOne(db: Queryable, name: string, where: string, value: string): Promise<Credentials | null> {
  const { rows } = await db.query<UserRow>({
    name: `user-by-${name}`,
    text: `SELECT ${FIELDS} FROM users u WHERE ${where} AND ${MAY_SIGN_IN}`,
    values: [value],
  });
  const [row] = rows;
  return row === undefined ? null : { person: personOf(row), passwordHash: row.password_hash };
}

/** Null when there is no such account or it may not sign in. */
export const findByAccount = (db: Queryable, account: Account): Promise<Credentials | null> =>
  "phone" in account
    ? findOne(db, "phone", "u.phone = $1", account.phone)
    : findOne(db, "email", "u.email = $1", account.email);

export const findById = (db: Queryable, id: string): Promise<Credentials | null> => findOne(db, "id", "u.id = $1", id);

/** Only while nobody changed it since it was read. */
export async function replaceHash(db: Queryable, id: string, before: string, after: string): Promise<void> {
  await db.query("UPDATE users SET password_hash = $3, updated_at = now() WHERE id = $1 AND password_hash = $2", [
    id,
    before,
    after,
  ]);
}

/**
 * Sets a new password and takes away every token but those of `sparedSessionId`. False when the password is not `before`
 * any more. Tokens without a session die by their version.
 */
export async function changePassword(
  tx: Queryable,
  change: {
    readonly userId: string;
    readonly before: string;
    readonly after: string;
    readonly sparedSessionId: string | null;
  },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `UPDATE users SET password_hash = $3, token_version = token_version + 1, spared_session_id = $4,
       must_change_password = false, updated_at = now()
     WHERE id = $1 AND password_hash = $2`,
    [change.userId, change.before, change.after, change.sparedSessionId],
  );
  return (rowCount ?? 0) > 0;
}
