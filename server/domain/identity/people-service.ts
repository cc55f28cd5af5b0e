import { randomInt } from "node:crypto";
import type { OperatorRow } from "#server/contracts/console.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import { ADMIN_ROLE } from "#server/contracts/permissions.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import type { AccessDirectory } from "#server/domain/identity/access-directory.ts";
import * as store from "#server/domain/identity/people-store.ts";
import { assertHoldsAll } from "#server/domain/identity/role-rules.ts";
import { type Holdings, lockHoldings, lockRole } from "#server/domain/identity/role-store.ts";
import type { SignInGuard } from "#server/domain/identity/sign-in-guard.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { revokeKeysOf } from "#server/domain/signing/signing-store.ts";
import { hashPassword } from "#server/platform/crypto.ts";
import { type Database, type Queryable, sqlStateOf } from "#server/platform/db.ts";

export interface Invitation {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly role: string;
}

const TAKEN = "23505";
const nothingChanged = "Nothing was changed.";
/** Without letters and digits that are mistaken for one another when read out. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/** 20 characters of 55: 115 bits. */
function oneTimePassword(): string {
  const letters = Array.from({ length: 20 }, () => ALPHABET.charAt(randomInt(ALPHABET.length)));
  return letters.join("").replaceAll(/(.{5})(?=.)/g, "$1-");
}

const shown = ({ role, active }: OperatorRow) => ({ role, active });

/** The people who work in the console. Each change is in the audit log, in its own transaction. */
export class PeopleService {
  readonly #db: Database;
  readonly #access: AccessDirectory;
  readonly #guard: Pick<SignInGuard, "keyOf">;

  constructor(options: { db: Database; access: AccessDirectory; guard: Pick<SignInGuard, "keyOf"> }) {
    this.#db = options.db;
    this.#access = options.access;
    this.#guard = options.guard;
  }

  async list(): Promise<OperatorRow[]> {
    const people = await store.listOperators(this.#db.pool);
    const keys = people.map(({ email }) => this.#guard.keyOf({ email }));
    const locks = await store.readLocks(this.#db.pool, keys);
    return people.map((person, n) => ({ ...person, lockedUntil: locks.get(keys[n] ?? "")?.toISOString() ?? null }));
  }

  /** Lets a person who was locked out by wrong passwords try again. VERSION_CONFLICT when they are not. */
  async unlock(actorId: string, id: string, record: Recorder, claim: OpenClaim | null = null): Promise<void> {
    await this.#change(actorId, claim, async (tx, held) => {
      const person = await this.#lockOther(tx, held, id);
      if (!(await store.unlock(tx, this.#guard.keyOf({ email: person.email }))))
        throw new DomainError("VERSION_CONFLICT", `${person.name} is not locked out. ${nothingChanged}`);
      await record(tx, { type: "operator", id }, { before: { locked: true }, after: { locked: false } });
    });
  }

  /**
   * Makes an account. The password is answered this once and kept as a hash only; it opens nothing until it is changed.
   * FORBIDDEN when the role gives what the actor lacks; INVALID_TRANSITION when the address is taken.
   */
  async invite(actorId: string, input: Invitation, record: Recorder): Promise<{ id: string; password: string }> {
    const password = oneTimePassword();
    const person = { ...input, email: input.email.trim().toLowerCase(), id: newId() };
    const passwordHash = await hashPassword(password);
    await this.#change(actorId, null, async (tx, held) => {
      await this.#assertMayGive(tx, held, input.role);
      await store.insertOperator(tx, { ...person, passwordHash }).catch((error: unknown) => {
        if (sqlStateOf(error) !== TAKEN) throw error;
        throw new DomainError("INVALID_TRANSITION", `${person.email} has an account already. ${nothingChanged}`);
      });
      const { firstName, lastName, email, role } = person;
      await record(
        tx,
        { type: "operator", id: person.id },
        { after: { name: `${firstName} ${lastName}`, email, role } },
      );
    });
    return { id: person.id, password };
  }

  /** `expectedRole`: what the actor saw; VERSION_CONFLICT when it is another by now. */
  async setRole(
    actorId: string,
    change: { readonly id: string; readonly role: string; readonly expectedRole: string },
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<OperatorRow> {
    return this.#change(actorId, claim, async (tx, held) => {
      const before = await this.#lockOther(tx, held, change.id);
      if (before.role !== change.expectedRole)
        throw new DomainError("VERSION_CONFLICT", `${before.name} is ${before.roleTitle} by now. ${nothingChanged}`);
      await this.#assertMayGive(tx, held, change.role);
      await store.setRole(tx, change.id, change.role);
      return this.#recorded(tx, before, record);
    });
  }

  /** VERSION_CONFLICT when the account is open, or closed, already. */
  async setActive(
    actorId: string,
    change: { readonly id: string; readonly active: boolean },
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<OperatorRow> {
    return this.#change(actorId, claim, async (tx, held) => {
      const before = await this.#lockOther(tx, held, change.id);
      if (before.active === change.active)
        throw new DomainError(
          "VERSION_CONFLICT",
          `${before.name}'s account is ${change.active ? "open" : "closed"} already. ${nothingChanged}`,
        );
      await store.setActive(tx, change.id, change.active);
      if (!change.active) await revokeKeysOf(tx, change.id);
      return this.#recorded(tx, before, record);
    });
  }

  async #change<T>(
    actorId: string,
    claim: OpenClaim | null,
    work: (tx: Queryable, held: Holdings) => Promise<T>,
  ): Promise<T> {
    const result = await this.#db.transaction(async (tx) => {
      const done = await work(tx, await lockHoldings(tx, actorId));
      await remember(tx, claim, done);
      return done;
    });
    this.#access.changed();
    return result;
  }

  /** Whom the actor may change: not themselves, and nobody who may do what they may not. */
  async #lockOther(tx: Queryable, held: Holdings, id: string): Promise<OperatorRow> {
    const person = await store.lockOperator(tx, id);
    if (person === null) throw new DomainError("NOT_FOUND", `There is no such operator. ${nothingChanged}`);
    if (id === held.id)
      throw new DomainError(
        "FORBIDDEN",
        `Nobody changes their own role or account; ask a colleague. ${nothingChanged}`,
      );
    const role = await lockRole(tx, person.role);
    assertHoldsAll(held.permissions, role?.permissions ?? [], "manage somebody who holds");
    return person;
  }

  async #assertMayGive(tx: Queryable, held: Holdings, name: string): Promise<void> {
    const role = await lockRole(tx, name);
    if (role === null) throw new DomainError("NOT_FOUND", `There is no role ${name}. ${nothingChanged}`);
    assertHoldsAll(held.permissions, role.permissions, "give or take away");
  }

  /** The one who acts is an operator too, yet not always an admin: without an admin nobody could give permissions again. */
  async #recorded(tx: Queryable, before: OperatorRow, record: Recorder): Promise<OperatorRow> {
    if (before.role === ADMIN_ROLE && (await store.countActive(tx, ADMIN_ROLE)) === 0)
      throw new DomainError("FORBIDDEN", `${before.name} is the last admin. ${nothingChanged}`);
    const after = await store.lockOperator(tx, before.id);
    if (after === null) throw new DomainError("NOT_FOUND", `There is no such operator. ${nothingChanged}`);
    await record(tx, { type: "operator", id: before.id }, { before: shown(before), after: shown(after) });
    return after;
  }
}
