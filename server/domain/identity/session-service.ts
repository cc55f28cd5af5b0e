import { DomainError } from "#server/contracts/errors.ts";
import type { RevocationList } from "#server/domain/identity/revocation-list.ts";
import * as store from "#server/domain/identity/session-store.ts";
import type { Tokens } from "#server/domain/identity/tokens.ts";
import { findById, type Person } from "#server/domain/identity/user-store.ts";
import { revokeKeysOf } from "#server/domain/signing/signing-store.ts";
import type { Clock } from "#server/platform/clock.ts";
import { hmacHex, randomToken, sha256Hex } from "#server/platform/crypto.ts";
import type { Database, Queryable } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";

export interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly user: Pick<Person, "id" | "type" | "name" | "email" | "phone">;
}

/** The longest that an app asks again under one Idempotency-Key for an exchange whose answer it did not get. */
const RETRY_SECONDS = 60;

const gone = () => new DomainError("UNAUTHENTICATED", "The refresh token is not valid any more. Sign in again.");

type Exchange =
  | { readonly kind: "pair"; readonly successor: string; readonly sessionId: string; readonly person: Person }
  | { readonly kind: "refused" }
  | { readonly kind: "reused"; readonly sessionId: string; readonly userId: string };

/**
 * Sign-ins and their refresh tokens (docs/decisions/0008). A refresh token is random, stored as a hash and exchanged
 * once; exchanged again, the whole family ends. Its successor is derived from it and the server's secret: so the same
 * exchange, asked twice, has the same answer, and nothing in the database gives a token away.
 */
export class SessionService {
  readonly #db: Database;
  readonly #tokens: Tokens;
  readonly #revocations: RevocationList;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #secret: string;
  readonly #seconds: number;

  constructor(options: {
    db: Database;
    tokens: Tokens;
    revocations: RevocationList;
    clock: Clock;
    logger: Logger;
    secret: string;
    refreshTokenSeconds: number;
  }) {
    this.#db = options.db;
    this.#tokens = options.tokens;
    this.#revocations = options.revocations;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#secret = options.secret;
    this.#seconds = options.refreshTokenSeconds;
  }

  /** A new sign-in of an app. UNAUTHENTICATED when the person's access changed at this very moment. */
  async open(person: Person, origin: store.Origin): Promise<SignedIn> {
    const refreshToken = randomToken();
    const sessionId = await this.#db.transaction(async (tx) => {
      const id = await this.#insert(tx, person, "app", this.#seconds, origin);
      await store.insertRefreshToken(tx, id, sha256Hex(refreshToken), this.#seconds);
      return id;
    });
    return this.#pair(person, sessionId, refreshToken);
  }

  /** A new sign-in of the console. Returns the session's id. */
  async openConsole(person: Person, origin: store.Origin, seconds: number): Promise<string> {
    return this.#db.transaction((tx) => this.#insert(tx, person, "console", seconds, origin));
  }

  /**
   * Exchanges a refresh token for a new pair. Asked again for the same exchange (the requests overlapped, or carry the
   * same Idempotency-Key within a minute) it answers the same refresh token, as long as that was not exchanged itself.
   * Everything else is reuse: the family ends, and so do the person's signing keys. UNAUTHENTICATED.
   */
  async refresh(token: string, origin: store.Origin, idempotencyKey: string | null): Promise<SignedIn> {
    const arrived = this.#clock.monotonicMs();
    const key = idempotencyKey === null ? null : hmacHex(this.#secret, `refresh-key:${idempotencyKey}`);
    const result = await this.#db.transaction((tx) => this.#exchange(tx, { token, key, arrived, ip: origin.ip }));
    if (result.kind === "reused") {
      this.#revocations.announce();
      this.#logger.warn(
        { security: "refresh.reused", sessionId: result.sessionId, userId: result.userId, ip: origin.ip },
        "an exchanged refresh token came again: the session was ended",
      );
    }
    if (result.kind !== "pair") throw gone();
    return this.#pair(result.person, result.sessionId, result.successor);
  }

  async #exchange(
    tx: Queryable,
    asked: {
      readonly token: string;
      readonly key: string | null;
      readonly arrived: number;
      readonly ip: string | null;
    },
  ): Promise<Exchange> {
    const row = await store.lockRefreshToken(tx, sha256Hex(asked.token));
    if (row === null || !row.alive) return { kind: "refused" };
    const { session_id: sessionId, user_id: userId } = row;
    const found = await findById(tx, userId);
    if (found === null) return { kind: "refused" };
    const successor = Buffer.from(hmacHex(this.#secret, `refresh:${asked.token}`), "hex").toString("base64url");
    const pair: Exchange = { kind: "pair", successor, sessionId, person: found.person };
    if (row.used_seconds_ago === null) {
      await store.markRefreshTokenUsed(tx, row.id, asked.key);
      await store.insertRefreshToken(tx, sessionId, sha256Hex(successor), this.#seconds);
      await store.noteUse(tx, sessionId, asked.ip, this.#seconds);
      return pair;
    }
    const waited = (this.#clock.monotonicMs() - asked.arrived) / 1000;
    const overlapped = row.used_seconds_ago < waited;
    const retried = asked.key !== null && asked.key === row.used_key && row.used_seconds_ago < RETRY_SECONDS;
    if ((overlapped || retried) && (await store.isUnusedRefreshToken(tx, sha256Hex(successor)))) return pair;
    await store.endSession(tx, userId, sessionId, "refresh token reused");
    await revokeKeysOf(tx, userId);
    return { kind: "reused", sessionId, userId };
  }

  list(userId: string): Promise<store.SessionRow[]> {
    return store.listSessions(this.#db.pool, userId);
  }

  /** False when it is not this person's, or has ended already. `record` runs in the transaction that ends it. */
  async end(
    userId: string,
    sessionId: string,
    why: string,
    record: (tx: Queryable) => Promise<void> = async () => undefined,
  ): Promise<boolean> {
    const ended = await this.#db.transaction(async (tx) => {
      if (!(await store.endSession(tx, userId, sessionId, why))) return false;
      await record(tx);
      return true;
    });
    if (ended) this.#revocations.announce();
    return ended;
  }

  /** A token for a session that goes on under a new token version. */
  async accessToken(person: Person, sessionId: string | null): Promise<string> {
    return this.#tokens.issue({ ...person, ...(sessionId === null ? {} : { sessionId }) });
  }

  async #insert(
    tx: Queryable,
    person: Person,
    kind: store.SessionKind,
    seconds: number,
    origin: store.Origin,
  ): Promise<string> {
    const { id: userId, tokenVersion } = person;
    const id = await store.insertSession(tx, { userId, tokenVersion, kind, seconds, ...origin });
    if (id === null) throw new DomainError("UNAUTHENTICATED", "The account changed at this moment. Sign in again.");
    return id;
  }

  async #pair(person: Person, sessionId: string, refreshToken: string): Promise<SignedIn> {
    const { id, type, name, email, phone } = person;
    const accessToken = await this.#tokens.issue({ ...person, sessionId });
    return {
      accessToken,
      refreshToken,
      expiresIn: this.#tokens.accessTokenSeconds,
      user: { id, type, name, email, phone },
    };
  }
}
