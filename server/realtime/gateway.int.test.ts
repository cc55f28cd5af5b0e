import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { channels } from "#server/contracts/realtime.ts";
import { type HttpServer, startHttp } from "#server/http/server.ts";
import { createGateway, type Gateway } from "#server/realtime/gateway.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp, type TestAppOptions } from "#server/testing/harness.ts";
import { openTestDatabase } from "#server/testing/services.ts";
import { type Frame, openSocket, type SocketClient } from "#server/testing/socket-client.ts";
import { portOf, startTcpProxy, through } from "#server/testing/tcp-proxy.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
let gateway: Gateway;
let http: HttpServer;
let open: SocketClient[] = [];

beforeEach(() => serve());
afterEach(() => stop());

async function serve(options: TestAppOptions = {}): Promise<void> {
  t = await createTestApp(options);
  gateway = createGateway(t.app);
  http = await startHttp(t.app, {
    console: false,
    upgrade: gateway.upgrade,
    development: false,
  });
}
async function stop(): Promise<void> {
  for (const socket of open) socket.terminate();
  open = [];
  await gateway.close();
  await http.stop(500);
  await t.dispose();
}

function connect(path = "/ws", headers: Record<string, string> = {}): SocketClient {
  const socket = openSocket(`http://127.0.0.1:${http.port}`, { path, headers });
  open.push(socket);
  return socket;
}

async function signedIn(type: "driver" | "customer", id: string): Promise<SocketClient> {
  const client = connect();
  client.send({ type: "auth", token: await t.token(type, id) });
  expect(await client.next((f) => f.type === "ready")).toMatchObject({ heartbeatSeconds: 25 });
  return client;
}

test("a driver's position reaches the map and the database, without waiting for it", async () => {
  const driverId = await t.make.driver();
  const client = await signedIn("driver", driverId);
  client.send({ type: "location", lat: 30.06, lng: 31.25, heading: 90, speed: 8 });
  await waitUntil(
    "the position is stored",
    async () => (await t.value("SELECT count(*)::int FROM user_last_locations")) === 1,
  );
  expect(await t.rows("SELECT location, heading, zone_id IS NOT NULL AS zoned FROM user_last_locations")).toEqual([
    { location: { x: 31.25, y: 30.06 }, heading: 90, zoned: true },
  ]);
});

test("a position out of range is refused with the reason, and the connection stays", async () => {
  const client = await signedIn("driver", await t.make.driver());
  client.send({ type: "location", id: "a", lat: 91, lng: 31 });
  expect(await client.next((f) => f.type === "error")).toMatchObject({ id: "a", code: "VALIDATION_FAILED" });
  client.send({ type: "ping", id: "b" });
  expect(await client.next((f) => f.type === "pong")).toEqual({ type: "pong", id: "b" });
});

test("an offer comes to the driver it is made to, and its end when another takes the trip", async () => {
  const [first = "", second = ""] = await t.make.drivers(2);
  for (const id of [first, second])
    await t.rows(
      "INSERT INTO user_last_locations (user_id, type, location, recorded_at) VALUES ($1, 'driver', point($2, $3), now())",
      [id, HERE.lng, HERE.lat],
    );
  const [one, two] = [await signedIn("driver", first), await signedIn("driver", second)];
  const request = {
    pickup: HERE,
    destination: { lat: 30.06, lng: 31.25 },
    stops: [],
    vehicleCategory: "economy",
    paymentMethod: "cash",
    type: "ride_request",
  } as const;
  const trip = await t.app.trips.create(await t.make.customer(), request);
  await t.drain();
  const isOffer = (f: Frame) => f.event === "offer.created";
  expect(await one.next(isOffer)).toMatchObject({
    type: "event",
    channel: channels.offers(first),
    data: { tripId: trip.id },
  });
  await two.next(isOffer);
  await t.accept(trip.id, first);
  await t.drain();
  expect(await two.next((f) => f.event === "offer.ended")).toMatchObject({
    data: { tripId: trip.id, reason: "taken" },
  });
  expect(await two.next((f) => f.event === "trip.taken")).toMatchObject({ channel: channels.takenByAnother(second) });
});

