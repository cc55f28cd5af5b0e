import { Command, type Redis } from "ioredis";
import type { Clock } from "#server/platform/clock.ts";
import {
  ageOf,
  claimOn,
  type HeldLock,
  type LockClaim,
  newLockValue,
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

/** For a list: the connection's own time-out is for a command that an accept waits for. */
const LIST_TIMEOUT_MS = 3000;
/** What PTTL says of a key that is not there; -1 is one that never expires. */
const NO_KEY = -2;
/** Keys read by one MGET: Redis serves nobody else meanwhile. */
const LIST_CHUNK = 500;

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

  async acquire(tripId: string, driverId: string, value = newLockValue(driverId)): Promise<LockClaim> {
    const held = await this.#redis.set(this.#keys.tripLock(tripId), value, "EX", this.#ttlSeconds, "NX", "GET");
    return held === null ? { outcome: "acquired", value } : claimOn(held, driverId, this.#now());
  }

  async release(tripId: string, value: string): Promise<boolean> {
    return (await this.#redis.releaseTripLock(this.#keys.tripLock(tripId), value)) === 1;
  }

  async takeOver(tripId: string, seen: string, driverId: string, value = newLockValue(driverId)): Promise<LockClaim> {
    const held = await this.#redis.takeOverTripLock(this.#keys.tripLock(tripId), seen, value, this.#ttlSeconds);
    return held === null ? { outcome: "acquired", value } : claimOn(held, driverId, this.#now());
  }

  async releaseOwnedBy(tripId: string, driverId: string): Promise<boolean> {
    return (await this.#redis.releaseOwnedTripLock(this.#keys.tripLock(tripId), `${driverId}:`)) === 1;
  }

  async get(tripId: string): Promise<HeldLock | null> {
    const key = this.#keys.tripLock(tripId);
    const [value, ttl] = await Promise.all([this.#redis.get(key), this.#redis.pttl(key)]);
    return this.#describe(key, value, ttl);
  }

  async list(limit: number): Promise<HeldLock[]> {
    // SCAN tells a key twice when the table is resized meanwhile.
    const keys = new Set<string>();
    let cursor = "0";
    do {
      const args = [cursor, "MATCH", this.#keys.tripLockPattern, "COUNT", "1000"];
      const [next, found] = await this.#patiently<[string, string[]]>("scan", args);
      for (const key of found) keys.add(key);
      cursor = next;
    } while (cursor !== "0" && keys.size < limit);
    const listed = [...keys].slice(0, limit);
    const locks: HeldLock[] = [];
    for (let from = 0; from < listed.length; from += LIST_CHUNK)
      locks.push(...(await this.#read(listed.slice(from, from + LIST_CHUNK))));
    return locks;
  }

  #now(): number {
    return this.#clock.now().getTime();
  }

  async #read(keys: readonly string[]): Promise<HeldLock[]> {
    const [values, ttls] = await Promise.all([
      this.#patiently<(string | null)[]>("mget", keys),
      Promise.all(keys.map((key) => this.#patiently<number>("pttl", [key]))),
    ]);
    return keys
      .map((key, n) => this.#describe(key, values[n] ?? null, ttls[n] ?? NO_KEY))
      .filter((lock) => lock !== null);
  }

  #patiently<T>(name: string, args: readonly string[]): Promise<T> {
    const command = new Command(name, [...args], { replyEncoding: "utf8" });
    // Set first, it stands: the connection gives its own only to a command that has none.
    command.setTimeout(LIST_TIMEOUT_MS);
    return this.#redis.sendCommand(command) as Promise<T>;
  }

  /** null for a lock that ended between the two answers, too. */
  #describe(key: string, value: string | null, ttl: number): HeldLock | null {
    if (value === null || ttl === NO_KEY) return null;
    return {
      key,
      tripId: this.#keys.tripIdOfLock(key),
      value,
      ownerDriverId: ownerOf(value),
      ageMs: ageOf(value, this.#now()),
      ttlMs: ttl < 0 ? null : ttl,
    };
  }
}
