import type { Actor } from "#server/domain/identity/tokens.ts";
import { wasOffered } from "#server/domain/trips/trip-store.ts";
import type { Database } from "#server/platform/db.ts";
import type { ExpiringSets } from "#server/platform/expiring-sets/expiring-sets.ts";
import type { RedisKeys } from "#server/platform/redis-keys.ts";

/** A driver who does not say so again has looked away by then. */
const VIEWING_MS = 5 * 60_000;

/** How many drivers have a trip's offer on their screens. */
export class OfferViewers {
  readonly #db: Database;
  readonly #sets: ExpiringSets;
  readonly #keys: RedisKeys;

  constructor(options: { db: Database; sets: ExpiringSets; keys: RedisKeys }) {
    this.#db = options.db;
    this.#sets = options.sets;
    this.#keys = options.keys;
  }

  /** The driver looks at the trip's offer: how many do now. Null for whoever was not offered it. */
  async look(actor: Actor, tripId: string): Promise<number | null> {
    if (actor.type !== "driver" || !(await wasOffered(this.#db.pool, tripId, actor.id))) return null;
    return this.#sets.add(this.#keys.viewersOf(tripId), actor.id, { ttlMs: VIEWING_MS });
  }

  count(tripId: string): Promise<number> {
    return this.#sets.count(this.#keys.viewersOf(tripId));
  }
}
