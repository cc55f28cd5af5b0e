import { afterEach, beforeEach, expect, test } from "vitest";
import WebSocket from "ws";
import { channels } from "#server/contracts/realtime.ts";
import { type HttpServer, startHttp } from "#server/http/server.ts";
import { createGateway, type Gateway } from "#server/realtime/gateway.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
let gateway: Gateway;
let http: HttpServer;
let open: WebSocket[] = [];

beforeEach(async () => {
  t = await createTestApp();
  gateway = createGateway(t.app);
  http = await startHttp(t.app, {
    console: false,
    upgrade: gateway.upgrade,
    development: false,
  });
});
afterEach(async () => {
  for (const socket of open) socket.terminate();
  open = [];
  gateway.close();
  await http.stop(500);
  await t.dispose();
});

type Frame = Record<string, unknown> & { type: string };
interface Client {
  readonly frames: Frame[];
  send(frame: object | string): void;
  /** The first frame that fits, also when it came already. */
  next(fits: (frame: Frame) => boolean): Promise<Frame>;
  readonly closed: Promise<number>;
}

function connect(path = "/ws", headers: Record<string, string> = {}): Client & { readonly refused: Promise<number> } {
  const socket = new WebSocket(`ws://127.0.0.1:${http.port}${path}`, { headers });
  open.push(socket);
  const frames: Frame[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(String(data)) as Frame));
  socket.on("error", () => undefined);
  const ready = new Promise<void>((resolve) => socket.once("open", () => resolve()));
  return {
    frames,
    send: (frame) => void ready.then(() => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame))),
    async next(fits) {
      await waitUntil("a frame", () => frames.some(fits), 5000);
      return frames.find(fits) as Frame;
    },
    closed: new Promise((resolve) => socket.once("close", (code) => resolve(code))),
    refused: new Promise((resolve) =>
      socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0)),
    ),
  };
}

async function signedIn(type: "driver" | "customer", id: string): Promise<Client> {
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
  for (const channel of [channels.offers(other), channels.trip(tripId), channels.accepted(other), "nonsense"]) {
    client.send({ type: "subscribe", id: channel, channel });
    expect(await client.next((f) => f.id === channel)).toMatchObject({ type: "error", code: "FORBIDDEN" });
  }
  await t.accept(tripId, own);
  client.send({ type: "subscribe", id: "own", channel: channels.trip(tripId) });
  expect(await client.next((f) => f.id === "own")).toMatchObject({ type: "subscribed" });
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
    { type: "auth", token: "x" },
    { type: "auth", token: expired },
  ]) {
    const client = connect();
    client.send(first);
    if (typeof first === "string") client.send({ type: "ping" });
    expect(await client.closed).toBe(3003);
  }
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
