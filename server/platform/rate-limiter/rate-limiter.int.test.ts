import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { createLogger } from "#server/platform/logger.ts";
import { InsuredRateLimiter } from "#server/platform/rate-limiter/insured-rate-limiter.ts";
import { MemoryRateLimiter } from "#server/platform/rate-limiter/memory-rate-limiter.ts";
import type { CountedWindow, RateLimiter } from "#server/platform/rate-limiter/rate-limiter.ts";
import { RedisRateLimiter } from "#server/platform/rate-limiter/redis-rate-limiter.ts";
import { openRedis } from "#server/platform/redis.ts";
import { redisKeys } from "#server/platform/redis-keys.ts";
import { sharedRedisUrl, startPrivateRedis } from "#server/testing/services.ts";
import { startTcpProxy, through } from "#server/testing/tcp-proxy.ts";
import { allAtOnce, waitUntil } from "#server/testing/wait.ts";

let redis: Redis;
/** Another process's connection. */
let other: Redis;
beforeAll(() => {
  redis = new Redis(sharedRedisUrl(), { enableAutoPipelining: true });
  other = new Redis(sharedRedisUrl(), { enableAutoPipelining: true });
});
afterAll(() => {
  redis.disconnect();
  other.disconnect();
});

const clock = { monotonicMs: () => performance.now() };
const keys = redisKeys(`test:${newId()}:`);
let subject = "";
beforeEach(() => {
  subject = newId();
});
const window = (points: number, per: number, lockSeconds = 0): CountedWindow => ({
  key: keys.limit("test", subject, per),
  points,
  per,
  lockSeconds,
});
const once = (operation: string) => keys.limitOnce("test", subject, operation);
const verdicts = async (limiter: RateLimiter, windows: readonly CountedWindow[], calls: number) => {
  const seen = [];
  for (let call = 0; call < calls; call++) seen.push((await limiter.take(windows, null)).verdict);
  return seen;
};
const repeated = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const insured = (primary: RateLimiter, isReady: () => boolean, probe: () => Promise<unknown> = () => redis.ping()) =>
  new InsuredRateLimiter({ primary, insurance: new MemoryRateLimiter(clock), isReady, probe, clock });
const onRedis = () => new RedisRateLimiter(redis);

