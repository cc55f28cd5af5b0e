import type { Redis } from "ioredis";
import type { Count, CountedWindow, RateLimiter } from "#server/platform/rate-limiter/rate-limiter.ts";

/**
 * One script, so that a call is counted in all its windows or in none, whoever else asks meanwhile, in one round trip.
 * KEYS: the windows' counters, then perhaps the retry's mark. ARGV: how many windows, then points, seconds and lock of each.
 * A key without expiry, whoever left it so, gets one as it is seen.
 */
const TAKE = `local n = tonumber(ARGV[1])
local once = KEYS[n + 1]
if once and redis.call('EXISTS', once) == 1 then return {2} end
local full = 0
local used = {}
for i = 1, n do
  local points, lock = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i + 1])
  used[i] = tonumber(redis.call('GET', KEYS[i]) or '0')
  if used[i] >= points then
    full = 1
    if used[i] == points and lock > 0 then redis.call('SET', KEYS[i], points + 1, 'EX', lock) end
  end
end
local answer = {full}
for i = 1, n do
  local seconds = tonumber(ARGV[3 * i])
  local ttl = seconds * 1000
  if full == 0 and used[i] == 0 then
    redis.call('SET', KEYS[i], 1, 'EX', seconds)
    used[i] = 1
  else
    if full == 0 then used[i] = redis.call('INCR', KEYS[i]) end
    ttl = redis.call('PTTL', KEYS[i])
    if ttl == -1 then
      redis.call('EXPIRE', KEYS[i], seconds)
      ttl = seconds * 1000
    end
  end
  answer[2 * i] = used[i]
  answer[2 * i + 1] = ttl
end
if once and full == 0 then redis.call('SET', once, 1, 'EX', tonumber(ARGV[3])) end
return answer`;
/** Never below 0, nor in a window that has ended: the next one would let in a call too many. */
const GIVE_BACK = `for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end`;
const VERDICTS = ["counted", "refused", "repeat"] as const;

type Scripted = Redis & {
  takeFromLimits(keys: number, ...args: (string | number)[]): Promise<number[]>;
  giveBackToLimits(keys: number, ...args: string[]): Promise<null>;
};

export class RedisRateLimiter implements RateLimiter {
  readonly backend = "redis";
  readonly #redis: Scripted;

  constructor(redis: Redis) {
    redis.defineCommand("takeFromLimits", { lua: TAKE });
    redis.defineCommand("giveBackToLimits", { lua: GIVE_BACK });
    this.#redis = redis as Scripted;
  }

  async take(windows: readonly CountedWindow[], onceKey: string | null): Promise<Count> {
    const keys = windows.map(({ key }) => key);
    if (onceKey !== null) keys.push(onceKey);
    const [verdict = 0, ...figures] = await this.#redis.takeFromLimits(
      keys.length,
      ...keys,
      windows.length,
      ...windows.flatMap(({ points, per, lockSeconds }) => [points, per, lockSeconds]),
    );
    return {
      verdict: VERDICTS[verdict] ?? "counted",
      windows:
        figures.length === 0
          ? []
          : windows.map(({ points, per }, i) => {
              const [used = 0, ttl = 0] = figures.slice(2 * i, 2 * i + 2);
              return { remaining: Math.max(0, points - used), resetMs: ttl < 0 ? per * 1000 : ttl };
            }),
      insured: false,
    };
  }

  async giveBack(windows: readonly CountedWindow[]): Promise<void> {
    const keys = windows.map(({ key }) => key);
    await this.#redis.giveBackToLimits(keys.length, ...keys);
  }
}
