import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryExpiringSets } from "#server/platform/expiring-sets/memory-expiring-sets.ts";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { startPrivateRedis } from "#server/testing/services.ts";
import { allAtOnce, waitUntil } from "#server/testing/wait.ts";

const LONG = { ttlMs: 60_000 };
const BRIEF = { ttlMs: 300 };

describe.each(COORDINATIONS)("sets whose members leave by themselves, on %s", (coordination) => {
  let t: TestApp;
  let key = "";
  beforeEach(async () => {
    t = await createTestApp({ coordination });
    key = t.app.keys.socketsOf("somebody");
  });
  afterEach(() => t.dispose());

  test("count who is in them, once each, and let go who leaves", async () => {
    const { memberships } = t.app;
    expect([await memberships.add(key, "a", LONG), await memberships.add(key, "b", LONG)]).toEqual([1, 2]);
    expect(await memberships.add(key, "a", LONG)).toBe(2);
    await memberships.remove(key, "a");
    await memberships.remove(key, "nobody");
    expect(await memberships.count(key)).toBe(1);
    expect(await memberships.count(t.app.keys.socketsOf("another"))).toBe(0);
  });

  test("of so many at most take no more, however many come at once; who is in them stays", async () => {
    const { memberships } = t.app;
    const answers = await allAtOnce(50, (n) => memberships.add(key, `m${n}`, { ...LONG, max: 5 }));
    expect(answers.filter((answer) => answer !== null)).toHaveLength(5);
    expect(await memberships.count(key)).toBe(5);
    const inside = answers.findIndex((answer) => answer !== null);
    expect(await memberships.add(key, `m${inside}`, { ...LONG, max: 5 })).toBe(5);
  });

  test("forget who is not kept, and keep the others", async () => {
    const { memberships } = t.app;
    for (const member of ["gone", "kept"]) await memberships.add(key, member, BRIEF);
    memberships.keep([{ key, member: "kept" }], LONG.ttlMs);
    await waitUntil("one is left", async () => (await memberships.count(key)) === 1, 3000);
    expect(await memberships.add(key, "kept", LONG)).toBe(1);
  });
});

test("in Redis no set is without its time to live", async () => {
  const t = await createTestApp();
  const key = t.app.keys.viewersOf("a trip");
  await t.app.memberships.add(key, "a", LONG);
  t.app.memberships.keep([{ key, member: "b" }], LONG.ttlMs);
  await waitUntil("both", async () => (await t.app.memberships.count(key)) === 2);
  const left = (await t.app.redis?.commands.pttl(key)) ?? 0;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(LONG.ttlMs);
  await t.dispose();
});

test("while Redis is away a process goes on from those that it added itself", async () => {
  const redis = await startPrivateRedis();
  const t = await createTestApp({ env: { REDIS_URL: redis.url } });
  const key = t.app.keys.socketsOf("somebody");
  for (const member of ["a", "b", "c", "d"]) await t.app.memberships.add(key, member, { ...LONG, max: 5 });
  await redis.kill();
  await waitUntil("noticed", () => t.app.redis?.isReady() === false);
  expect(await t.app.memberships.add(key, "e", { ...LONG, max: 5 })).toBe(5);
  expect(await t.app.memberships.add(key, "f", { ...LONG, max: 5 })).toBeNull();
  await t.app.memberships.remove(key, "a");
  expect(await t.app.memberships.count(key)).toBe(4);
  await t.dispose();
  await redis.stop();
});

test("in memory a set is forgotten with its last member", async () => {
  let now = 0;
  const sets = new MemoryExpiringSets(() => now);
  for (let n = 0; n < 100; n++) await sets.add(`set ${n}`, "a", BRIEF);
  now = BRIEF.ttlMs;
  for (let n = 0; n < 100; n++) await sets.add("another", `m${n}`, LONG);
  expect(sets.size).toBe(1);
});