describe.each<[string, () => RateLimiter]>([
  ["memory", () => new MemoryRateLimiter(clock)],
  ["Redis", onRedis],
  ["Redis with memory behind it", () => insured(onRedis(), () => true)],
  ["memory, as Redis is away", () => insured(onRedis(), () => false)],
])("the rate limiter's contract: %s", (_, open) => {
  let limiter: RateLimiter;
  beforeEach(() => {
    limiter = open();
  });

  test("ten of ten pass with 9 to 0 remaining, the 11th is refused, and all say when the window ends", async () => {
    const windows = [window(10, 60)];
    for (let remaining = 9; remaining >= 0; remaining--) {
      const { verdict, windows: states } = await limiter.take(windows, null);
      expect([verdict, states[0]?.remaining]).toEqual(["counted", remaining]);
      expect(states[0]?.resetMs).toBeGreaterThan(58_000);
      expect(states[0]?.resetMs).toBeLessThanOrEqual(60_000);
    }
    expect(await limiter.take(windows, null)).toMatchObject({ verdict: "refused", windows: [{ remaining: 0 }] });
  });

  test("200 at once of 100: exactly 100 pass", async () => {
    const counts = await allAtOnce(200, () => limiter.take([window(100, 60)], null));
    expect(counts.filter(({ verdict }) => verdict === "counted")).toHaveLength(100);
  });

  test("of several windows each must have room, and a refused call uses up none of them", async () => {
    const [minute, hour] = [window(2, 60), window(5, 3600)];
    expect(await verdicts(limiter, [minute, hour], 20)).toEqual(["counted", "counted", ...repeated(18, "refused")]);
    // The hour has seen two calls, not twenty.
    expect((await limiter.take([hour], null)).windows[0]?.remaining).toBe(2);
    // And the minute none of those that the hour refused.
    const second = { ...minute, key: `${minute.key}:later` };
    expect(await verdicts(limiter, [second, hour], 3)).toEqual(["counted", "counted", "refused"]);
    expect(await verdicts(limiter, [hour], 1)).toEqual(["refused"]);
  });

  test("a window ends, and the next begins with its own first call", async () => {
    const windows = [window(1, 1)];
    expect(await verdicts(limiter, windows, 2)).toEqual(["counted", "refused"]);
    await waitUntil("the next window", async () => (await limiter.take(windows, null)).verdict === "counted", 3000);
    expect(await verdicts(limiter, windows, 1)).toEqual(["refused"]);
  });

  test("a window with a lock stays closed for the lock's time from the first call beyond it, not from each", async () => {
    const windows = [window(2, 1, 100)];
    expect(await verdicts(limiter, windows, 2)).toEqual(["counted", "counted"]);
    expect((await limiter.take(windows, null)).windows[0]?.resetMs).toBeGreaterThan(99_000);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const later = await limiter.take(windows, null);
    expect(later.verdict).toBe("refused");
    expect(later.windows[0]?.resetMs).toBeLessThan(99_000);
  });

  test("an operation that is retried is counted once; another one by itself", async () => {
    const windows = [window(2, 60)];
    const counts = await allAtOnce(20, () => limiter.take(windows, once("a")));
    expect(counts.map(({ verdict }) => verdict).sort()).toEqual(["counted", ...repeated(19, "repeat")]);
    expect(await limiter.take(windows, once("b"))).toMatchObject({ verdict: "counted", windows: [{ remaining: 0 }] });
    expect((await limiter.take(windows, once("c"))).verdict).toBe("refused");
    // Refused, it was not counted: its retry is refused too.
    expect((await limiter.take(windows, once("c"))).verdict).toBe("refused");
  });

  test("what is given back can be used again, and no more than was used", async () => {
    const windows = [window(2, 60)];
    const { insured: byMemory } = await limiter.take(windows, null);
    for (let n = 0; n < 5; n++) await limiter.giveBack(windows, byMemory);
    expect(await verdicts(limiter, windows, 3)).toEqual(["counted", "counted", "refused"]);
    const never = [{ ...window(1, 60), key: `${subject}:never` }];
    await limiter.giveBack(never, byMemory);
    expect(await verdicts(limiter, never, 2)).toEqual(["counted", "refused"]);
  });
});

/** Keys of this file that never expire. */
async function eternalKeys(): Promise<string[]> {
  const found: string[] = [];
  let cursor = "0";
  do {
    const [next, page] = await redis.scan(cursor, "MATCH", keys.limitPattern, "COUNT", 1000);
    for (const key of page) if ((await redis.pttl(key)) === -1) found.push(key);
    cursor = next;
  } while (cursor !== "0");
  return found;
}

describe("on Redis", () => {
  test("two processes share one window: 200 at once of 100, exactly 100 pass", async () => {
    const limiters = [new RedisRateLimiter(redis), new RedisRateLimiter(other)];
    const counts = await allAtOnce(200, (n) => (limiters[n % 2] as RateLimiter).take([window(100, 60)], null));
    expect(counts.filter(({ verdict }) => verdict === "counted")).toHaveLength(100);
  });

  test("mutation: counted by reading first and writing then, more than 100 pass", async () => {
    const { key } = window(100, 60);
    const counts = await allAtOnce(200, async (n) => {
      const connection = n % 2 === 0 ? redis : other;
      const used = Number((await connection.get(key)) ?? 0);
      if (used < 100) await connection.incr(key);
      return used < 100;
    });
    await redis.del(key);
    expect(counts.filter(Boolean).length).toBeGreaterThan(100);
  });

  test("no key is without expiry: counters, locks, marks of retries, what was given back", async () => {
    const limiter: RateLimiter = onRedis();
    const windows = [window(2, 60), window(5, 3600, 3600)];
    await allAtOnce(50, (n) => limiter.take(windows, n % 2 === 0 ? once(String(n)) : null));
    await limiter.giveBack([...windows, window(1, 30)], false);
    expect(await redis.exists(windows[0]?.key ?? "", windows[1]?.key ?? "")).toBe(2);
    expect(await eternalKeys()).toEqual([]);
  });

  test("mutation: a key that somebody left without expiry is seen by the scan, and mended by the next call", async () => {
    const { key } = window(3, 60);
    await redis.set(key, 99);
    expect(await eternalKeys()).toEqual([key]);
    expect((await onRedis().take([window(3, 60)], null)).verdict).toBe("refused");
    expect(await eternalKeys()).toEqual([]);
  });

  test("several windows are one round trip", async () => {
    const limiter = onRedis();
    await limiter.take([window(9, 60)], null);
    const before = await redis.info("commandstats");
    await limiter.take([window(9, 60), window(9, 3600), window(9, 86_400)], once("x"));
    const calls = (text: string) => Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0);
    expect(calls(await redis.info("commandstats")) - calls(before)).toBe(1);
  });
});

