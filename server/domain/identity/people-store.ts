import type { OperatorRow } from "#server/contracts/console.ts";
import type { Queryable } from "#server/platform/db.ts";

interface PersonRow {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: string;
  readonly role_title: string;
  readonly is_active: boolean;
  readonly created_at: Date;
}

const PERSON = `SELECT u.id, u.first_name || ' ' || u.last_name AS name, u.email, u.role, r.title AS role_title, u.is_active, u.created_at
  FROM users u JOIN roles r ON r.name = u.role WHERE u.user_type = 'operator' AND u.deleted_at IS NULL`;

const toPerson = (row: PersonRow): OperatorRow => ({
  id: row.id,
  name: row.name,
  email: row.email ?? "",
  role: row.role,
  roleTitle: row.role_title,
  active: row.is_active,
  lockedUntil: null,
  createdAt: row.created_at.toISOString(),
});

/** Until when each of these sign-in accounts is locked; those that are not are left out. */
export async function readLocks(db: Queryable, keys: readonly string[]): Promise<ReadonlyMap<string, Date>> {
  const { rows } = await db.query<{ id: string; locked_until: Date }>(
    "SELECT id, locked_until FROM sign_in_failures WHERE id = ANY($1) AND locked_until > now()",
    [keys],
  );
  return new Map(rows.map((row) => [row.id, row.locked_until]));
}

/** Forgets the failed sign-ins; false when the account was not locked. */
export async function unlock(tx: Queryable, key: string): Promise<boolean> {
  const { rowCount } = await tx.query("DELETE FROM sign_in_failures WHERE id = $1 AND locked_until > now()", [key]);
  return rowCount === 1;
}

/** A company has tens of operators, not thousands. */
const MAX_PEOPLE = 1000;

export async function listOperators(db: Queryable): Promise<OperatorRow[]> {
  const { rows } = await db.query<PersonRow>(`${PERSON} ORDER BY u.is_active DESC, name, u.id LIMIT $1`, [MAX_PEOPLE]);
  return rows.map(toPerson);
}

/** Locks the person until the transaction ends. */
export async function lockOperator(tx: Queryable, id: string): Promise<OperatorRow | null> {
  const { rows } = await tx.query<PersonRow>(`${PERSON} AND u.id = $1 FOR UPDATE OF u`, [id]);
  return rows[0] === undefined ? null : toPerson(rows[0]);
}

/** How many may sign in with this role. */
export async function countActive(tx: Queryable, role: string): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM users WHERE role = $1 AND is_active AND deleted_at IS NULL",
    [role],
  );
  return rows[0]?.count ?? 0;
}

export async function insertOperator(
  tx: Queryable,
  person: {
    readonly id: string;
    readonly firstName: string;
    readonly lastName: string;
    readonly email: string;
    readonly passwordHash: string;
    readonly role: string;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO users (id, first_name, last_name, email, password_hash, must_change_password, user_type, role)
     VALUES ($1, $2, $3, $4, $5, true, 'operator', $6)`,
    [person.id, person.firstName, person.lastName, person.email, person.passwordHash, person.role],
  );
}

export async function setRole(tx: Queryable, id: string, role: string): Promise<void> {
  await tx.query("UPDATE users SET role = $2, updated_at = now() WHERE id = $1", [id, role]);
}

/** A closed account's tokens are worth nothing any more, also when it is opened again. */
export async function setActive(tx: Queryable, id: string, active: boolean): Promise<void> {
  await tx.query(
    "UPDATE users SET is_active = $2, token_version = token_version + CASE WHEN $2 THEN 0 ELSE 1 END, updated_at = now() WHERE id = $1",
    [id, active],
  );
}