test("nobody hears what is not theirs", async () => {
  const [own = "", other = ""] = await t.make.drivers(2);
  const tripId = await t.make.trip();
  const client = await signedIn("driver", own);
  const refused = async (channel: string) => {
    client.send({ type: "subscribe", id: channel.slice(-60), channel });
    return expect(await client.next((f) => f.id === channel.slice(-60)), channel).toMatchObject({
      type: "error",
      code: "FORBIDDEN",
    });
  };
  for (const channel of [channels.offers(other), channels.trip(tripId), channels.accepted(other), "nonsense"])
    await refused(channel);
  for (const madeUp of ["drivers_channel.", `drivers_channel.${own}`, "drivers_channel.x", "users_channel.x", ""])
    await refused(madeUp === "" ? "." : madeUp);
  await t.accept(tripId, own);
  await refused(channels.trip(tripId.toUpperCase()));
  client.send({ type: "subscribe", id: "own", channel: channels.trip(tripId) });
  expect(await client.next((f) => f.id === "own")).toMatchObject({ type: "subscribed" });
});

test("an operator listens to nobody's channel that could be nobody's", async () => {
  const client = connect();
  client.send(
    { type: "auth", token: await t.operatorToken(await t.make.operator()) },
    { type: "subscribe", id: "one", channel: channels.offers(await t.make.driver()) },
    { type: "subscribe", id: "none", channel: channels.offers("x") },
  );
  expect(await client.next((f) => f.id === "one")).toMatchObject({ type: "subscribed" });
  expect(await client.next((f) => f.id === "none")).toMatchObject({ type: "error", code: "FORBIDDEN" });
});

test("a driver whose trip another has hears of its release, and nothing of the other", async () => {
  const [first = "", second = ""] = await t.make.drivers(2);
  const tripId = await t.make.trip();
  const channel = channels.trip(tripId);
  const [old, next] = [await signedIn("driver", first), await signedIn("driver", second)];
  const begin = async (client: SocketClient, driverId: string) => {
    await t.accept(tripId, driverId);
    client.send({ type: "subscribe", channel });
    await client.next((f) => f.type === "subscribed");
    await t.drain();
    await client.next((f) => f.event === "trip.accepted");
  };
  await begin(old, first);
  await t.app.trips.release({ type: "driver", id: first }, tripId, "flat tyre", null);
  await begin(next, second);
  await t.app.trips.arrive(second, tripId);
  await t.drain();
  await next.next((f) => f.event === "trip.arrived");
  await old.next((f) => f.type === "unsubscribed");
  old.send({ type: "ping" });
  await old.next((f) => f.type === "pong");
  const heard = old.frames.filter((f) => f.channel === channel && f.type === "event").map((f) => f.event);
  expect(heard).toEqual(["trip.accepted", "trip.released"]);
});

test("a customer sends no positions", async () => {
  const client = await signedIn("customer", await t.make.customer());
  client.send({ type: "location", lat: 30, lng: 31 });
  expect(await client.next((f) => f.type === "error")).toMatchObject({ code: "FORBIDDEN" });
});

test("without a good first frame the connection is closed", async () => {
  const expired = await t.token("driver", await t.make.driver(), -1);
  for (const first of [
    { type: "ping" },
    "not json at all {",
    Buffer.from([1, 2, 3]),
    { type: "auth", token: "x" },
    { type: "auth", token: expired },
  ]) {
    const client = connect();
    const sent = performance.now();
    client.send(first);
    expect(await client.closed).toBe(3003);
    expect(performance.now() - sent, "closed by the frame, not by the time-out").toBeLessThan(5000);
  }
});

test("who is authenticated stays who they are: a second auth is refused", async () => {
  const [driver, other] = [await t.make.driver(), await t.make.driver()];
  const client = await signedIn("driver", driver);
  client.send({ type: "auth", id: "again", token: await t.token("driver", other) });
  expect(await client.next((f) => f.id === "again")).toMatchObject({ type: "error", code: "VALIDATION_FAILED" });
  client.send({ type: "subscribe", id: "others", channel: channels.offers(other) });
  expect(await client.next((f) => f.id === "others")).toMatchObject({ type: "error", code: "FORBIDDEN" });
});

test("frames over 16 KiB close the connection", async () => {
  const client = await signedIn("driver", await t.make.driver());
  client.send({ type: "ping", id: "x".repeat(17 * 1024) });
  expect(await client.closed).toBe(1009);
});

test("a foreign page and a token in the address are refused before the upgrade", async () => {
  expect(await connect("/ws", { Origin: "https://evil.example" }).refused).toBe(403);
  expect(await connect("/ws?token=abc").refused).toBe(400);
});