describe("Redis away", () => {
  const silent = createLogger("silent");
  const timed = async <T>(work: () => Promise<T>) => {
    const started = performance.now();
    const result = await work();
    return { result, ms: performance.now() - started };
  };

  test("frozen: decided within 250 ms from memory, then at once, exactly; it counts again when Redis is back", async () => {
    const server = await startPrivateRedis();
    const proxy = await startTcpProxy({ port: server.port });
    const connections = openRedis(through(proxy, server.url), silent);
    await waitUntil("Redis is ready", connections.isReady);
    const primary = new RedisRateLimiter(connections.commands);
    const limiter = insured(primary, connections.isReady, () => connections.commands.ping());
    expect((await limiter.take([window(10, 60)], null)).insured).toBe(false);

    proxy.pause();
    const first = await timed(() => allAtOnce(50, () => limiter.take([window(10, 60)], null)));
    expect(first.ms).toBeLessThan(250);
    expect(first.result.filter(({ verdict }) => verdict === "counted")).toHaveLength(10);
    expect(first.result.every((count) => count.insured)).toBe(true);
    const then = await timed(() => limiter.take([window(10, 60)], null));
    expect(then.ms).toBeLessThan(50);
    // Mutation: without the insurance the same call waits for the connection's own time-out, and decides nothing.
    const waiting = timed(() => primary.take([window(10, 60)], null).catch((error: Error) => error));
    // Also while it is asked again, every second: the call that does so does not wait for it.
    const times: number[] = [];
    for (let n = 0; n < 30; n++) {
      times.push((await timed(() => limiter.take([window(10, 60)], null))).ms);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(Math.max(...times)).toBeLessThan(50);
    // Mutation: a call that asked would wait as the first did.
    expect(first.ms).toBeGreaterThan(100);
    const bare = await waiting;
    expect(bare.result).toBeInstanceOf(Error);
    expect(bare.ms).toBeGreaterThan(200);

    proxy.resume();
    await waitUntil("Redis counts", async () => !(await limiter.take([window(1e6, 60)], null)).insured, 10_000);
    await connections.close();
    await proxy.close();
    await server.stop();
  });

  test("killed: decided at once from memory; a store of which it cannot be told says so", async () => {
    const server = await startPrivateRedis();
    const connections = openRedis(server.url, silent);
    await waitUntil("Redis is ready", connections.isReady);
    const limiter = insured(new RedisRateLimiter(connections.commands), connections.isReady, () =>
      connections.commands.ping(),
    );
    await server.kill();
    const { result, ms } = await timed(() => allAtOnce(20, () => limiter.take([window(10, 60)], null)));
    expect(ms).toBeLessThan(250);
    expect(result.filter(({ verdict }) => verdict === "counted")).toHaveLength(10);
    expect(result.every((count) => count.insured)).toBe(true);
    expect(limiter.backend).toBe("memory");
    await connections.close();
    await server.stop();
  });
});
