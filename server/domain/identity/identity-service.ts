import { DomainError } from "#server/contracts/errors.ts";
import type { AccessDirectory } from "#server/domain/identity/access-directory.ts";
import type { OneTimeCodes } from "#server/domain/identity/one-time-codes.ts";
import { assertGoodPassword, type PasswordHashing } from "#server/domain/identity/passwords.ts";
import type { RegistrationService } from "#server/domain/identity/registration-service.ts";
import type { RevocationList } from "#server/domain/identity/revocation-list.ts";
import type { SecondFactor } from "#server/domain/identity/second-factor.ts";
import type { SessionService, SignedIn } from "#server/domain/identity/session-service.ts";
import { endSessions, type Origin, touchConsoleSession } from "#server/domain/identity/session-store.ts";
import type { SignInGuard } from "#server/domain/identity/sign-in-guard.ts";
import type { Actor, Grant } from "#server/domain/identity/tokens.ts";
import {
  type Account,
  changePassword,
  findByAccount,
  findById,
  type Person,
  replaceHash,
} from "#server/domain/identity/user-store.ts";
import { type Activity, logActivity } from "#server/domain/ops/activity-log.ts";
import { revokeKeysOf } from "#server/domain/signing/signing-store.ts";
import type { Database } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";

/** Where a sign-in comes from, and under which request it is told of. */
export interface SignInRequest extends Origin {
  readonly requestId: string;
}

export interface Proofs {
  readonly password: string;
  /** A code of the authenticator app, or a recovery code. */
  readonly totp?: string | undefined;
  readonly captchaToken?: string | undefined;
}

export interface Operator {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
}

const CONSOLE_SESSION_SECONDS = 8 * 3600;

const wrong = () => new DomainError("UNAUTHENTICATED", "The account or the password is wrong.");

const normal = (account: Account): Account =>
  "phone" in account ? account : { email: account.email.trim().toLowerCase() };

/** Who people are: every way to sign in, and what they do with their own account. */
export class IdentityService {
  readonly #db: Database;
  readonly #logger: Logger;
  readonly #passwords: PasswordHashing;
  readonly #guard: SignInGuard;
  readonly #revocations: RevocationList;
  readonly #access: Pick<AccessDirectory, "changed">;
  readonly sessions: SessionService;
  readonly codes: OneTimeCodes;
  readonly registrations: RegistrationService;
  readonly secondFactor: SecondFactor;

  constructor(options: {
    db: Database;
    logger: Logger;
    passwords: PasswordHashing;
    guard: SignInGuard;
    revocations: RevocationList;
    access: Pick<AccessDirectory, "changed">;
    sessions: SessionService;
    codes: OneTimeCodes;
    registrations: RegistrationService;
    secondFactor: SecondFactor;
  }) {
    this.#db = options.db;
    this.#logger = options.logger;
    this.#passwords = options.passwords;
    this.#guard = options.guard;
    this.#revocations = options.revocations;
    this.#access = options.access;
    this.sessions = options.sessions;
    this.codes = options.codes;
    this.registrations = options.registrations;
    this.secondFactor = options.secondFactor;
  }

  /**
   * UNAUTHENTICATED, after the same work and in the same words, for an unknown account, a wrong password and a locked
   * account. SECOND_FACTOR_REQUIRED and CAPTCHA_REQUIRED say what is missing.
   */
  async login(account: Account, proofs: Proofs, request: SignInRequest): Promise<SignedIn> {
    const person = await this.#check(normal(account), proofs, request);
    const signedIn = await this.sessions.open(person, request);
    await this.#tellOfOperator(person, "operator.sign_in", "signed in to the API", request);
    return signedIn;
  }

  /** For the console's sign-in: errors as `login`; an account that is no operator's is wrong too. */
  async signInOperator(
    email: string,
    proofs: Proofs,
    request: SignInRequest,
  ): Promise<Operator & { readonly sessionId: string }> {
    const person = await this.#check(normal({ email }), proofs, request);
    if (person.role === null) throw wrong();
    const sessionId = await this.sessions.openConsole(person, request, CONSOLE_SESSION_SECONDS);
    await this.#tellOfOperator(person, "operator.sign_in", "signed in to the console", request);
    return { ...operatorOf({ ...person, role: person.role }), sessionId };
  }

