import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { channels } from "#server/contracts/realtime.ts";
import { type HttpServer, startHttp } from "#server/http/server.ts";
import { createGateway, type Gateway } from "#server/realtime/gateway.ts";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { type PrivateRedis, startPrivateRedis } from "#server/testing/services.ts";
import { type Frame, openSocket, type SocketClient } from "#server/testing/socket-client.ts";
import { waitUntil } from "#server/testing/wait.ts";

interface Served {
  readonly t: TestApp;
  readonly url: string;
  stop(): Promise<void>;
}
const open: SocketClient[] = [];

async function serve(t: TestApp): Promise<Served> {
  const gateway: Gateway = createGateway(t.app);
  const http: HttpServer = await startHttp(t.app, { console: false, upgrade: gateway.upgrade, development: false });
  return {
    t,
    url: `http://127.0.0.1:${http.port}`,
    async stop() {
      for (const socket of open.splice(0)) socket.terminate();
      await gateway.close();
      await http.stop(500);
      await t.dispose();
    },
  };
}

async function connect({ t, url }: Served, customerId: string): Promise<SocketClient> {
  const client = openSocket(url);
  open.push(client);
  client.send({ type: "auth", token: await t.token("customer", customerId) });
  await client.next((frame) => frame.type === "ready");
  return client;
}
type Place = { epoch: string; offset: number };
async function subscribe(client: SocketClient, channel: string, since: Partial<Place> = {}): Promise<Frame & Place> {
  client.send({ type: "subscribe", id: "s", channel, ...since });
  return (await client.next((frame) => frame.type === "subscribed" && frame.id === "s")) as Frame & Place;
}
const numbers = (client: SocketClient) =>
  client.frames.filter((frame) => frame.type === "event").map(({ data }) => data);
const offsets = (client: SocketClient) =>
  client.frames.filter((frame) => frame.type === "event").map(({ offset }) => offset);

