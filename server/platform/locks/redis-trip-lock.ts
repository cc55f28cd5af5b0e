import type { Redis } from "ioredis";
import { newId } from "#server/contracts/ids.ts";
import type { Clock } from "#server/platform/clock.ts";
import {
  ageOf,
  claimOn,
  type HeldLock,
  type LockClaim,
  ownerOf,
  type TripLock,
} from "#server/platform/locks/trip-lock.ts";
import type { RedisKeys } from "#server/platform/redis-keys.ts";

const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
const RELEASE_OWNED = `local v = redis.call('GET', KEYS[1])
if v and string.sub(v, 1, string.len(ARGV[1])) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
// Also when the key expired since it was seen: nobody holds it then.
const TAKE_OVER = `local v = redis.call('GET', KEYS[1])
if v and v ~= ARGV[1] then return v end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) return false`;

type Scripted = Redis & {
  releaseTripLock(key: string, value: string): Promise<number>;
  releaseOwnedTripLock(key: string, ownerPrefix: string): Promise<number>;
  takeOverTripLock(key: string, seen: string, value: string, ttl: number): Promise<string | null>;
};

/** `SET trip:lock:{id} <driver>:<token> NX EX <ttl>`; GET in the same command (Redis 7) tells a loser who holds it. */
export class RedisTripLock implements TripLock {
  readonly backend = "redis";
  readonly #redis: Scripted;
  readonly #keys: RedisKeys;
  readonly #clock: Clock;
  readonly #ttlSeconds: number;

  constructor(options: { redis: Redis; keys: RedisKeys; clock: Clock; ttlSeconds: number }) {
    options.redis.defineCommand("releaseTripLock", { numberOfKeys: 1, lua: RELEASE });
    options.redis.defineCommand("releaseOwnedTripLock", { numberOfKeys: 1, lua: RELEASE_OWNED });
    options.redis.defineCommand("takeOverTripLock", { numberOfKeys: 1, lua: TAKE_OVER });
    this.#redis = options.redis as Scripted;
    this.#keys = options.keys;
    this.#clock = options.clock;
    this.#ttlSeconds = options.ttlSeconds;
  }

  async acquire(tripId: string, driverId: string): Promise<LockClaim> {
    const value = `${driverId}:${newId()}`;
    const held = await this.#redis.set(this.#keys.tripLock(tripId), value, "EX", this.#ttlSeconds, "NX", "GET");
    return held === null ? { outcome: "acquired", value } : claimOn(held, driverId, this.#now());
  }

  async release(tripId: string, value: string): Promise<boolean> {
    return (await this.#redis.releaseTripLock(this.#keys.tripLock(tripId), value)) === 1;
  }

  async takeOver(tripId: string, seen: string, driverId: string): Promise<LockClaim> {
    const value = `${driverId}:${newId()}`;
    const held = await this.#redis.takeOverTripLock(this.#keys.tripLock(tripId), seen, value, this.#ttlSeconds);
    return held === null ? { outcome: "acquired", value } : claimOn(held, driverId, this.#now());
  }

  async releaseOwnedBy(tripId: string, driverId: string): Promise<boolean> {
    return (await this.#redis.releaseOwnedTripLock(this.#keys.tripLock(tripId), `${driverId}:`)) === 1;
  }

  async get(tripId: string): Promise<HeldLock | null> {
    const [lock] = await this.#describe([this.#keys.tripLock(tripId)]);
    return lock ?? null;
  }

  async list(limit: number): Promise<HeldLock[]> {
    const keys: string[] = [];
    let cursor = "0";
    do {
      const [next, found] = await this.#redis.scan(cursor, "MATCH", this.#keys.tripLockPattern, "COUNT", 1000);
      keys.push(...found);
      cursor = next;
    } while (cursor !== "0" && keys.length < limit);
    return this.#describe(keys.slice(0, limit));
  }

  #now(): number {
    return this.#clock.now().getTime();
  }

  async #describe(keys: readonly string[]): Promise<HeldLock[]> {
    const now = this.#now();
    const locks = await Promise.all(
      keys.map(async (key): Promise<HeldLock | null> => {
        const [value, ttl] = await Promise.all([this.#redis.get(key), this.#redis.pttl(key)]);
        if (value === null) return null;
        return {
          key,
          tripId: this.#keys.tripIdOfLock(key),
          value,
          ownerDriverId: ownerOf(value),
          ageMs: ageOf(value, now),
          ttlMs: ttl < 0 ? null : ttl,
        };
      }),
    );
    return locks.filter((lock) => lock !== null);
  }
}
