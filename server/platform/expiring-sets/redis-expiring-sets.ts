import type { Redis } from "ioredis";
import type { ExpiringSets } from "#server/platform/expiring-sets/expiring-sets.ts";
import { MemoryExpiringSets } from "#server/platform/expiring-sets/memory-expiring-sets.ts";
import { inTime } from "#server/platform/in-time.ts";

const ANSWER_WITHIN_MS = 200;

/** Redis' own clock: processes need not agree on the time. */
const NOW = `local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)`;
const ADD = `${NOW}
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not known and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return -1 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])`;
const COUNT = `${NOW} return redis.call('ZCARD', KEYS[1])`;

type Scripted = Redis & {
  addExpiring(key: string, member: string, ttlMs: number, max: number): Promise<number>;
  countExpiring(key: string): Promise<number>;
};

/** Of all processes, in sorted sets; while Redis is away each process knows its own. */
export class RedisExpiringSets implements ExpiringSets {
  readonly #redis: Scripted;
  readonly #isReady: () => boolean;
  /** Kept along, so that there is something to count by when Redis goes. */
  readonly #memory: MemoryExpiringSets;

  constructor(options: { redis: Redis; isReady: () => boolean; monotonicMs: () => number }) {
    options.redis.defineCommand("addExpiring", { numberOfKeys: 1, lua: ADD });
    options.redis.defineCommand("countExpiring", { numberOfKeys: 1, lua: COUNT });
    this.#redis = options.redis as Scripted;
    this.#isReady = options.isReady;
    this.#memory = new MemoryExpiringSets(options.monotonicMs);
  }

  async add(
    key: string,
    member: string,
    options: { readonly ttlMs: number; readonly max?: number },
  ): Promise<number | null> {
    const here = await this.#memory.add(key, member, options);
    if (here === null) return null;
    const all = await this.#ask(
      this.#redis.addExpiring.bind(this.#redis, key, member, options.ttlMs, options.max ?? 1e9),
    );
    if (all !== -1) return all ?? here;
    await this.#memory.remove(key, member);
    return null;
  }

  keep(members: readonly { readonly key: string; readonly member: string }[], ttlMs: number): void {
    this.#memory.keep(members, ttlMs);
    if (!this.#isReady()) return;
    for (const { key, member } of members) this.#redis.addExpiring(key, member, ttlMs, 1e9).catch(() => undefined);
  }

  async remove(key: string, member: string): Promise<void> {
    await this.#memory.remove(key, member);
    await this.#ask(() => this.#redis.zrem(key, member));
  }

  async count(key: string): Promise<number> {
    return (await this.#ask(() => this.#redis.countExpiring(key))) ?? this.#memory.count(key);
  }

  async #ask<T>(call: () => Promise<T>): Promise<T | null> {
    if (!this.#isReady()) return null;
    return inTime(ANSWER_WITHIN_MS, call()).catch(() => null);
  }
}
