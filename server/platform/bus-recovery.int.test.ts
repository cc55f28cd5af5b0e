import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BusMessage, channels } from "#server/contracts/realtime.ts";
import { KEPT_EVENTS } from "#server/platform/event-history.ts";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { type PrivateRedis, startPrivateRedis } from "#server/testing/services.ts";
import { waitUntil } from "#server/testing/wait.ts";

const CHANNEL = channels.offers("a driver");
const count = (app: TestApp, from: number, to: number) => {
  for (let n = from; n <= to; n++) app.app.bus.publish(CHANNEL, "count", n);
};
const dataOf = (messages: readonly BusMessage[]) => messages.map(({ data }) => data);
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const top = async (app: TestApp) => (await app.app.bus.recover(CHANNEL, null)).offset;

describe.each(COORDINATIONS)("recovery's contract on %s", (coordination) => {
  let t: TestApp;
  beforeEach(async () => {
    t = await createTestApp({ coordination });
    await waitUntil("Redis is there", () => t.app.redis === null || t.app.redis.subscriber.status === "ready");
  });
  afterEach(() => t.dispose());

  test("events come in the order of their offsets, without a gap", async () => {
    const heard: BusMessage[] = [];
    t.app.bus.subscribe(CHANNEL, (message) => heard.push(message));
    const start = await t.app.bus.recover(CHANNEL, null);
    count(t, 1, 20);
    await waitUntil("all are heard", () => heard.length === 20);
    expect(heard.map(({ epoch, offset, data }) => [epoch, offset, data])).toEqual(
      numbers(1, 20).map((n) => [start.epoch, start.offset + n, n]),
    );
  });

  test("what came after a position is given once, in order; of the last position, nothing", async () => {
    const start = await t.app.bus.recover(CHANNEL, null);
    count(t, 1, 5);
    await waitUntil("kept", async () => (await top(t)) === start.offset + 5);
    const since = (offset: number, epoch = start.epoch) => t.app.bus.recover(CHANNEL, { epoch, offset });
    expect(await since(start.offset + 2)).toMatchObject({ recovered: true, offset: start.offset + 5 });
    expect(dataOf((await since(start.offset + 2)).missed)).toEqual([3, 4, 5]);
    expect((await since(start.offset + 2)).missed.map(({ offset }) => offset)).toEqual(
      numbers(start.offset + 3, start.offset + 5),
    );
    expect(await since(start.offset + 5)).toMatchObject({ recovered: true, missed: [] });
  });

  test("too long ago, of another epoch or not yet there: not recovered", async () => {
    const { epoch } = await t.app.bus.recover(CHANNEL, null);
    count(t, 1, KEPT_EVENTS + 1);
    await waitUntil("kept", async () => (await top(t)) === KEPT_EVENTS + 1);
    const since = (offset: number, of = epoch) => t.app.bus.recover(CHANNEL, { epoch: of, offset });
    expect(await since(0)).toMatchObject({ recovered: false, missed: [] });
    expect((await since(1)).missed).toHaveLength(KEPT_EVENTS);
    expect(await since(1, "another")).toMatchObject({ recovered: false, missed: [] });
    expect(await since(KEPT_EVENTS + 2)).toMatchObject({ recovered: false, missed: [] });
  });

  test("positions and our own topics keep nothing", async () => {
    const heard: BusMessage[] = [];
    for (const channel of ["ops.trips", channels.driverLocation("x")]) {
      t.app.bus.subscribe(channel, (message) => heard.push(message));
      t.app.bus.publish(channel, "news", {});
    }
    expect(heard.map(({ epoch }) => epoch)).toEqual([undefined, undefined]);
  });

  test("every key of it has a time to live", async () => {
    await t.app.bus.recover(channels.trip("only asked"), null);
    count(t, 1, 3);
    await waitUntil("kept", async () => (await top(t)) === 3);
    const redis = t.app.redis?.commands;
    if (redis === undefined) return;
    const keys = await redis.keys(`${t.env.REDIS_PREFIX}history:*`);
    expect(keys.length).toBeGreaterThanOrEqual(3);
    for (const key of keys) expect(await redis.ttl(key), key).toBeGreaterThan(0);
  });
});