  /** Customers and drivers only: operators have their password and second factor. */
  async loginByCode(phone: string, code: string, request: SignInRequest): Promise<SignedIn> {
    const right = await this.codes.consume("sign_in", phone, code);
    const found = await findByAccount(this.#db.pool, { phone });
    if (!right || found === null || found.person.type === "operator")
      throw new DomainError("UNAUTHENTICATED", "The code is wrong or has expired.");
    return this.sessions.open(found.person, request);
  }

  async finishRegistration(id: string, code: string, request: SignInRequest): Promise<SignedIn> {
    return this.sessions.open(await this.registrations.finish(id, code), request);
  }

  /**
   * A new password; every other session and token of the person and all their signing keys end at once. Returns a fresh
   * access token for this session, and how many sessions ended. VALIDATION_FAILED names the field.
   */
  async changePassword(
    actor: Actor,
    change: { readonly oldPassword: string; readonly newPassword: string },
    request: SignInRequest,
  ): Promise<{ readonly accessToken: string; readonly sessionsEnded: number }> {
    const found = await findById(this.#db.pool, actor.id);
    const right = await this.#passwords.verify(change.oldPassword, found?.passwordHash ?? null);
    if (found === null || found.passwordHash === null || !right)
      throw new DomainError("VALIDATION_FAILED", "The old password is wrong. Nothing was changed.", {
        fields: [{ path: "oldPassword", message: "not your password" }],
      });
    // It may have been somebody else's choice, and be known to them.
    if (change.newPassword === change.oldPassword)
      throw new DomainError("VALIDATION_FAILED", "The new password is the old one. Nothing was changed.", {
        fields: [{ path: "newPassword", message: "take another one" }],
      });
    const { person, passwordHash: before } = found;
    assertGoodPassword(
      change.newPassword,
      [person.name, person.email, person.phone, change.oldPassword],
      "newPassword",
    );
    const after = await this.#passwords.hash(change.newPassword);
    const sparedSessionId = actor.sessionId ?? null;
    const sessionsEnded = await this.#db.transaction(async (tx) => {
      // Before the sessions: one that opens meanwhile waits for this row, and then finds another token version.
      if (!(await changePassword(tx, { userId: person.id, before, after, sparedSessionId })))
        throw new DomainError("VERSION_CONFLICT", "The password was changed by somebody else at this moment.");
      await revokeKeysOf(tx, person.id);
      if (person.type === "operator")
        await logActivity(tx, activityOf(person, "operator.password", "changed their password", request));
      return endSessions(tx, person.id, sparedSessionId, "password changed");
    });
    this.#revocations.announce();
    if (person.type === "operator") this.#access.changed();
    const renewed = { ...person, tokenVersion: person.tokenVersion + 1 };
    return { accessToken: await this.sessions.accessToken(renewed, sparedSessionId), sessionsEnded };
  }

  /** Ends one of one's own sessions; an operator's with its row in the audit log. False when there is none. */
  async endSession(
    actor: Actor,
    sessionId: string,
    what: "operator.sign_out" | "operator.session_ended",
    request: Pick<SignInRequest, "ip" | "requestId">,
  ): Promise<boolean> {
    const why = what === "operator.sign_out" ? "signed out" : "ended by its owner";
    return this.sessions.end(actor.id, sessionId, why, async (tx) => {
      if (actor.type === "operator") await logActivity(tx, activityOf(actor, what, why, request));
    });
  }

