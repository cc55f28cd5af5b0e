import type { Redis } from "ioredis";
import type { Count, CountedWindow, RateLimiter } from "#server/platform/rate-limiter/rate-limiter.ts";

/**
 * One script for the calls of a moment, one after another: a call is counted in all its windows or in none, whoever else
 * asks meanwhile. KEYS: of each call its windows' counters, then perhaps the retry's mark. ARGV: how many calls; of each
 * how many windows, whether a mark follows, and points, seconds and lock of each window. A key without expiry, whoever
 * left it so, gets one as it is seen.
 */
const TAKE = `local arg, key = 2, 1
local answers = {}
for call = 1, tonumber(ARGV[1]) do
  local n, marked = tonumber(ARGV[arg]), ARGV[arg + 1] == '1'
  local first, windows = key, arg + 2
  local once = marked and KEYS[key + n]
  arg, key = windows + 3 * n, key + n + (marked and 1 or 0)
  if once and redis.call('EXISTS', once) == 1 then
    answers[call] = {2}
  else
    local full = 0
    local used = {}
    for i = 0, n - 1 do
      local points, lock = tonumber(ARGV[windows + 3 * i]), tonumber(ARGV[windows + 3 * i + 2])
      used[i] = tonumber(redis.call('GET', KEYS[first + i]) or '0')
      if used[i] >= points then
        full = 1
        if used[i] == points and lock > 0 then redis.call('SET', KEYS[first + i], points + 1, 'EX', lock) end
      end
    end
    local answer = {full}
    for i = 0, n - 1 do
      local seconds = tonumber(ARGV[windows + 3 * i + 1])
      local ttl = seconds * 1000
      if full == 0 and used[i] == 0 then
        redis.call('SET', KEYS[first + i], 1, 'EX', seconds)
        used[i] = 1
      else
        if full == 0 then used[i] = redis.call('INCR', KEYS[first + i]) end
        ttl = redis.call('PTTL', KEYS[first + i])
        if ttl == -1 then
          redis.call('EXPIRE', KEYS[first + i], seconds)
          ttl = seconds * 1000
        end
      end
      answer[2 * i + 2] = used[i]
      answer[2 * i + 3] = ttl
    end
    if once and full == 0 then redis.call('SET', once, 1, 'EX', tonumber(ARGV[windows + 1])) end
    answers[call] = answer
  end
end
return answers`;
/** Never below 0, nor in a window that has ended: the next one would let in a call too many. */
const GIVE_BACK = `for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end`;
const VERDICTS = ["counted", "refused", "repeat"] as const;

type Scripted = Redis & {
  takeFromLimits(keys: number, ...args: (string | number)[]): Promise<number[][]>;
  giveBackToLimits(keys: number, ...args: string[]): Promise<null>;
};

interface Waiting {
  readonly windows: readonly CountedWindow[];
  readonly onceKey: string | null;
  readonly resolve: (count: Count) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls in one script: Redis serves nobody else meanwhile. */
const MOST_AT_ONCE = 64;

/**
 * Calls that come in the same turn of the event loop are counted by one command: a command for each cost an accept more
 * than its token's check (decision 0021).
 */
export class RedisRateLimiter implements RateLimiter {
  readonly backend = "redis";
  readonly #redis: Scripted;
  #waiting: Waiting[] = [];

  constructor(redis: Redis) {
    redis.defineCommand("takeFromLimits", { lua: TAKE });
    redis.defineCommand("giveBackToLimits", { lua: GIVE_BACK });
    // It has waited for the turn's end already.
    redis.options.autoPipeliningIgnoredCommands = ["takeFromLimits"];
    this.#redis = redis as Scripted;
  }

  take(windows: readonly CountedWindow[], onceKey: string | null): Promise<Count> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ windows, onceKey, resolve, reject }) === 1) setImmediate(() => this.#takeAll());
    });
  }

  #takeAll(): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < all.length; from += MOST_AT_ONCE)
      this.#takeTogether(all.slice(from, from + MOST_AT_ONCE));
  }

  #takeTogether(calls: readonly Waiting[]): void {
    const keys: string[] = [];
    const args: number[] = [calls.length];
    for (const { windows, onceKey } of calls) {
      args.push(windows.length, onceKey === null ? 0 : 1);
      for (const { key, points, per, lockSeconds } of windows) {
        keys.push(key);
        args.push(points, per, lockSeconds);
      }
      if (onceKey !== null) keys.push(onceKey);
    }
    this.#redis.takeFromLimits(keys.length, ...keys, ...args).then(
      (answers) => {
        for (const [n, { windows, resolve }] of calls.entries()) resolve(countOf(answers[n] ?? [], windows));
      },
      (error: unknown) => {
        for (const { reject } of calls) reject(error);
      },
    );
  }

  async giveBack(windows: readonly CountedWindow[]): Promise<void> {
    const keys = windows.map(({ key }) => key);
    await this.#redis.giveBackToLimits(keys.length, ...keys);
  }
}

function countOf([verdict = 0, ...figures]: readonly number[], windows: readonly CountedWindow[]): Count {
  return {
    verdict: VERDICTS[verdict] ?? "counted",
    windows:
      figures.length === 0
        ? []
        : windows.map(({ points, per }, i) => {
            const used = figures[2 * i] ?? 0;
            const ttl = figures[2 * i + 1] ?? 0;
            return { remaining: Math.max(0, points - used), resetMs: ttl < 0 ? per * 1000 : ttl };
          }),
    insured: false,
  };
}