describe("two processes on a Redis that goes", () => {
  let redis: PrivateRedis;
  let one: TestApp;
  let two: TestApp;
  beforeEach(async () => {
    redis = await startPrivateRedis();
    one = await createTestApp({ env: { REDIS_URL: redis.url } });
    two = await createTestApp({ peerOf: one });
    await bothReady();
  });
  afterEach(async () => {
    await two.dispose();
    await one.dispose();
    await redis.stop();
  });
  const bothReady = () =>
    waitUntil("both are connected", () =>
      [one, two].every(({ app }) => app.redis?.isReady() && app.redis.subscriber.status === "ready"),
    );
  const bothAway = () =>
    waitUntil("both noticed", () =>
      [one, two].every(({ app }) => !app.redis?.isReady() && app.redis?.subscriber.status !== "ready"),
    );
  function listen(app: TestApp): BusMessage[] {
    const heard: BusMessage[] = [];
    app.app.bus.subscribe(CHANNEL, (message) => heard.push(message));
    return heard;
  }

  test("both publish at once: every process hears the same order", async () => {
    const [atOne, atTwo] = [listen(one), listen(two)];
    await Promise.all([top(one), top(two)]);
    for (let n = 0; n < 100; n++) {
      one.app.bus.publish(CHANNEL, "count", `one ${n}`);
      two.app.bus.publish(CHANNEL, "count", `two ${n}`);
    }
    await waitUntil("all are heard", () => atOne.length === 200 && atTwo.length === 200);
    expect(atOne).toEqual(atTwo);
    expect(atOne.map(({ offset }) => offset)).toEqual(numbers(1, 200));
  });

  test("what was told at one process is recovered at the other", async () => {
    const { epoch } = await one.app.bus.recover(CHANNEL, null);
    count(one, 1, 4);
    await waitUntil("kept", async () => (await top(two)) === 4);
    expect(dataOf((await two.app.bus.recover(CHANNEL, { epoch, offset: 1 })).missed)).toEqual([2, 3, 4]);
  });

  test("a subscriber's line that breaks for a moment loses nothing", async () => {
    const heard = listen(two);
    await top(two);
    two.app.redis?.subscriber.disconnect(true);
    count(one, 1, 10);
    await waitUntil("all are heard", () => heard.length === 10);
    expect(dataOf(heard)).toEqual(numbers(1, 10));
  });

  test("FLUSHALL begins a new epoch, so nothing is taken for recovered, and live events go on", async () => {
    const heard = listen(two);
    const before = await two.app.bus.recover(CHANNEL, null);
    count(one, 1, 3);
    await waitUntil("heard", () => heard.length === 3);
    await one.app.redis?.commands.flushall();
    count(one, 4, 6);
    await waitUntil("heard", () => heard.length === 6);
    expect(dataOf(heard)).toEqual(numbers(1, 6));
    expect(await two.app.bus.recover(CHANNEL, { epoch: before.epoch, offset: 3 })).toMatchObject({
      recovered: false,
      missed: [],
    });
    expect(heard[3]?.epoch).not.toBe(before.epoch);
  });

  test("without Redis each process tells its own at once; afterwards all hear all, and nobody recovers over the hole", async () => {
    const [atOne, atTwo] = [listen(one), listen(two)];
    const before = await one.app.bus.recover(CHANNEL, null);
    count(one, 1, 2);
    await waitUntil("both heard", () => atOne.length === 2 && atTwo.length === 2);
    await redis.kill();
    await bothAway();
    count(one, 3, 4);
    expect(dataOf(atOne)).toEqual([1, 2, 3, 4]);
    expect(await one.app.bus.recover(CHANNEL, { epoch: before.epoch, offset: 2 })).toMatchObject({ recovered: false });
    await redis.start();
    await bothReady();
    count(one, 5, 6);
    await waitUntil("the other hears again", () => atTwo.length === 4);
    await waitUntil("heard here", () => atOne.length === 6);
    expect([dataOf(atOne), dataOf(atTwo)]).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 2, 5, 6],
    ]);
    expect(await two.app.bus.recover(CHANNEL, { epoch: before.epoch, offset: 2 })).toMatchObject({ recovered: false });
  });
});

/** A Redis that stayed up while one process could not reach it: its epoch must end all the same. */
test("what a cut-off process told its own ends the epoch in Redis when it is back", async () => {
  const one = await createTestApp();
  const two = await createTestApp({ peerOf: one });
  await waitUntil("both are connected", () =>
    [one, two].every(({ app }) => app.redis?.isReady() && app.redis.subscriber.status === "ready"),
  );
  try {
    const before = await two.app.bus.recover(CHANNEL, null);
    count(two, 1, 2);
    await waitUntil("kept", async () => (await top(two)) === 2);
    one.app.redis?.commands.disconnect();
    one.app.redis?.subscriber.disconnect();
    await waitUntil("cut off", () => one.app.redis?.isReady() === false);
    count(one, 3, 3);
    await one.app.redis?.commands.connect();
    await one.app.redis?.subscriber.connect();
    count(one, 4, 4);
    await waitUntil("through Redis again", async () => (await top(two)) < 2);
    expect(await two.app.bus.recover(CHANNEL, { epoch: before.epoch, offset: 2 })).toMatchObject({ recovered: false });
  } finally {
    await two.dispose();
    await one.dispose();
  }
});
