import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { FallbackTripLock } from "#server/platform/locks/fallback-trip-lock.ts";
import { MemoryTripLock } from "#server/platform/locks/memory-trip-lock.ts";
import { RedisTripLock } from "#server/platform/locks/redis-trip-lock.ts";
import type { TripLock } from "#server/platform/locks/trip-lock.ts";
import { redisKeys } from "#server/platform/redis-keys.ts";
import { seeded } from "#server/testing/seeded.ts";
import { sharedRedisUrl } from "#server/testing/services.ts";
import { startTcpProxy, type TcpProxy } from "#server/testing/tcp-proxy.ts";
import { allAtOnce, waitUntil } from "#server/testing/wait.ts";

let redis: Redis;
beforeAll(() => {
  redis = new Redis(sharedRedisUrl());
});
afterAll(() => redis.disconnect());

let aheadMs = 0;
let redisReady = true;
const clock = { now: () => new Date(Date.now() + aheadMs), monotonicMs: () => performance.now() };
const TTL_SECONDS = 300;
const onRedis = () => new RedisTripLock({ redis, keys: redisKeys(`test:${newId()}:`), clock, ttlSeconds: TTL_SECONDS });
const inMemory = () => new MemoryTripLock({ clock, ttlSeconds: TTL_SECONDS });
const withFallback = (secondary = inMemory()) =>
  new FallbackTripLock({ primary: onRedis(), secondary, isReady: () => redisReady });
beforeEach(() => {
  aheadMs = 0;
  redisReady = true;
});

