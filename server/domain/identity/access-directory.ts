import { DomainError } from "#server/contracts/errors.ts";
import type { Permission } from "#server/contracts/permissions.ts";
import { topics } from "#server/contracts/realtime.ts";
import { type Holdings, readHoldings } from "#server/domain/identity/role-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Queryable } from "#server/platform/db.ts";
import { ShortCache } from "#server/platform/short-cache.ts";

/** Together they keep the promise that what is taken away is gone in 5 s, also when the news of it is lost. */
const MAX_AGE_MS = 2000;
const LOOK_EVERY_MS = 2000;

/**
 * What each operator may do now, whatever their token or cookie says: read from the database, remembered for 2 s, and
 * forgotten in every process when roles or operators change.
 */
export class AccessDirectory {
  readonly #bus: EventBus;
  readonly #known: ShortCache<Holdings | null>;
  readonly #watchers = new Set<() => void>();
  readonly #leave: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: { db: Queryable; bus: EventBus; clock: Clock }) {
    this.#bus = options.bus;
    this.#known = new ShortCache({
      read: (id) => readHoldings(options.db, id),
      maxAgeMs: MAX_AGE_MS,
      monotonicMs: () => options.clock.monotonicMs(),
    });
    this.#leave = options.bus.subscribe(topics.access, () => {
      this.#known.forget();
      this.#lookAll();
    });
  }

  /** Null when the operator may do nothing: they may not sign in any more, or must change their first password first. */
  async of(operatorId: string): Promise<Holdings | null> {
    const held = await this.#known.get(operatorId);
    return held?.mustChangePassword === true ? null : held;
  }

  /** Whether the operator was invited, and still has the password that somebody else has seen. */
  async mustChangePassword(operatorId: string): Promise<boolean> {
    return (await this.#known.get(operatorId))?.mustChangePassword === true;
  }

  /**
   * UNAUTHENTICATED when the account is closed; PASSWORD_CHANGE_REQUIRED; FORBIDDEN naming the permission that is missing.
   * `null`: any operator.
   */
  async assert(operatorId: string, permission: Permission | null): Promise<Holdings> {
    const held = await this.#known.get(operatorId);
    if (held === null) throw new DomainError("UNAUTHENTICATED", "This account may not sign in any more.");
    if (held.mustChangePassword)
      throw new DomainError(
        "PASSWORD_CHANGE_REQUIRED",
        "Change the password that you were given first (auth.changePassword, POST /api/v1/auth/password). Until then it opens nothing else.",
      );
    if (permission !== null && !held.permissions.has(permission))
      throw new DomainError("FORBIDDEN", `Your role (${held.title}) may not do this: it needs ${permission}.`);
    return held;
  }

  /**
   * Calls `look` after each change of roles or operators, and every 2 s besides. Returns the way out. For what stays
   * open after its permission was checked: streams and sockets.
   */
  watch(look: () => void): () => void {
    this.#watchers.add(look);
    this.#timer ??= setInterval(() => this.#lookAll(), LOOK_EVERY_MS).unref();
    return () => {
      this.#watchers.delete(look);
      if (this.#watchers.size === 0) this.#stopLooking();
    };
  }

  /** To be called after the commit of any change of roles or operators. */
  changed(): void {
    this.#known.forget();
    this.#bus.publish(topics.access, "changed", {});
  }

  close(): void {
    this.#stopLooking();
    this.#leave();
  }

  #stopLooking(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #lookAll(): void {
    for (const look of [...this.#watchers]) look();
  }
}
