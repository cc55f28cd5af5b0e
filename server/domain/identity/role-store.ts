import type { Role } from "#server/contracts/console.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { ADMIN_ROLE, isPermission, PERMISSIONS, type Permission } from "#server/contracts/permissions.ts";
import type { Queryable } from "#server/platform/db.ts";

interface HeldRow {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: string;
  readonly title: string;
  readonly permissions: readonly string[];
  readonly must_change_password: boolean;
}

/** What an active operator holds now. */
export interface Holdings {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: string;
  /** The role's title, for people. */
  readonly title: string;
  readonly permissions: ReadonlySet<Permission>;
  /** Still with the password they were invited with. */
  readonly mustChangePassword: boolean;
}

/** A name that the code no longer knows gives nothing. */
const permissionsOfRow = (role: string, stored: readonly string[]): readonly Permission[] =>
  role === ADMIN_ROLE ? PERMISSIONS : stored.filter(isPermission);

/** Null when there is no such operator, or they may not sign in any more. */
export async function readHoldings(db: Queryable, operatorId: string): Promise<Holdings | null> {
  const { rows } = await db.query<HeldRow>({
    name: "role-holdings",
    text: `SELECT u.id, u.first_name || ' ' || u.last_name AS name, u.email, u.role, r.title, r.permissions, u.must_change_password
           FROM users u JOIN roles r ON r.name = u.role
           WHERE u.id = $1 AND u.user_type = 'operator' AND u.is_active AND u.deleted_at IS NULL`,
    values: [operatorId],
  });
  const [row] = rows;
  if (row === undefined) return null;
  const { id, name, email, role, title, must_change_password: mustChangePassword } = row;
  const permissions = new Set(permissionsOfRow(role, row.permissions));
  return { id, name, email, role, title, permissions, mustChangePassword };
}

/**
 * What the actor of a change holds, read inside its transaction. All changes of roles and people stand in one line, so
 * that what two of them decide by (who is an admin, what a role gives) is never out of date. UNAUTHENTICATED when closed.
 */
export async function lockHoldings(tx: Queryable, actorId: string): Promise<Holdings> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('smartline-access'))");
  const held = await readHoldings(tx, actorId);
  if (held === null) throw new DomainError("UNAUTHENTICATED", "This account may not sign in any more.");
  return held;
}

interface RoleRow {
  readonly name: string;
  readonly title: string;
  readonly permissions: readonly string[];
  readonly is_system: boolean;
  readonly version: number;
  readonly operators: number;
  readonly updated_at: Date;
}

const ROLE = `SELECT r.name, r.title, r.permissions, r.is_system, r.version, r.updated_at,
  (SELECT count(*)::int FROM users u WHERE u.role = r.name) AS operators FROM roles r`;

const toRole = (row: RoleRow): Role => ({
  name: row.name,
  title: row.title,
  permissions: permissionsOfRow(row.name, row.permissions),
  system: row.is_system,
  version: row.version,
  operators: row.operators,
  updatedAt: row.updated_at.toISOString(),
});

/** The system's roles first, as they were seeded. */
export async function listRoles(db: Queryable): Promise<Role[]> {
  const { rows } = await db.query<RoleRow>(`${ROLE} ORDER BY r.is_system DESC, r.name <> $1, r.name`, [ADMIN_ROLE]);
  return rows.map(toRole);
}

/** Locks the role until the transaction ends. */
export async function lockRole(tx: Queryable, name: string): Promise<Role | null> {
  const { rows } = await tx.query<RoleRow>(`${ROLE} WHERE r.name = $1 FOR UPDATE OF r`, [name]);
  return rows[0] === undefined ? null : toRole(rows[0]);
}

export async function insertRole(
  tx: Queryable,
  role: { readonly name: string; readonly title: string; readonly permissions: readonly Permission[] },
): Promise<void> {
  await tx.query("INSERT INTO roles (name, title, permissions) VALUES ($1, $2, $3)", [
    role.name,
    role.title,
    role.permissions,
  ]);
}

export async function updateRole(
  tx: Queryable,
  role: { readonly name: string; readonly title: string; readonly permissions: readonly Permission[] },
): Promise<void> {
  await tx.query(
    "UPDATE roles SET title = $2, permissions = $3, version = version + 1, updated_at = now() WHERE name = $1",
    [role.name, role.title, role.permissions],
  );
}

export async function deleteRole(tx: Queryable, name: string): Promise<void> {
  await tx.query("DELETE FROM roles WHERE name = $1", [name]);
}