describe.each<[string, () => TripLock]>([
  ["memory", inMemory],
  ["Redis", onRedis],
  ["Redis with memory behind it", withFallback],
  [
    "memory, as Redis is away",
    () => {
      redisReady = false;
      const memory = inMemory();
      const lock = withFallback(memory);
      // What is held is not told while Redis is away; the contract looks into the memory itself.
      lock.get = memory.get.bind(memory);
      lock.list = memory.list.bind(memory);
      return lock;
    },
  ],
])("the trip lock's contract: %s", (_, open) => {
  let lock: TripLock;
  const [trip, a, b] = [newId(), newId(), newId()];
  beforeEach(() => {
    lock = open();
  });
  afterEach(async () => {
    for (const held of await lock.list(1000)) await lock.release(held.tripId, held.value);
  });

  test("a free trip is acquired; by its holder again it is own; for another it is held, and by whom", async () => {
    const first = await lock.acquire(trip, a);
    expect(first).toEqual({ outcome: "acquired", value: expect.stringMatching(new RegExp(`^${a}:`)) });
    expect(await lock.acquire(trip, a)).toEqual({ outcome: "own", value: first.value });
    expect(await lock.acquire(trip, b)).toEqual({
      outcome: "held",
      value: first.value,
      ownerDriverId: a,
      ageMs: expect.any(Number),
    });
    expect(await lock.acquire(newId(), b)).toMatchObject({ outcome: "acquired" });
  });

  test("a hundred at once: one acquires", async () => {
    const claims = await allAtOnce(100, () => lock.acquire(trip, newId()));
    expect(claims.filter((claim) => claim.outcome === "acquired")).toHaveLength(1);
    expect(claims.filter((claim) => claim.outcome === "held")).toHaveLength(99);
  });

  test("only the value that holds it releases it", async () => {
    const { value } = await lock.acquire(trip, a);
    for (const other of [`${a}:${newId()}`, `${b}:${newId()}`, "", a, `${value}x`])
      expect(await lock.release(trip, other)).toBe(false);
    expect((await lock.get(trip))?.value).toBe(value);
    expect(await lock.release(trip, value)).toBe(true);
    expect(await lock.get(trip)).toBeNull();
    expect(await lock.release(trip, value)).toBe(false);
  });

  test("a release that comes late, after another took the trip, leaves the other's lock", async () => {
    const old = await lock.acquire(trip, a);
    await lock.release(trip, old.value);
    const now = await lock.acquire(trip, b);
    expect(await lock.release(trip, old.value)).toBe(false);
    expect(await lock.releaseOwnedBy(trip, a)).toBe(false);
    expect((await lock.get(trip))?.value).toBe(now.value);
  });

  test("a driver's lock goes whatever its token, and nobody else's", async () => {
    await lock.acquire(trip, a);
    expect(await lock.releaseOwnedBy(trip, b)).toBe(false);
    expect(await lock.releaseOwnedBy(trip, a)).toBe(true);
    expect(await lock.releaseOwnedBy(trip, a)).toBe(false);
    expect(await lock.get(trip)).toBeNull();
  });

  test("taken over only from the value that was seen, or when it has gone", async () => {
    const seen = await lock.acquire(trip, a);
    expect(await lock.takeOver(trip, `${a}:${newId()}`, b)).toMatchObject({ outcome: "held", ownerDriverId: a });
    const over = await lock.takeOver(trip, seen.value, b);
    expect(over).toMatchObject({ outcome: "acquired", value: expect.stringMatching(new RegExp(`^${b}:`)) });
    expect(await lock.takeOver(trip, seen.value, a)).toMatchObject({ outcome: "held", ownerDriverId: b });
    await lock.release(trip, over.value);
    expect(await lock.takeOver(trip, over.value, a)).toMatchObject({ outcome: "acquired" });
  });

  test("of twenty that saw the same orphan one takes it over", async () => {
    const { value } = await lock.acquire(trip, a);
    const claims = await allAtOnce(20, () => lock.takeOver(trip, value, newId()));
    expect(claims.filter((claim) => claim.outcome === "acquired")).toHaveLength(1);
  });

  test("a lock is described with its age and its end, and ends", async () => {
    await lock.acquire(trip, a);
    aheadMs = 7000;
    const held = await lock.get(trip);
    expect(held).toMatchObject({ tripId: trip, ownerDriverId: a });
    expect(held?.ageMs).toBeGreaterThanOrEqual(7000);
    expect(held?.ageMs).toBeLessThan(60_000);
    expect(held?.ttlMs).toBeGreaterThan(0);
    expect(held?.ttlMs).toBeLessThanOrEqual(TTL_SECONDS * 1000);
    expect(await lock.list(10)).toHaveLength(1);
    expect(await lock.get(newId())).toBeNull();
  });

  test("a list stops at its limit", async () => {
    await allAtOnce(30, () => lock.acquire(newId(), a));
    expect(await lock.list(10)).toHaveLength(10);
    expect(await lock.list(1000)).toHaveLength(30);
  });

  test("any sequence does what a plain map would", async () => {
    const random = seeded(20_261_120);
    const drivers = [a, b, newId()];
    const trips = [newId(), newId()];
    const model = new Map<string, string>();
    for (let n = 0; n < 300; n++) {
      const [id, driver] = [random.pick(trips), random.pick(drivers)];
      const held = model.get(id);
      switch (random.below(4)) {
        case 0: {
          const claim = await lock.acquire(id, driver);
          expect(claim.outcome).toBe(held === undefined ? "acquired" : held.startsWith(driver) ? "own" : "held");
          model.set(id, held ?? claim.value);
          break;
        }
        case 1:
          expect(await lock.release(id, held ?? `${driver}:none`)).toBe(held !== undefined);
          model.delete(id);
          break;
        case 2: {
          const mine = held?.startsWith(driver) === true;
          expect(await lock.releaseOwnedBy(id, driver)).toBe(mine);
          if (mine) model.delete(id);
          break;
        }
        default:
          expect((await lock.get(id))?.value ?? null).toBe(held ?? null);
      }
    }
  });
});

test("in memory a lock ends with its time", async () => {
  const lock = inMemory();
  const trip = newId();
  const { value } = await lock.acquire(trip, newId());
  aheadMs = TTL_SECONDS * 1000 + 1;
  expect(await lock.get(trip)).toBeNull();
  expect(await lock.release(trip, value)).toBe(false);
  expect(await lock.acquire(trip, newId())).toMatchObject({ outcome: "acquired" });
});

