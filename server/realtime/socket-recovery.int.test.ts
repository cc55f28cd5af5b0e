import { afterEach, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { AppSocket } from "#scripts/simulator/app-socket.ts";
import { type ChannelPosition, channels } from "#server/contracts/realtime.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";
import { type PrivateRedis, startPrivateRedis } from "#server/testing/services.ts";
import { waitUntil } from "#server/testing/wait.ts";

interface Frame extends Partial<ChannelPosition> {
  readonly type: string;
  readonly channel?: string;
  readonly event?: string;
  readonly data?: { readonly n: number };
  readonly recovered?: boolean;
}

/** Two gateways as processes of their own, on one Redis of ours; the test publishes as a worker does. */
describe("two gateway processes", () => {
  let redis: PrivateRedis;
  let t: TestApp;
  let gateways: TestServer[] = [];
  let sockets: WebSocket[] = [];
  let driver = "";
  let channel = "";

  beforeEach(async () => {
    redis = await startPrivateRedis();
    t = await createTestApp({ env: { REDIS_URL: redis.url } });
    driver = await t.make.driver();
    channel = channels.offers(driver);
    gateways = await Promise.all([1, 2].map(() => spawnServer({ roles: "web,gateway", env: { ...t.env, PORT: "0" } })));
    await connected();
  });
  afterEach(async () => {
    for (const socket of sockets) socket.terminate();
    sockets = [];
    for (const gateway of gateways) await gateway.stop();
    await t.dispose();
    await redis.stop();
  });
  const connected = () =>
    waitUntil("connected to Redis", () => t.app.redis?.isReady() === true && t.app.redis.subscriber.status === "ready");
  const urlOf = (gateway: number) => gateways[gateway]?.url ?? "";

  async function open(gateway: number): Promise<{ frames: Frame[]; socket: WebSocket }> {
    const token = await t.token("driver", driver);
    const socket = new WebSocket(`${urlOf(gateway).replace("http", "ws")}/ws`);
    sockets.push(socket);
    const frames: Frame[] = [];
    socket.on("error", () => undefined);
    socket.on("message", (data) => frames.push(JSON.parse(String(data)) as Frame));
    socket.on("open", () => socket.send(JSON.stringify({ type: "auth", token })));
    await waitUntil("ready", () => frames.some(({ type }) => type === "ready"));
    return { frames, socket };
  }
  async function subscribed(client: { frames: Frame[]; socket: WebSocket }, from: ChannelPosition | null) {
    client.socket.send(JSON.stringify({ type: "subscribe", channel, ...from }));
    await waitUntil("subscribed", () => client.frames.some(({ type }) => type === "subscribed"));
    return client.frames.find(({ type }) => type === "subscribed") as Frame & ChannelPosition;
  }
  const tell = (from: number, to: number) => {
    for (let n = from; n <= to; n++) t.app.bus.publish(channel, "count", { n });
  };
  const heard = (frames: readonly Frame[]) =>
    frames.filter(({ event }) => event === "count").map(({ data }) => data?.n);
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  test("an event reaches every process; who moves to the other misses nothing, in order, while more comes", async () => {
    const [first, watcher] = [await open(0), await open(1)];
    const start = await subscribed(first, null);
    await subscribed(watcher, null);
    tell(1, 10);
    await waitUntil("both heard", () => heard(first.frames).length === 10 && heard(watcher.frames).length === 10);
    const last = first.frames.filter(({ event }) => event === "count").at(-1);
    first.socket.terminate();
    tell(11, 30);
    const again = await open(1);
    let n = 31;
    const going = setInterval(() => tell(n, n++), 2);
    const position = { epoch: last?.epoch ?? "", offset: last?.offset ?? 0 };
    const answer = await subscribed(again, position);
    await waitUntil("live again", () => n > 60);
    clearInterval(going);
    const at = again.frames.findIndex(({ type }) => type === "subscribed");
    await waitUntil("all heard", () => heard(again.frames.slice(at)).length >= n - 11);
    expect(answer).toMatchObject({ recovered: true, ...position });
    expect(heard(again.frames.slice(at)), "from the answer on").toEqual(numbers(11, n - 1));
    expect(again.frames.slice(at + 1).map(({ offset }) => offset)).toEqual(
      numbers(start.offset + 11, start.offset + n - 1),
    );
  });

  test("an unknown epoch, or one before FLUSHALL, is not recovered, and live events come", async () => {
    const first = await open(0);
    const { epoch, offset } = await subscribed(first, null);
    tell(1, 2);
    await waitUntil("heard", () => heard(first.frames).length === 2);
    await t.app.redis?.commands.flushall();
    const again = await open(1);
    expect(await subscribed(again, { epoch, offset })).toMatchObject({ recovered: false });
    tell(3, 3);
    await waitUntil("live", () => heard(again.frames).at(-1) === 3 && heard(first.frames).at(-1) === 3);
  });

  test("Redis killed and back: subscriptions are there again by themselves on both", async () => {
    const [first, second] = [await open(0), await open(1)];
    const { epoch, offset } = await subscribed(first, null);
    await subscribed(second, null);
    await redis.kill();
    await waitUntil("noticed", () => t.app.redis?.isReady() === false);
    await redis.start();
    await connected();
    let n = 0;
    await waitUntil("both hear again", () => {
      tell(++n, n);
      return heard(first.frames).length > 0 && heard(second.frames).length > 0;
    });
    const late = await open(1);
    expect(await subscribed(late, { epoch, offset })).toMatchObject({ recovered: false });
  });

  test("the simulator's app hands on each event once, over a lost line", async () => {
    const token = await t.token("driver", driver);
    const got: number[] = [];
    const app = new AppSocket({
      baseUrl: urlOf(0),
      token: () => token,
      random: () => 0,
      onEvent: ({ event, data }) => {
        if (event === "count") got.push((data as { n: number }).n);
      },
      ...{ onReady: () => undefined, onRefused: () => undefined },
    });
    let now = Date.now();
    const ticking = setInterval(() => {
      now += 1000;
      app.tick(now);
    }, 20);
    await waitUntil("ready", () => app.ready);
    tell(1, 5);
    await waitUntil("heard", () => got.length === 5);
    const id = gateways[0];
    id?.freeze();
    tell(6, 20);
    await waitUntil("the line is given up", () => !app.ready);
    id?.thaw();
    await waitUntil("back", () => app.ready);
    tell(21, 21);
    await waitUntil("all heard", () => got.at(-1) === 21);
    clearInterval(ticking);
    app.close();
    expect(got).toEqual(numbers(1, 21));
  });
});
