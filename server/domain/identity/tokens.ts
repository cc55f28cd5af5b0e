import { jwtVerify, SignJWT } from "jose";
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

/** Signs and reads access tokens (HS256). Verified tokens are remembered until they expire: an accept must not pay for it twice. */
export class Tokens {
  /** Imported once: jose imports bytes anew for each token. */
  readonly #key: Promise<CryptoKey>;
  readonly #options: TokenOptions;
  readonly #revocations: Revocations | null;
  readonly #known = new Map<string, Grant & { readonly expiresAt: number }>();

  constructor(options: TokenOptions, revocations: Revocations | null = null) {
    this.#options = options;
    this.#revocations = revocations;
    this.#key = crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(options.secret),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign", "verify"],
    );
  }

  async issue(subject: TokenSubject, lifeSeconds = this.#options.accessTokenSeconds): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({
      use: "access",
      typ: subject.type,
      role: subject.role ?? undefined,
      name: subject.name,
      tv: subject.tokenVersion,
      sid: subject.sessionId,
    })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer(ISSUER)
      .setSubject(subject.id)
      .setIssuedAt(now)
      .setExpirationTime(now + lifeSeconds)
      .sign(await this.#key);
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
    const grant = known !== undefined && known.expiresAt > Date.now() ? known : await this.#readAnew(token);
    const refusal = this.#revocations?.refusal(grant) ?? null;
    if (refusal !== null) throw new DomainError("UNAUTHENTICATED", refusal);
    return grant;
  }

  async #readAnew(token: string): Promise<Grant> {
    let payload: Awaited<ReturnType<typeof jwtVerify>>["payload"];
    try {
      payload = (await jwtVerify(token, await this.#key, { issuer: ISSUER, algorithms: ["HS256"] })).payload;
    } catch (cause) {
      const expired = cause instanceof Error && "code" in cause && cause.code === "ERR_JWT_EXPIRED";
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
      expiresAt: (payload.exp ?? 0) * 1000,
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