test("every lock in Redis ends by itself", async () => {
  const lock = onRedis();
  const trip = newId();
  const { value } = await lock.acquire(trip, newId());
  await lock.takeOver(trip, value, newId());
  expect((await lock.get(trip))?.ttlMs).toBeGreaterThan((TTL_SECONDS - 10) * 1000);
});

test("a lock taken before Redis went, or while it was away, is released all the same", async () => {
  const lock = withFallback();
  const [before, during, driver] = [newId(), newId(), newId()];
  const first = await lock.acquire(before, driver);
  redisReady = false;
  const second = await lock.acquire(during, driver);
  expect(lock.backend).toBe("memory");
  redisReady = true;
  expect(await lock.release(during, second.value)).toBe(true);
  expect(await lock.release(before, first.value)).toBe(true);
  expect(await lock.list(10)).toEqual([]);
});

test("while Redis is away nobody is told that this process's locks are all there are", async () => {
  const lock = withFallback();
  const trip = newId();
  redisReady = false;
  await lock.acquire(trip, newId());
  await expect(lock.list(10)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  await expect(lock.get(trip)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  redisReady = true;
  expect(await lock.list(10)).toEqual([]);
});

describe("a Redis that stalls over the time-out", () => {
  const [trip, driver] = [newId(), newId()];
  let proxy: TcpProxy;
  let slow: Redis;
  beforeEach(async () => {
    const url = new URL(sharedRedisUrl());
    proxy = await startTcpProxy({ port: Number(url.port), host: url.hostname });
    url.hostname = "127.0.0.1";
    url.port = String(proxy.port);
    slow = new Redis(url.href, { commandTimeout: 100 });
    await slow.ping();
  });
  afterEach(async () => {
    slow.disconnect();
    await proxy.close();
  });
  const lockOn = (client: Redis) =>
    new RedisTripLock({ redis: client, keys: redisKeys(`test:${newId()}:`), clock, ttlSeconds: TTL_SECONDS });

  test("sets the lock after all: the value is the one that was given, and its release finds it", async () => {
    const primary = lockOn(slow);
    const lock = new FallbackTripLock({ primary, secondary: inMemory(), isReady: () => redisReady });
    proxy.pause();
    const claim = await lock.acquire(trip, driver);
    expect(claim.outcome).toBe("acquired");
    proxy.resume();
    await waitUntil("the late command has run", async () => (await primary.get(trip).catch(() => null)) !== null);
    expect((await primary.get(trip))?.value).toBe(claim.value);
    expect(await lock.release(trip, claim.value)).toBe(true);
    expect(await primary.get(trip)).toBeNull();
  });

  test("is waited for by a list, which no accept waits for", async () => {
    const lock = lockOn(slow);
    await allAtOnce(1200, () => lock.acquire(newId(), driver));
    proxy.setLatency(120);
    await expect(lock.get(trip)).rejects.toThrow("timed out");
    const held = await lock.list(2000);
    expect(new Set(held.map(({ tripId }) => tripId)).size).toBe(1200);
    expect(held).toHaveLength(1200);
    expect(held.every(({ ttlMs, ownerDriverId }) => ownerDriverId === driver && (ttlMs ?? 0) > 0)).toBe(true);
  });
});

test("mutation: a release that does not compare takes another's lock", async () => {
  const lock = inMemory();
  const careless: TripLock = Object.assign(Object.create(lock) as TripLock, {
    acquire: lock.acquire.bind(lock),
    get: lock.get.bind(lock),
    release: async (trip: string) => lock.release(trip, (await lock.get(trip))?.value ?? ""),
  });
  const [trip, a, b] = [newId(), newId(), newId()];
  const old = await careless.acquire(trip, a);
  await careless.release(trip, old.value);
  await careless.acquire(trip, b);
  await careless.release(trip, old.value);
  expect(await careless.get(trip), "what the contract's late release would see").toBeNull();
});
