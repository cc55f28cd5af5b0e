import { createSigner, createVerifier, TokenError } from "fast-jwt";
import { DomainError } from "#server/contracts/errors.ts";

/** Who a request comes from. `sessionId` is absent from tokens that no sign-in made (load tests'). */
export type Actor = { readonly id: string; readonly sessionId?: string } & (
  | {
      readonly type: "customer" | "driver";
    } /** `role` as it was at sign-in, for the log; what they may do now is `AccessDirectory`'s to say. */
  | { readonly type: "operator"; readonly role: string; readonly name: string }
);

/** What a valid token or console session says. */
export interface Grant {
  readonly actor: Actor;
  readonly tokenVersion: number;
}

export interface TokenOptions {
  readonly secret: string;
  readonly accessTokenSeconds: number;
}

export interface TokenSubject {
  readonly id: string;
  readonly type: Actor["type"];
  readonly role: string | null;
  readonly name: string;
  readonly tokenVersion: number;
  readonly sessionId?: string;
}

/** Says why a token that has not expired is not good any more; null when it is. */
export interface Revocations {
  refusal(grant: Grant): string | null;
}

const ISSUER = "smartline-ops";

/** The header of every token of ours. Another one, with whatever it asks for, is not read any further. */
const HEADER = `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString("base64url")}.`;

/**
 * Signs and reads access tokens (HS256). Verified tokens are remembered until they expire: an accept must not pay for it
 * twice. In this thread, not by WebCrypto: its jobs wait in one pool with the hashing of passwords, and a flood of
 * sign-ins would keep out everybody whose token is new to the process.
 */
export class Tokens {
  readonly #sign: (claims: object) => string;
  readonly #verify: (token: string) => Readonly<Record<string, unknown>>;
  readonly #options: TokenOptions;
  readonly #revocations: Revocations | null;
  readonly #known = new Map<string, Grant & { readonly expiresAt: number }>();

  constructor(options: TokenOptions, revocations: Revocations | null = null) {
    this.#options = options;
    this.#revocations = revocations;
    this.#sign = createSigner({ key: options.secret, algorithm: "HS256", noTimestamp: true });
    this.#verify = createVerifier({
      key: options.secret,
      algorithms: ["HS256"],
      allowedIss: ISSUER,
      requiredClaims: ["exp", "iss", "sub"],
    });
  }

  async issue(subject: TokenSubject, lifeSeconds = this.#options.accessTokenSeconds): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return this.#sign({
      use: "access",
      typ: subject.type,
      role: subject.role ?? undefined,
      name: subject.name,
      tv: subject.tokenVersion,
      sid: subject.sessionId,
      iss: ISSUER,
      sub: subject.id,
      iat: now,
      exp: now + lifeSeconds,
    });
  }

  get accessTokenSeconds(): number {
    return this.#options.accessTokenSeconds;
  }

  /** Throws UNAUTHENTICATED, saying whether the token is expired, revoked or not ours. */
  async verify(token: string): Promise<Actor> {
    return (await this.read(token)).actor;
  }

  /** As `verify`, with what is needed to ask later whether it is still good. */
  async read(token: string): Promise<Grant> {
    const known = this.#known.get(token);
    const grant = known !== undefined && known.expiresAt > Date.now() ? known : this.#readAnew(token);
    const refusal = this.#revocations?.refusal(grant) ?? null;
    if (refusal !== null) throw new DomainError("UNAUTHENTICATED", refusal);
    return grant;
  }

  #readAnew(token: string): Grant {
    let payload: Readonly<Record<string, unknown>>;
    try {
      if (!token.startsWith(HEADER)) throw new Error("not a header of ours");
      payload = this.#verify(token);
    } catch (cause) {
      const expired = cause instanceof TokenError && cause.code === TokenError.codes.expired;
      throw new DomainError(
        "UNAUTHENTICATED",
        expired ? "The access token has expired. Sign in again or refresh it." : "The access token is not valid.",
        { cause },
      );
    }
    const actor = payload.use === "access" ? actorOf(payload) : null;
    if (actor === null) throw new DomainError("UNAUTHENTICATED", "The access token is not valid.");
    const grant = {
      actor,
      tokenVersion: typeof payload.tv === "number" ? payload.tv : 0,
      expiresAt: Number(payload.exp) * 1000,
    };
    if (this.#known.size >= 20_000) this.#known.clear();
    this.#known.set(token, grant);
    return grant;
  }
}

function actorOf(claims: Readonly<Record<string, unknown>>): Actor | null {
  const { sub, typ, role, name, sid } = claims;
  if (typeof sub !== "string") return null;
  const who = { id: sub, ...(typeof sid === "string" ? { sessionId: sid } : {}) };
  if (typ === "customer" || typ === "driver") return { ...who, type: typ };
  if (typ === "operator" && typeof role === "string")
    return { ...who, type: "operator", role, name: typeof name === "string" ? name : "" };
  return null;
}