describe.each(COORDINATIONS)("recovery, %s", (coordination) => {
  let served: Served;
  let customer = "";
  let channel = "";
  beforeEach(async () => {
    served = await serve(await createTestApp({ coordination }));
    customer = await served.t.make.customer();
    channel = channels.trip(await served.t.make.trip({ customerId: customer }));
  });
  afterEach(() => served.stop());
  const publish = (from: number, to: number) => {
    for (let n = from; n <= to; n++) served.t.app.bus.publish(channel, "count", n);
  };

  test("who comes back is told what was missed, in order and without a gap, then what comes", async () => {
    const first = await connect(served, customer);
    const place = await subscribe(first, channel);
    expect(place).toMatchObject({ channel, epoch: expect.any(String), offset: 0, recovered: false });
    publish(1, 3);
    await waitUntil("three events", () => numbers(first).length === 3);
    expect(first.frames.filter(({ type }) => type === "event")[2]).toEqual({
      type: "event",
      channel,
      epoch: place.epoch,
      offset: 3,
      event: "count",
      data: 3,
      at: expect.stringMatching(/Z$/),
    });
    first.terminate();
    publish(4, 30);
    const second = await connect(served, customer);
    for (let n = 31; n <= 60; n++) {
      publish(n, n);
      if (n === 40) second.send({ type: "subscribe", id: "s", channel, epoch: place.epoch, offset: 3 });
      if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await waitUntil("all events", () => numbers(second).length >= 57);
    expect(await second.next(({ id }) => id === "s")).toMatchObject({ recovered: true, epoch: place.epoch });
    expect(numbers(second)).toEqual(Array.from({ length: 57 }, (_, i) => i + 4));
    expect(offsets(second)).toEqual(Array.from({ length: 57 }, (_, i) => i + 4));
  });

  test("who missed nothing is told so", async () => {
    const client = await connect(served, customer);
    const { epoch, offset } = await subscribe(client, channel);
    client.terminate();
    const again = await subscribe(await connect(served, customer), channel, { epoch, offset });
    expect(again).toMatchObject({ epoch, offset, recovered: true });
  });

  test.each<[string, (place: Place) => Partial<Place>]>([
    ["of another epoch", (place) => ({ ...place, epoch: "another" })],
    ["that was never reached", (place) => ({ ...place, offset: 1000 })],
    ["without its epoch", ({ offset }) => ({ offset })],
    ["too long ago", (place) => ({ ...place, offset: 0 })],
  ])("a place %s is not recovered, and what comes from now on is heard", async (_, claim) => {
    const client = await connect(served, customer);
    const { epoch } = await subscribe(client, channel);
    publish(1, 300);
    await waitUntil("all published", async () => (await served.t.app.bus.history(channel, null)).offset === 300);
    client.terminate();
    const second = await connect(served, customer);
    expect(await subscribe(second, channel, claim({ epoch, offset: 290 }))).toMatchObject({
      recovered: false,
      offset: 300,
    });
    publish(301, 301);
    await waitUntil("the next one", () => numbers(second).length === 1);
    expect(numbers(second)).toEqual([301]);
  });

  test("of an own channel too: what was missed comes before what came since", async () => {
    channel = channels.accepted(customer);
    const first = await connect(served, customer);
    const { epoch } = await subscribe(first, channel);
    publish(1, 1);
    await waitUntil("one event", () => numbers(first).length === 1);
    first.terminate();
    publish(2, 4);
    const second = openSocket(served.url);
    open.push(second);
    second.send(
      { type: "auth", token: await served.t.token("customer", customer) },
      { type: "subscribe", id: "s", channel, epoch, offset: 1 },
    );
    await second.next(({ type }) => type === "ready");
    publish(5, 6);
    await waitUntil("all", () => numbers(second).length >= 5);
    expect(numbers(second)).toEqual([2, 3, 4, 5, 6]);
  });

  test("mutation: subscribing after reading what was missed leaves a gap", async () => {
    const { bus } = served.t.app;
    const heard: unknown[] = [];
    const { missed } = await bus.history(channel, await bus.history(channel, null));
    publish(1, 1);
    await waitUntil("it is said", async () => (await bus.history(channel, null)).offset === 1);
    bus.subscribe(channel, ({ data }) => heard.push(data));
    await bus.joined(channel);
    publish(2, 2);
    await waitUntil("the second", () => heard.includes(2));
    expect([...(missed ?? []), ...heard]).not.toContain(1);
  });

  test("an own channel of which the app says nothing flows by itself", async () => {
    const client = await connect(served, customer);
    served.t.app.bus.publish(channels.accepted(customer), "count", 1);
    await waitUntil("the event", () => numbers(client).length === 1, 2000);
  });
});

describe("over two gateways", () => {
  let one: Served;
  let two: Served;
  let customer = "";
  let channel = "";
  beforeEach(async () => {
    const t = await createTestApp();
    [one, two] = [await serve(t), await serve(await createTestApp({ peerOf: t }))];
    customer = await t.make.customer();
    channel = channels.trip(await t.make.trip({ customerId: customer }));
  });
  afterEach(async () => {
    await two.stop();
    await one.stop();
  });

  test("what both say at once is heard by all in one order, and recovered at the other one", async () => {
    const [atOne, atTwo] = [await connect(one, customer), await connect(two, customer)];
    const { epoch } = await subscribe(atOne, channel);
    await subscribe(atTwo, channel);
    for (let n = 0; n < 50; n++) {
      one.t.app.bus.publish(channel, "count", `one ${n}`);
      two.t.app.bus.publish(channel, "count", `two ${n}`);
      if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await waitUntil("all heard", () => numbers(atOne).length === 100 && numbers(atTwo).length === 100);
    expect(numbers(atOne)).toEqual(numbers(atTwo));
    expect(offsets(atOne)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    atOne.terminate();
    const again = await connect(two, customer);
    expect(await subscribe(again, channel, { epoch, offset: 90 })).toMatchObject({ recovered: true });
    await waitUntil("the last ten", () => numbers(again).length === 10);
    expect(numbers(again)).toEqual(numbers(atTwo).slice(90));
  });
});

describe("Redis goes and comes back", () => {
  let redis: PrivateRedis;
  let one: Served;
  let two: Served;
  let customer = "";
  let channel = "";
  beforeEach(async () => {
    redis = await startPrivateRedis();
    const t = await createTestApp({ env: { REDIS_URL: redis.url } });
    [one, two] = [await serve(t), await serve(await createTestApp({ peerOf: t }))];
    customer = await t.make.customer();
    channel = channels.trip(await t.make.trip({ customerId: customer }));
  });
  afterEach(async () => {
    await two.stop();
    await one.stop();
    await redis.stop();
  });

  test("connected apps hear their own process meanwhile, and all of them again after; an old place is not recovered", async () => {
    const client = await connect(one, customer);
    const { epoch } = await subscribe(client, channel);
    two.t.app.bus.publish(channel, "count", "before");
    await waitUntil("the first", () => numbers(client).includes("before"));
    await redis.kill();
    await waitUntil("both noticed", () => !one.t.app.redis?.isReady() && !two.t.app.redis?.isReady());
    one.t.app.bus.publish(channel, "count", "meanwhile");
    await waitUntil("the second", () => numbers(client).includes("meanwhile"), 1000);
    await redis.start();
    await waitUntil("heard over Redis again", () => {
      two.t.app.bus.publish(channel, "count", "after");
      return numbers(client).includes("after");
    });
    const again = await connect(one, customer);
    const place = await subscribe(again, channel, { epoch, offset: 1 });
    expect(place).toMatchObject({ recovered: false });
    expect(place.epoch).not.toBe(epoch);
  });

  test("what a process told its own apps while it was alone, nobody recovers over", async () => {
    const before = await subscribe(await connect(two, customer), channel);
    two.t.app.bus.publish(channel, "count", 1);
    await waitUntil("said", async () => (await two.t.app.bus.history(channel, null)).offset === 1);
    // One process alone loses Redis; to the other it is there all the time.
    const { commands } = one.t.app.redis as NonNullable<typeof one.t.app.redis>;
    commands.disconnect();
    await waitUntil("noticed", () => !one.t.app.redis?.isReady());
    one.t.app.bus.publish(channel, "count", "alone");
    await commands.connect();
    one.t.app.bus.publish(channel, "count", 2);
    await waitUntil("said", async () => (await two.t.app.bus.history(channel, null)).epoch !== before.epoch);
    const again = await subscribe(await connect(two, customer), channel, { epoch: before.epoch, offset: 1 });
    expect(again).toMatchObject({ recovered: false });
  });

  test("back with what it held a while ago, it begins a new epoch: nothing is dropped, nobody recovers over the hole", async () => {
    const client = await connect(one, customer);
    const { epoch } = await subscribe(client, channel);
    const say = async (n: number) => {
      two.t.app.bus.publish(channel, "count", n);
      await waitUntil(`heard ${n}`, () => numbers(client).at(-1) === n);
    };
    await say(1);
    await one.t.app.redis?.commands.save();
    await say(2);
    await say(3);
    await redis.kill();
    await waitUntil("both noticed", () => !one.t.app.redis?.isReady() && !two.t.app.redis?.isReady());
    await redis.start();
    const isBack = (served: Served) =>
      served.t.app.redis?.isReady() && served.t.app.redis.subscriber.status === "ready";
    await waitUntil("both are back", () => isBack(one) === true && isBack(two) === true);
    await say(4);
    await say(5);
    expect(numbers(client)).toEqual([1, 2, 3, 4, 5]);
    expect(await subscribe(await connect(one, customer), channel, { epoch, offset: 3 })).toMatchObject({
      recovered: false,
    });
  });

  test("a subscriber's connection lost again and again tells nothing twice", async () => {
    const client = await connect(one, customer);
    await subscribe(client, channel);
    two.t.app.bus.publish(channel, "count", 1);
    await waitUntil("the first", () => numbers(client).length === 1);
    const { commands, subscriber } = one.t.app.redis as NonNullable<typeof one.t.app.redis>;
    const line = (commands as unknown as { stream: Socket }).stream;
    // Slow answers: the next loss comes before them.
    line.pause();
    for (let n = 2; n <= 4; n++) {
      subscriber.disconnect(true);
      await waitUntil("noticed", () => subscriber.status !== "ready");
      two.t.app.bus.publish(channel, "count", n);
      await waitUntil("back", () => subscriber.status === "ready");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    line.resume();
    await waitUntil("all", () => numbers(client).at(-1) === 4);
    two.t.app.bus.publish(channel, "count", 5);
    await waitUntil("the next", () => numbers(client).at(-1) === 5);
    expect(numbers(client)).toEqual([1, 2, 3, 4, 5]);
  });

  test("what was said while only the subscriber's connection was away is heard all the same", async () => {
    const client = await connect(one, customer);
    await subscribe(client, channel);
    two.t.app.bus.publish(channel, "count", 1);
    await waitUntil("the first", () => numbers(client).length === 1);
    one.t.app.redis?.subscriber.disconnect(true);
    for (let n = 2; n <= 6; n++) two.t.app.bus.publish(channel, "count", n);
    await waitUntil("all", () => numbers(client).length >= 6);
    two.t.app.bus.publish(channel, "count", 7);
    await waitUntil("the next", () => numbers(client).length >= 7);
    expect(numbers(client)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});
