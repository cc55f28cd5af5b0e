import { randomBytes } from "node:crypto";
import { DomainError } from "#server/contracts/errors.ts";
import { idSchema, newId } from "#server/contracts/ids.ts";
import { isFreshSession } from "#server/domain/identity/session-store.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import type { Cipher } from "#server/platform/cipher.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import { isSignedWith, isTimely, NONCE, type SignedRequest, TOLERANCE_SECONDS } from "./request-signature.ts";
import { findLiveKey, insertKey, type KeyRow, liveKeysOf, revokeKey, takeNonce } from "./signing-store.ts";

/** A device's key as its owner sees it: never the secret. */
export interface SigningKey {
  readonly id: string;
  readonly device: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
}

export const MAX_KEYS = 10;
const FRESH_SECONDS = 900;
/** Our clock and the database's may differ: a nonce is kept longer than its timestamp is taken. */
const NONCE_MARGIN_SECONDS = 60;

const cellOf = (id: string) => ({ table: "signing_keys", column: "secret", rowId: id }) as const;
const shown = (row: KeyRow): SigningKey => ({
  id: row.id,
  device: row.device,
  createdAt: row.created_at.toISOString(),
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
});
const wrong = (detail: string) => new DomainError("INVALID_SIGNATURE", detail);

/** Keys of devices, and the requests that are signed with them. */
export class SigningService {
  readonly #db: Database;
  readonly #cipher: Cipher;
  readonly #clock: Clock;

  constructor(options: { db: Database; cipher: Cipher; clock: Clock }) {
    this.#db = options.db;
    this.#cipher = options.cipher;
    this.#clock = options.clock;
  }

  /**
   * A new key with its secret, which is told this once. A key outlives the access token it was asked with, so a stolen
   * token must not get one: FORBIDDEN unless the sign-in is at most `FRESH_SECONDS` old. VALIDATION_FAILED beyond
   * `MAX_KEYS` live ones.
   */
  async issue(
    { id: userId, sessionId }: Pick<Actor, "id" | "sessionId">,
    device: string,
  ): Promise<SigningKey & { readonly secret: string }> {
    if (sessionId === undefined || !(await isFreshSession(this.#db.pool, userId, sessionId, FRESH_SECONDS)))
      throw new DomainError(
        "FORBIDDEN",
        `A signing key is given only within ${FRESH_SECONDS / 60} minutes of signing in. Sign in again and ask for it then.`,
      );
    const id = newId();
    const secret = randomBytes(32).toString("base64url");
    const sealed = this.#cipher.encrypt(secret, cellOf(id));
    const row = await insertKey(this.#db.pool, { id, user_id: userId, device, secret: sealed }, MAX_KEYS);
    if (row === null)
      throw new DomainError("VALIDATION_FAILED", `${MAX_KEYS} devices have keys already. Revoke one first.`);
    return { ...shown(row), secret };
  }

  async list(userId: string): Promise<SigningKey[]> {
    return (await liveKeysOf(this.#db.pool, userId)).map(shown);
  }

  /** NOT_FOUND for a key that is another's, or revoked. */
  async revoke(userId: string, id: string): Promise<void> {
    if (!(await revokeKey(this.#db.pool, id, userId))) throw new DomainError("NOT_FOUND", "There is no such key.");
  }

  /**
   * Takes a signed request once. `userId`: who asks, null where nobody needs to be signed in.
   * INVALID_SIGNATURE, SIGNATURE_EXPIRED or SIGNATURE_REPLAYED; the nonce of a request that does not verify is not used up.
   */
  async verify(userId: string | null, request: SignedRequest): Promise<void> {
    if (!NONCE.test(request.nonce)) throw wrong("X-Signature-Nonce must be 16 to 64 characters of A-Z a-z 0-9 _ -.");
    if (!isTimely(request.timestamp, this.#clock.now()))
      throw new DomainError(
        "SIGNATURE_EXPIRED",
        `X-Signature-Timestamp must be within ${TOLERANCE_SECONDS} s of our clock, in whole seconds since 1970. It is ${Math.floor(this.#clock.now().getTime() / 1000)} here.`,
      );
    const key = idSchema.safeParse(request.keyId).success ? await findLiveKey(this.#db.pool, request.keyId) : null;
    if (key === null || (userId !== null && key.user_id !== userId))
      throw wrong("X-Signature-Key is none of your live keys.");
    if (!isSignedWith(this.#cipher.decrypt(key.secret, cellOf(key.id)), request))
      throw wrong("X-Signature does not fit this method, path, body, timestamp and nonce.");
    const expiresAt = new Date((Number(request.timestamp) + TOLERANCE_SECONDS + NONCE_MARGIN_SECONDS) * 1000);
    const taken = await takeNonce(this.#db.pool, { id: newId(), keyId: key.id, nonce: request.nonce, expiresAt });
    if (!taken)
      throw new DomainError("SIGNATURE_REPLAYED", "This X-Signature-Nonce was used before. Sign each request anew.");
  }
}
