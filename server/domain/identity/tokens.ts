import { jwtVerify, SignJWT } from "jose";
import { DomainError } from "#server/contracts/errors.ts";

/** Who a request comes from. */
export type Actor =
  | { readonly type: "customer" | "driver"; readonly id: string }
  /** `role` as it was at sign-in, for the log; what they may do now is `AccessDirectory`'s to say. */
  | { readonly type: "operator"; readonly id: string; readonly role: string; readonly name: string };

export interface TokenOptions {
  readonly secret: string;
  readonly accessTokenSeconds: number;
  readonly refreshTokenSeconds: number;
}

export interface TokenSubject {
  readonly id: string;
  readonly type: Actor["type"];
  readonly role: string | null;
  readonly name: string;
  readonly tokenVersion: number;
}

const ISSUER = "smartline-ops";

/** Signs and reads access tokens (HS256). Verified tokens are remembered until they expire: an accept must not pay for it twice. */
export class Tokens {
  /** Imported once: jose imports bytes anew for each token. */
  readonly #key: Promise<CryptoKey>;
  readonly #options: TokenOptions;
  readonly #known = new Map<string, { readonly actor: Actor; readonly expiresAt: number }>();

  constructor(options: TokenOptions) {
    this.#options = options;
    this.#key = crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(options.secret),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign", "verify"],
    );
  }

  async issue(subject: TokenSubject, use: "access" | "refresh" = "access", lifeSeconds?: number): Promise<string> {
    const seconds =
      lifeSeconds ?? (use === "access" ? this.#options.accessTokenSeconds : this.#options.refreshTokenSeconds);
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({
      use,
      typ: subject.type,
      role: subject.role ?? undefined,
      name: subject.name,
      tv: subject.tokenVersion,
    })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer(ISSUER)
      .setSubject(subject.id)
      .setIssuedAt(now)
      .setExpirationTime(now + seconds)
      .sign(await this.#key);
  }

  get accessTokenSeconds(): number {
    return this.#options.accessTokenSeconds;
  }

  /** Throws UNAUTHENTICATED, saying whether the token is expired or not ours. */
  async verify(token: string): Promise<Actor> {
    const known = this.#known.get(token);
    if (known !== undefined && known.expiresAt > Date.now()) return known.actor;
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
    this.#remember(token, actor, (payload.exp ?? 0) * 1000);
    return actor;
  }

  #remember(token: string, actor: Actor, expiresAt: number): void {
    if (this.#known.size >= 20_000) this.#known.clear();
    this.#known.set(token, { actor, expiresAt });
  }
}

function actorOf(claims: Readonly<Record<string, unknown>>): Actor | null {
  const { sub, typ, role, name } = claims;
  if (typeof sub !== "string") return null;
  if (typ === "customer" || typ === "driver") return { type: typ, id: sub };
  if (typ === "operator" && typeof role === "string")
    return { type: "operator", id: sub, role, name: typeof name === "string" ? name : "" };
  return null;
}