test("a client that keeps its side of a refused upgrade open does not hold up the server's stop", async () => {
  for (const path of ["/ws?token=x", "/nowhere"]) {
    const socket = connectTcp({ port: http.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await once(socket.resume(), "end");
    socket.on("error", () => undefined);
  }
  const began = performance.now();
  await http.stop(500);
  expect(performance.now() - began).toBeLessThan(5000);
});

/** Holds the next call of `method` until `open`, so that a test decides what happens during it. */
function gate<O extends object, K extends keyof O>(object: O, method: K): { reached: Promise<void>; open(): void } {
  const original = (object[method] as (...args: unknown[]) => Promise<unknown>).bind(object);
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  object[method] = (async (...args: unknown[]) => {
    object[method] = original as O[K];
    reached.resolve();
    await opened.promise;
    return original(...args);
  }) as O[K];
  return { reached: reached.promise, open: () => opened.resolve() };
}

/** Processes that listen to the channel in Redis. */
async function listeners(channel: string): Promise<number> {
  const answer = await t.app.redis?.commands.pubsub("NUMSUB", `${t.env.REDIS_PREFIX}bus:${channel}`);
  return Array.isArray(answer) ? Number(answer[1]) : -1;
}
const turns = () => new Promise((resolve) => setTimeout(resolve, 50));
const openSockets = async () => (await t.app.metrics.sockets.get()).values.reduce((sum, { value }) => sum + value, 0);

describe("frames of one connection", () => {
  test("sent in one go with auth are taken after it", async () => {
    const [driverId, tripId] = [await t.make.driver(), await t.make.trip()];
    await t.accept(tripId, driverId);
    const channel = channels.trip(tripId);
    const client = connect();
    client.send(
      { type: "auth", token: await t.token("driver", driverId) },
      { type: "location", lat: 30.06, lng: 31.25 },
      { type: "subscribe", id: "s", channel },
      { type: "unsubscribe", id: "u", channel },
      { type: "ping", id: "p" },
    );
    await client.next((f) => f.type === "pong");
    expect(client.frames.map((f) => f.type)).toEqual(["ready", "subscribed", "unsubscribed", "pong"]);
    await t.app.locations.drain();
    expect(await t.value("SELECT count(*)::int FROM user_last_locations")).toBe(1);
    await waitUntil("nobody listens", async () => (await listeners(channel)) === 0);
  });

  test("more than 256 waiting behind a slow one close it with 4290", async () => {
    const client = await signedIn("customer", await t.make.customer());
    const slow = gate(t.app.trips, "get");
    client.send({ type: "subscribe", channel: channels.trip(await t.make.trip()) });
    await slow.reached;
    client.send(...Array.from({ length: 257 }, () => ({ type: "ping" })));
    expect(await client.closed).toBe(4290);
    slow.open();
  });

  test("of which none waits may come in any number", async () => {
    const client = await signedIn("customer", await t.make.customer());
    client.send(...Array.from({ length: 1000 }, () => ({ type: "ping" })));
    await waitUntil("all answers", () => client.frames.filter((f) => f.type === "pong").length === 1000);
  });
});

describe("a person's frames are limited", () => {
  const again = async () => {
    await stop();
    await serve({ limits: "on" });
  };

  test("beyond 120 a minute each is answered with RATE_LIMIT_EXCEEDED; who goes on is closed with 4290", async () => {
    await again();
    const client = await signedIn("customer", await t.make.customer());
    client.send(...Array.from({ length: 121 }, (_, n) => ({ type: "ping", id: String(n) })));
    const refused = await client.next((f) => f.type === "error");
    expect(refused).toMatchObject({
      id: "120",
      code: "RATE_LIMIT_EXCEEDED",
      detail: expect.stringMatching(/\d+ seconds/),
    });
    expect(client.frames.filter((f) => f.type === "pong")).toHaveLength(120);
    client.send(...Array.from({ length: 100 }, () => ({ type: "ping" })));
    expect(await client.closed).toBe(4290);
    expect(client.frames.filter((f) => f.type === "pong")).toHaveLength(120);
  });

  test.each<[string, () => string | Buffer]>([
    ["no JSON", () => "{"],
    ["of no known type", () => JSON.stringify({ type: "nonsense", id: "n" })],
    ["positions that are none", () => JSON.stringify({ type: "location", lat: 400, lng: 0 })],
    ["binary", () => Buffer.from("{}")],
  ])("frames that are %s are frames: who goes on is closed with 4290", async (_, frame) => {
    await again();
    const client = await signedIn("driver", await t.make.driver());
    client.send(...Array.from({ length: 181 }, () => frame()));
    expect(await client.closed).toBe(4290);
    const codes = client.frames.filter((f) => f.type === "error").map((f) => f.code);
    expect(codes.filter((code) => code === "VALIDATION_FAILED")).toHaveLength(120);
    expect(codes.filter((code) => code === "RATE_LIMIT_EXCEEDED").length).toBeGreaterThan(50);
  });

  test("mutation: uncounted, the same frames are answered for ever", async () => {
    await stop();
    await serve({ limits: "off" });
    const client = await signedIn("driver", await t.make.driver());
    client.send(...Array.from({ length: 250 }, () => "{"));
    await waitUntil("all answers", () => client.frames.filter((f) => f.code === "VALIDATION_FAILED").length === 250);
  });

  test("a driver's positions have a limit of their own, over all their connections", async () => {
    await again();
    const driver = await t.make.driver();
    const [one, other] = [await signedIn("driver", driver), await signedIn("driver", driver)];
    const position = { type: "location", lat: HERE.lat, lng: HERE.lng };
    one.send(...Array.from({ length: 100 }, () => position), { type: "ping" });
    await one.next((f) => f.type === "pong");
    expect(one.frames.filter((f) => f.type === "error")).toEqual([]);
    other.send({ ...position, id: "late" }, { type: "ping" });
    expect(await other.next((f) => f.type === "error")).toMatchObject({ id: "late", code: "RATE_LIMIT_EXCEEDED" });
    await other.next((f) => f.type === "pong");
  });
});

test("a connection lost during its authentication is not counted and listens to nothing", async () => {
  const driverId = await t.make.driver();
  const slow = gate(t.app.tokens, "read");
  const client = connect();
  client.send({ type: "auth", token: await t.token("driver", driverId) });
  await slow.reached;
  client.terminate();
  await turns();
  slow.open();
  await turns();
  expect([await openSockets(), await listeners(channels.offers(driverId))]).toEqual([0, 0]);
});

test("a connection lost while it is asked whether it may listen, does not", async () => {
  const customerId = await t.make.customer();
  const channel = channels.trip(await t.make.trip({ customerId }));
  const client = await signedIn("customer", customerId);
  const slow = gate(t.app.trips, "get");
  client.send({ type: "subscribe", channel });
  await slow.reached;
  client.terminate();
  await turns();
  slow.open();
  await turns();
  expect([await openSockets(), await listeners(channel)]).toEqual([0, 0]);
});

test("without the database a subscription is put off, not forbidden", async () => {
  await stop();
  const database = await openTestDatabase();
  const proxy = await startTcpProxy({ port: portOf(database.url) });
  await serve({ databaseUrl: through(proxy, database.url) });
  const customerId = await t.make.customer();
  const channel = channels.trip(await t.make.trip({ customerId }));
  const client = await signedIn("customer", customerId);
  proxy.setTarget(1);
  proxy.reset();
  client.send({ type: "subscribe", id: "away", channel });
  expect(await client.next((f) => f.id === "away")).toMatchObject({ type: "error", code: "SERVICE_UNAVAILABLE" });
  proxy.setTarget(portOf(database.url));
  client.send({ type: "subscribe", id: "back", channel });
  expect(await client.next((f) => f.id === "back")).toMatchObject({ type: "subscribed" });
  client.send({ type: "subscribe", id: "no id", channel: channels.trip("7") });
  expect(await client.next((f) => f.id === "no id")).toMatchObject({ type: "error", code: "FORBIDDEN" });
  await stop();
  await proxy.close();
  await database.drop();
  await serve();
});

test("a rider follows the driver of the trip, until they unsubscribe", async () => {
  const [customerId, driverId] = [await t.make.customer(), await t.make.driver()];
  const tripId = await t.make.trip({ customerId });
  await t.accept(tripId, driverId);
  const channel = channels.driverLocation(tripId);
  const [rider, driver] = [await signedIn("customer", customerId), await signedIn("driver", driverId)];
  rider.send({ type: "subscribe", channel });
  await rider.next((f) => f.type === "subscribed");
  driver.send({ type: "location", lat: 30.06, lng: 31.25 });
  expect(await rider.next((f) => f.type === "event")).toMatchObject({
    channel,
    event: "driver.moved",
    data: { tripId, lat: 30.06, lng: 31.25, heading: null, speed: null, at: expect.any(String) },
  });
  rider.send({ type: "unsubscribe", channel });
  await rider.next((f) => f.type === "unsubscribed");
  await waitUntil("nobody listens", async () => (await listeners(channels.trip(tripId))) === 0);
});
