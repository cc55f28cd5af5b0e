import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BusMessage } from "#server/contracts/realtime.ts";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { type PrivateRedis, startPrivateRedis } from "#server/testing/services.ts";
import { startTcpProxy, through } from "#server/testing/tcp-proxy.ts";
import { waitUntil } from "#server/testing/wait.ts";

describe.each(COORDINATIONS)("the event bus's contract on %s", (coordination) => {
  let t: TestApp;
  beforeEach(async () => {
    t = await createTestApp({ coordination });
  });
  afterEach(() => t.dispose());

  test("subscribers of a channel get what is published to it, in order, and others nothing", () => {
    const [got, other]: [BusMessage[], BusMessage[]] = [[], []];
    t.app.bus.subscribe("one", (message) => got.push(message));
    t.app.bus.subscribe("two", (message) => other.push(message));
    for (let n = 0; n < 5; n++) t.app.bus.publish("one", "count", { n });
    expect(got.map(({ event, data }) => [event, data])).toEqual([0, 1, 2, 3, 4].map((n) => ["count", { n }]));
    expect(got[0]?.at).toMatch(/^\d{4}-.*Z$/);
    expect(other).toEqual([]);
  });

  test("who has left hears no more; who stayed does", () => {
    const [left, stayed]: [BusMessage[], BusMessage[]] = [[], []];
    const leave = t.app.bus.subscribe("one", (message) => left.push(message));
    t.app.bus.subscribe("one", (message) => stayed.push(message));
    leave();
    leave();
    t.app.bus.publish("one", "news", {});
    expect([left.length, stayed.length]).toEqual([0, 1]);
  });
});

describe("two processes on one Redis", () => {
  let one: TestApp;
  let two: TestApp;
  beforeEach(async () => {
    one = await createTestApp();
    two = await createTestApp({ peerOf: one });
  });
  afterEach(async () => {
    await two.dispose();
    await one.dispose();
  });

  /** Processes that listen to the channel in Redis. */
  async function listeners(): Promise<number> {
    const answer = await one.app.redis?.commands.pubsub("NUMSUB", `${one.env.REDIS_PREFIX}bus:news`);
    return Array.isArray(answer) ? Number(answer[1]) : 0;
  }

  test("each hears the other, once and in order, and itself once", async () => {
    const [atOne, atTwo]: [unknown[], unknown[]] = [[], []];
    one.app.bus.subscribe("news", ({ data }) => atOne.push(data));
    two.app.bus.subscribe("news", ({ data }) => atTwo.push(data));
    await waitUntil("both have subscribed", async () => (await listeners()) === 2);
    for (let n = 0; n < 20; n++) one.app.bus.publish("news", "count", n);
    await waitUntil("the other heard all", () => atTwo.length === 20);
    two.app.bus.publish("news", "count", "done");
    await waitUntil("the answer came", () => atOne.length === 21);
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    expect(atTwo).toEqual([...numbers, "done"]);
    expect(atOne).toEqual([...numbers, "done"]);
  });

  test("nothing that is kept in Redis is without its time to live", async () => {
    one.app.bus.publish("users_channel", "news", {});
    await one.app.bus.history("drivers_channel", null);
    const { redis, keys } = one.app;
    const { position, kept } = keys.busHistory("users_channel");
    for (const key of [position, kept, keys.busHistory("drivers_channel").position, keys.busEra, keys.busServer])
      expect([key, ((await redis?.commands.pttl(key)) ?? 0) > 0]).toEqual([key, true]);
  });

  test("a channel nobody listens to any more is unsubscribed from", async () => {
    const leave = two.app.bus.subscribe("news", () => undefined);
    await waitUntil("subscribed", async () => (await listeners()) === 1);
    leave();
    await waitUntil("unsubscribed", async () => (await listeners()) === 0);
  });
});

test.each(["as it stood", "as it was being made"])(
  "a line to Redis that died in silence %s is noticed, and what was said meanwhile is heard",
  async (when) => {
    const redis = await startPrivateRedis();
    const proxy = await startTcpProxy({ port: redis.port });
    const deaf = await createTestApp({ env: { REDIS_URL: through(proxy, redis.url) } });
    const other = await createTestApp({ peerOf: deaf, env: { REDIS_URL: redis.url } });
    const heard: unknown[] = [];
    deaf.app.bus.subscribe("users_channel", ({ data }) => heard.push(data));
    await waitUntil("heard at all", () => {
      other.app.bus.publish("users_channel", "count", 0);
      return heard.length > 0;
    });
    if (when === "as it was being made") {
      proxy.pause();
      proxy.reset();
      const { commands, subscriber } = deaf.app.redis as NonNullable<typeof deaf.app.redis>;
      const isWaiting = () => [commands, subscriber].every(({ status }) => status === "connect");
      await waitUntil("both wait for Redis' first word", isWaiting);
    }
    proxy.strand();
    proxy.resume();
    for (let n = 1; n <= 5; n++) other.app.bus.publish("users_channel", "count", n);
    await waitUntil("heard", () => heard.at(-1) === 5, 15_000);
    expect(heard.slice(-5)).toEqual([1, 2, 3, 4, 5]);
    await other.dispose();
    await deaf.dispose();
    await proxy.close();
    await redis.stop();
  },
);

describe("two processes whose Redis goes and comes back", () => {
  let redis: PrivateRedis;
  let one: TestApp;
  let two: TestApp;
  beforeEach(async () => {
    redis = await startPrivateRedis();
    one = await createTestApp({ env: { REDIS_URL: redis.url } });
    two = await createTestApp({ peerOf: one });
  });
  afterEach(async () => {
    await two.dispose();
    await one.dispose();
    await redis.stop();
  });

  test("what was subscribed to before and meanwhile is heard again, and what was left is not", async () => {
    const heard = new Map<string, number>();
    const listen = (channel: string) =>
      two.app.bus.subscribe(channel, () => heard.set(channel, (heard.get(channel) ?? 0) + 1));
    listen("before");
    const leave = listen("left");
    await redis.kill();
    await waitUntil("both noticed", () => one.app.redis?.isReady() === false && two.app.redis?.isReady() === false);
    listen("meanwhile");
    leave();
    await redis.start();
    await waitUntil("both are heard", () => {
      for (const channel of ["before", "meanwhile", "left"]) one.app.bus.publish(channel, "news", {});
      return heard.has("before") && heard.has("meanwhile");
    });
    expect(heard.has("left")).toBe(false);
    const channelsInRedis = await one.app.redis?.commands.pubsub("CHANNELS", `${one.env.REDIS_PREFIX}bus:*`);
    const names = (channelsInRedis as string[]).map((key) => key.split(":").at(-1));
    expect(names).toEqual(expect.arrayContaining(["before", "meanwhile"]));
    expect(names).not.toContain("left");
  });
});
