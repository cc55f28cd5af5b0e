import { DomainError } from "#server/contracts/errors.ts";
import type { Actor, TokenSubject, Tokens } from "#server/domain/identity/tokens.ts";
import { verifyPassword } from "#server/platform/crypto.ts";
import type { Database } from "#server/platform/db.ts";

export interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly user: {
    readonly id: string;
    readonly type: Actor["type"];
    readonly name: string;
    readonly email: string | null;
    readonly phone: string | null;
  };
}

export interface Operator {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
}

interface Person extends TokenSubject {
  readonly email: string | null;
  readonly phone: string | null;
}

export class IdentityService {
  readonly #db: Database;
  readonly #tokens: Tokens;

  constructor(options: { db: Database; tokens: Tokens }) {
    this.#db = options.db;
    this.#tokens = options.tokens;
  }

  /** UNAUTHENTICATED, in the same time and words, for an unknown account and for a wrong password. */
  async login(account: { readonly phone: string } | { readonly email: string }, password: string): Promise<SignedIn> {
    const person = await this.#check(account, password);
    const [accessToken, refreshToken] = await Promise.all([
      this.#tokens.issue(person),
      this.#tokens.issue(person, "refresh"),
    ]);
    const { id, type, name, email, phone } = person;
    return {
      accessToken,
      refreshToken,
      expiresIn: this.#tokens.accessTokenSeconds,
      user: { id, type, name, email, phone },
    };
  }

  /** For the console's sign-in: null when the account, the password or the kind of account is wrong. */
  async signInOperator(credentials: { readonly email: string; readonly password: string }): Promise<Operator | null> {
    try {
      const person = await this.#check({ email: credentials.email }, credentials.password);
      return person.role === null ? null : operatorOf({ ...person, role: person.role });
    } catch (error) {
      if (error instanceof DomainError && error.code === "UNAUTHENTICATED") return null;
      throw error;
    }
  }

  /** The operator behind a console session, if they still may sign in. */
  async findOperator(id: string): Promise<Operator | null> {
    const user = await this.#db.prisma.user.findFirst({
      where: { id, userType: "operator", isActive: true, deletedAt: null },
    });
    if (user?.role == null) return null;
    return operatorOf({ id: user.id, name: `${user.firstName} ${user.lastName}`, email: user.email, role: user.role });
  }

  async #check(account: { readonly phone: string } | { readonly email: string }, password: string): Promise<Person> {
    const where = "phone" in account ? { phone: account.phone } : { email: account.email.trim().toLowerCase() };
    const user = await this.#db.prisma.user.findFirst({ where: { ...where, isActive: true, deletedAt: null } });
    const right = await verifyPassword(password, user?.passwordHash ?? null);
    if (user === null || !right) throw new DomainError("UNAUTHENTICATED", "The account or the password is wrong.");
    return {
      id: user.id,
      type: user.userType as Actor["type"],
      role: user.role,
      name: `${user.firstName} ${user.lastName}`,
      tokenVersion: user.tokenVersion,
      email: user.email,
      phone: user.phone,
    };
  }
}

const operatorOf = (person: { id: string; name: string; email: string | null; role: string }): Operator => ({
  id: person.id,
  name: person.name,
  email: person.email ?? "",
  roles: [person.role],
});