  /** For what needs the password once more. VALIDATION_FAILED. */
  async assertPassword(actor: Actor, password: string): Promise<void> {
    const found = await findById(this.#db.pool, actor.id);
    if (await this.#passwords.verify(password, found?.passwordHash ?? null)) return;
    throw new DomainError("VALIDATION_FAILED", "The password is wrong. Nothing was changed.", {
      fields: [{ path: "password", message: "not your password" }],
    });
  }

  /** The operator of a live console session; null when the session or the account has ended. */
  async consoleGrant(userId: string, sessionId: string): Promise<Grant | null> {
    if (!(await touchConsoleSession(this.#db.pool, userId, sessionId))) return null;
    const found = await findById(this.#db.pool, userId);
    if (found === null || found.person.role === null) return null;
    const { id, role, name, tokenVersion } = found.person;
    const grant: Grant = { actor: { type: "operator", id, role, name, sessionId }, tokenVersion };
    return this.#revocations.refusal(grant) === null ? grant : null;
  }

  /** The operator behind an id, if they still may sign in. */
  async findOperator(id: string): Promise<Operator | null> {
    const found = await findById(this.#db.pool, id);
    if (found === null || found.person.role === null) return null;
    return operatorOf({ ...found.person, role: found.person.role });
  }

  async #check(account: Account, proofs: Proofs, request: SignInRequest): Promise<Person> {
    const key = this.#guard.keyOf(account);
    const captchaToken = proofs.captchaToken ?? null;
    const admission = await this.#guard.admit(key, { captchaToken, ip: request.ip });
    const found = await findByAccount(this.#db.pool, account);
    // Also for nobody and for the locked: what is told by the time taken must not differ.
    const right = await this.#passwords.verify(proofs.password, found?.passwordHash ?? null);
    if (admission.kind === "locked" || found === null || !right) {
      const locks = admission.kind === "look" && admission.lastTry;
      // Not waited for: an account that is told of in the audit log would answer later.
      void this.#tellOfFailure(found?.person ?? null, key, { locked: admission.kind === "locked", locks }, request);
      throw wrong();
    }
    const { person, passwordHash } = found;
    if (person.type === "operator") await this.#checkSecondFactor(person, proofs.totp, request);
    await this.#guard.forget(key);
    if (passwordHash !== null && this.#passwords.needsRehash(passwordHash))
      await replaceHash(this.#db.pool, person.id, passwordHash, await this.#passwords.hash(proofs.password));
    return person;
  }

  /** A wrong code stays counted as a failed sign-in, and so does a missing one until the right one comes. */
  async #checkSecondFactor(person: Person, code: string | undefined, request: SignInRequest): Promise<void> {
    if (!(await this.secondFactor.isOn(person.id))) return;
    if (code === undefined || code.trim() === "")
      throw new DomainError("SECOND_FACTOR_REQUIRED", "Send the code of your authenticator app too, as totp.");
    if (await this.secondFactor.take(person.id, code)) return;
    await this.#tellOfOperator(person, "operator.sign_in_failed", "wrong second factor", request);
    throw new DomainError("SECOND_FACTOR_REQUIRED", "The code is wrong, or was used already. Wait for the next one.");
  }

  async #tellOfFailure(
    person: Person | null,
    key: string,
    { locked, locks }: { locked: boolean; locks: boolean },
    request: SignInRequest,
  ): Promise<void> {
    const who = { userId: person?.id ?? null, account: key.slice(0, 12), ip: request.ip, requestId: request.requestId };
    if (locks) this.#logger.warn({ security: "account.locked", ...who }, "ten failed sign-ins: the account is locked");
    else this.#logger.info({ security: "sign_in.failed", locked, ...who }, "sign-in failed");
    if (person === null) return;
    if (locks) await this.#tell(person, "account.locked", "ten failed sign-ins", request);
    else
      await this.#tellOfOperator(
        person,
        "operator.sign_in_failed",
        locked ? "account is locked" : "wrong password",
        request,
      );
  }

  async #tellOfOperator(person: Person, action: string, reason: string, request: SignInRequest): Promise<void> {
    if (person.type === "operator") await this.#tell(person, action, reason, request);
  }

  /** A row of the audit log; one that cannot be written goes to the process's log and stops nobody from signing in. */
  async #tell(person: Person, action: string, reason: string, request: SignInRequest): Promise<void> {
    const activity = activityOf(person, action, reason, request);
    await logActivity(this.#db.pool, activity).catch((error: unknown) => {
      const { requestId } = request;
      this.#logger.error({ err: error, action, userId: person.id, requestId }, "not in the audit log");
    });
  }
}

/** What a person did with their own account. */
const activityOf = (
  { id, name }: Pick<Person, "id" | "name">,
  action: string,
  reason: string,
  { ip, requestId }: Pick<SignInRequest, "ip" | "requestId">,
): Activity => ({ actor: { id, name }, action, subject: { type: "user", id }, reason, ip, requestId });

const operatorOf = (person: { id: string; name: string; email: string | null; role: string }): Operator => ({
  id: person.id,
  name: person.name,
  email: person.email ?? "",
  roles: [person.role],
});
