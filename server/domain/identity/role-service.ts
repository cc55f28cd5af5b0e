import type { Role } from "#server/contracts/console.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { ADMIN_ROLE, type Permission } from "#server/contracts/permissions.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import type { AccessDirectory } from "#server/domain/identity/access-directory.ts";
import { assertHoldsAll, difference } from "#server/domain/identity/role-rules.ts";
import * as store from "#server/domain/identity/role-store.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { type Database, type Queryable, sqlStateOf } from "#server/platform/db.ts";

interface RoleInput {
  readonly name: string;
  readonly title: string;
  readonly permissions: readonly Permission[];
}

const TAKEN = "23505";
const nothingChanged = "Nothing was changed.";
const shown = ({ title, permissions }: Pick<Role, "title" | "permissions">) => ({ title, permissions });

/** Roles: what they are made of. Each change is in the audit log, in its own transaction. */
export class RoleService {
  readonly #db: Database;
  readonly #access: AccessDirectory;

  constructor(options: { db: Database; access: AccessDirectory }) {
    this.#db = options.db;
    this.#access = options.access;
  }

  list(): Promise<Role[]> {
    return store.listRoles(this.#db.pool);
  }

  /** FORBIDDEN for a permission that the actor lacks; INVALID_TRANSITION when the name is taken. */
  async create(actorId: string, input: RoleInput, record: Recorder, claim: OpenClaim | null = null): Promise<Role> {
    return this.#change(actorId, claim, async (tx, held) => {
      assertHoldsAll(held.permissions, input.permissions, "give or take away");
      await store.insertRole(tx, input).catch((error: unknown) => {
        if (sqlStateOf(error) !== TAKEN) throw error;
        throw new DomainError("INVALID_TRANSITION", `There is a role ${input.name} already. ${nothingChanged}`);
      });
      await record(tx, { type: "role", id: input.name }, { after: shown(input) });
      return this.#locked(tx, input.name);
    });
  }

  /** FORBIDDEN as above, for admin, and for the actor's own role; VERSION_CONFLICT when it changed since it was read. */
  async update(
    actorId: string,
    input: RoleInput & { expectedVersion: number },
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<Role> {
    return this.#change(actorId, claim, async (tx, held) => {
      const before = await this.#locked(tx, input.name, input.expectedVersion);
      if (input.name === ADMIN_ROLE)
        throw new DomainError("FORBIDDEN", `Admin holds every permission and cannot be edited. ${nothingChanged}`);
      if (input.name === held.role)
        throw new DomainError("FORBIDDEN", `Nobody changes the role they have themselves. ${nothingChanged}`);
      assertHoldsAll(held.permissions, difference(before.permissions, input.permissions), "give or take away");
      await store.updateRole(tx, input);
      await record(tx, { type: "role", id: input.name }, { before: shown(before), after: shown(input) });
      return this.#locked(tx, input.name);
    });
  }

  /** INVALID_TRANSITION for a role that somebody has, or that the platform starts with. */
  async remove(
    actorId: string,
    { name, expectedVersion }: { readonly name: string; readonly expectedVersion: number },
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<void> {
    await this.#change(actorId, claim, async (tx, held) => {
      const before = await this.#locked(tx, name, expectedVersion);
      if (before.system)
        throw new DomainError("INVALID_TRANSITION", `${before.title} belongs to the platform. ${nothingChanged}`);
      assertHoldsAll(held.permissions, before.permissions, "give or take away");
      if (before.operators > 0)
        throw new DomainError(
          "INVALID_TRANSITION",
          `${before.operators} people have this role. Give them another first. ${nothingChanged}`,
        );
      await store.deleteRole(tx, name);
      await record(tx, { type: "role", id: name }, { before: shown(before) });
    });
  }

  async #change<T>(
    actorId: string,
    claim: OpenClaim | null,
    work: (tx: Queryable, held: store.Holdings) => Promise<T>,
  ): Promise<T> {
    const result = await this.#db.transaction(async (tx) => {
      const done = await work(tx, await store.lockHoldings(tx, actorId));
      await remember(tx, claim, done);
      return done;
    });
    this.#access.changed();
    return result;
  }

  async #locked(tx: Queryable, name: string, expectedVersion: number | null = null): Promise<Role> {
    const role = await store.lockRole(tx, name);
    if (role === null) throw new DomainError("NOT_FOUND", `There is no role ${name}. ${nothingChanged}`);
    if (expectedVersion !== null && role.version !== expectedVersion)
      throw new DomainError(
        "VERSION_CONFLICT",
        `Somebody changed ${role.title} meanwhile. ${nothingChanged} Look again.`,
      );
    return role;
  }
}
