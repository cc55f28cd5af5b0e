import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { channels } from "#server/contracts/realtime.ts";
import { readDrivers } from "#server/domain/ops/live-map-store.ts";
import { type HttpServer, startHttp } from "#server/http/server.ts";
import { createGateway, type Gateway } from "#server/realtime/gateway.ts";
import { HERE } from "#server/testing/factories.ts";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";
import { openTestDatabase, type TestDatabase } from "#server/testing/services.ts";
import { openSocket, type SocketClient } from "#server/testing/socket-client.ts";
import { portOf, startTcpProxy, type TcpProxy, through } from "#server/testing/tcp-proxy.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
let gateway: Gateway;
let http: HttpServer;
const open: SocketClient[] = [];
const servers: TestServer[] = [];
const atLast: (() => Promise<void>)[] = [];

async function serve(options: Parameters<typeof createTestApp>[0] = {}): Promise<void> {
  t = await createTestApp(options);
  gateway = createGateway(t.app);
  http = await startHttp(t.app, { console: false, upgrade: gateway.upgrade, development: false });
}
afterEach(async () => {
  for (const socket of open.splice(0)) socket.terminate();
  await Promise.all(servers.splice(0).map((server) => server.kill()));
  await gateway.close();
  await http.stop(500);
  await t.dispose();
  for (const undo of atLast.splice(0)) await undo();
});

async function connect(
  type: "driver" | "customer",
  id: string,
  url = `http://127.0.0.1:${http.port}`,
): Promise<SocketClient> {
  const client = openSocket(url);
  open.push(client);
  client.send({ type: "auth", token: await t.token(type, id) });
  return client;
}
async function signedIn(...args: Parameters<typeof connect>): Promise<SocketClient> {
  const client = await connect(...args);
  await client.next(({ type }) => type === "ready");
  return client;
}
const driverRow = async (id: string) =>
  (
    await t.rows<{ is_online: boolean; availability_status: string; gone: boolean }>(
      "SELECT is_online, availability_status, disconnected_at IS NOT NULL AS gone FROM driver_details WHERE user_id = $1",
      [id],
    )
  )[0];
const isGone = async (id: string) => (await driverRow(id))?.gone === true;
const registered = () => t.value<number>("SELECT count(*)::int FROM websocket_connections");
/** The grace has passed, as far as the database knows. */
async function later(id: string): Promise<void> {
  const past = "- interval '301 seconds'";
  await t.rows(`UPDATE user_last_locations SET updated_at = updated_at ${past} WHERE user_id = $1`, [id]);
  await t.rows(`UPDATE driver_details SET disconnected_at = disconnected_at ${past} WHERE user_id = $1`, [id]);
}

describe.each(COORDINATIONS)("a driver's connection, %s", (coordination) => {
  beforeEach(() => serve({ coordination }));

  test("is known to everyone while it lasts; when the last one ends the driver is gone, and back with the next", async () => {
    const driver = await t.make.driver();
    const [one, two] = [await signedIn("driver", driver), await signedIn("driver", driver)];
    await waitUntil("both are registered", async () => (await registered()) === 2);
    one.terminate();
    await waitUntil("one is left", async () => (await registered()) === 1);
    expect(await isGone(driver)).toBe(false);
    two.terminate();
    await waitUntil("gone", () => isGone(driver));
    expect(await driverRow(driver)).toMatchObject({ is_online: true, availability_status: "available" });
    await signedIn("driver", driver);
    await waitUntil("back", async () => !(await isGone(driver)));
  });

  test("lost, an idle driver is off line after the grace and not before, with offers withdrawn", async () => {
    const driver = await t.make.driver();
    const trip = await t.make.trip();
    await t.rows(
      "INSERT INTO trip_offers (id, trip_request_id, driver_id, batch, distance_meters, expires_at) VALUES (gen_random_uuid(), $1, $2, 1, 10, now() + interval '1 hour')",
      [trip, driver],
    );
    (await signedIn("driver", driver)).terminate();
    await waitUntil("gone", () => isGone(driver));
    expect(await t.app.presence.tick()).toBe(0);
    expect(await driverRow(driver)).toMatchObject({ is_online: true });
    await later(driver);
    expect(await t.app.presence.tick()).toBe(1);
    expect(await driverRow(driver)).toMatchObject({ is_online: false, availability_status: "unavailable" });
    expect(await t.value("SELECT status FROM trip_offers")).toBe("revoked");
    expect(await t.accept(trip, driver)).toMatchObject({ accepted: false });
  });

  test("who is back within the grace, or heard of by REST, stays on line", async () => {
    const [back, rest] = [await t.make.driver(), await t.make.driver()];
    for (const id of [back, rest]) (await signedIn("driver", id)).terminate();
    await waitUntil("both gone", async () => (await isGone(back)) && (await isGone(rest)));
    for (const id of [back, rest]) await later(id);
    await signedIn("driver", back);
    t.app.locations.accept(rest, HERE);
    await t.app.locations.drain();
    await waitUntil("back", async () => !(await isGone(back)));
    await t.app.presence.tick();
    expect([await driverRow(back), await driverRow(rest)]).toEqual(
      Array.from({ length: 2 }, () => ({ is_online: true, availability_status: "available", gone: false })),
    );
  });

  test("lost on a trip: it stays theirs, shown where they were last, and the rider is told; told again when they are back", async () => {
    const [driver, customer] = [await t.make.driver(), await t.make.customer()];
    const trip = await t.make.trip({ customerId: customer });
    await t.make.place([driver]);
    await t.accept(trip, driver);
    await t.drain();
    const rider = await signedIn("customer", customer);
    for (const channel of [channels.trip(trip), channels.driverLocation(trip)]) {
      rider.send({ type: "subscribe", id: channel, channel });
      await rider.next(({ id }) => id === channel);
    }
    (await signedIn("driver", driver)).terminate();
    for (const channel of [channels.trip(trip), channels.driverLocation(trip)])
      expect(await rider.next((f) => f.event === "driver.connection_lost" && f.channel === channel)).toMatchObject({
        epoch: expect.any(String),
        offset: expect.any(Number),
        data: {
          tripId: trip,
          status: "temporarily_offline",
          message: "Driver connection lost. Showing last known location.",
          lastKnownLocation: HERE,
        },
      });
    await later(driver);
    await t.app.presence.tick();
    expect(await driverRow(driver)).toEqual({ is_online: true, availability_status: "on_trip", gone: true });
    const onMap = async () => (await readDrivers(t.app.db.pool, [driver]))[0];
    expect(await onMap()).toMatchObject({ state: "temporarily_offline", ...HERE });
    await signedIn("driver", driver);
    await rider.next((f) => f.event === "driver.connection_restored");
    expect((await onMap())?.state).not.toBe("temporarily_offline");
    expect(await t.broken()).toEqual([]);
  });

  test("a driver who never had one is left alone", async () => {
    const driver = await t.make.driver();
    await t.app.presence.tick();
    expect(await driverRow(driver)).toEqual({ is_online: true, availability_status: "available", gone: false });
  });

  test("at most five a person; the sixth is refused, and one that ends makes room", async () => {
    const driver = await t.make.driver();
    const five = await Promise.all(Array.from({ length: 5 }, () => signedIn("driver", driver)));
    expect(await (await connect("driver", driver)).closed).toBe(3013);
    five[0]?.terminate();
    await waitUntil("room", async () => {
      const client = await connect("driver", driver);
      return Promise.race([
        client.next(({ type }) => type === "ready").then(() => true),
        client.closed.then(() => false),
      ]);
    });
    await signedIn("customer", await t.make.customer());
  });

  test("drivers who were offered a trip are counted while they look at it, and nobody else", async () => {
    const [trip, customer] = [await t.make.trip(), await t.make.customer()];
    const drivers = await t.make.drivers(3);
    for (const driver of drivers.slice(0, 2))
      await t.rows(
        "INSERT INTO trip_offers (id, trip_request_id, driver_id, batch, distance_meters, expires_at) VALUES (gen_random_uuid(), $1, $2, 1, 10, now() + interval '1 hour')",
        [trip, driver],
      );
    const look = async (type: "driver" | "customer", id: string) => {
      const client = await signedIn(type, id);
      client.send({ type: "viewing", id: "v", tripId: trip });
      return client.next((frame) => frame.id === "v");
    };
    expect(await look("driver", drivers[0] ?? "")).toEqual({ type: "viewing", id: "v", tripId: trip, viewers: 1 });
    expect(await look("driver", drivers[1] ?? "")).toMatchObject({ viewers: 2 });
    expect(await look("driver", drivers[1] ?? "")).toMatchObject({ viewers: 2 });
    expect(await look("driver", drivers[2] ?? "")).toMatchObject({ type: "error", code: "FORBIDDEN" });
    expect(await look("customer", customer)).toMatchObject({ type: "error", code: "FORBIDDEN" });
    expect(await t.app.viewers.count(trip)).toBe(2);
  });

  test("GET /ws/stats tells operators who is connected, and nobody else", async () => {
    const [driver, customer] = [await t.make.driver(), await t.make.customer()];
    await signedIn("driver", driver);
    await signedIn("driver", driver);
    await signedIn("customer", customer);
    await waitUntil("all are registered", async () => (await registered()) === 3);
    const url = `http://127.0.0.1:${http.port}/ws/stats`;
    const stats = await call(url, { method: "GET", token: await t.operatorToken(await t.make.operator()) });
    expect(stats.status).toBe(200);
    expect(stats.body).toMatchObject({
      connections: { total: 3, byRole: { driver: 2, customer: 1 } },
      activeDrivers: 1,
      activeUsers: 1,
      messagesPerSecond: { received: expect.any(Number), sent: expect.any(Number) },
      drops: 0,
      servers: [{ connections: 3 }],
    });
    expect((await call(url, { method: "GET" })).status).toBe(401);
    expect((await call(url, { method: "GET", token: await t.token("driver", driver) })).status).toBe(403);
  });
});

describe("gateways", () => {
  const gatewayProcess = async (env: Record<string, string> = {}) => {
    const server = await spawnServer({ roles: "gateway", env: { ...t.env, ...env } });
    servers.push(server);
    return server;
  };

  test("killed: its drivers are gone since it was last heard of, but who connects elsewhere is not", async () => {
    await serve({ env: { GATEWAY_DEAD_SECONDS: "2" } });
    const [lost, moved] = [await t.make.driver(), await t.make.driver()];
    const server = await gatewayProcess();
    await signedIn("driver", lost, server.url);
    await signedIn("driver", moved, server.url);
    await waitUntil("both are registered", async () => (await registered()) === 2);
    await server.kill();
    await signedIn("driver", moved);
    await waitUntil("the gateway is taken for dead", async () => {
      await t.app.presence.tick();
      return isGone(lost);
    });
    expect(await isGone(moved)).toBe(false);
    expect(await registered()).toBe(1);
    await later(lost);
    expect(await t.app.presence.tick()).toBe(1);
    expect(await driverRow(lost)).toMatchObject({ is_online: false });
    expect(await driverRow(moved)).toMatchObject({ is_online: true, gone: false });
  });

  test("killed just after a driver's position came: the driver is gone since then, and off line after the grace", async () => {
    await serve({ env: { GATEWAY_DEAD_SECONDS: "2" } });
    const [driver = "", busy = ""] = await t.make.drivers(2);
    await t.accept(await t.make.trip(), busy);
    const server = await gatewayProcess();
    const clients = [await signedIn("driver", driver, server.url), await signedIn("driver", busy, server.url)];
    await waitUntil("registered", async () => (await registered()) === 2);
    for (const client of clients) client.send({ type: "location", ...HERE });
    await waitUntil("stored", async () => (await t.value("SELECT count(*)::int FROM user_last_locations")) === 2);
    await server.kill();
    await t.rows("UPDATE gateway_servers SET last_seen_at = now() - interval '5 seconds' WHERE pid = $1", [server.pid]);
    await t.app.presence.tick();
    expect(await isGone(driver)).toBe(true);
    for (const id of [driver, busy]) await later(id);
    expect(await t.app.presence.tick()).toBe(1);
    expect(await driverRow(driver)).toMatchObject({ is_online: false });
    expect(await driverRow(busy)).toEqual({ is_online: true, availability_status: "on_trip", gone: true });
    expect((await readDrivers(t.app.db.pool, [busy]))[0]).toMatchObject({ state: "temporarily_offline", ...HERE });
  });

  test("mutation: without its heartbeat a living gateway would be taken for dead", async () => {
    await serve();
    const driver = await t.make.driver();
    await signedIn("driver", driver);
    await waitUntil("registered", async () => (await registered()) === 1);
    await t.rows("UPDATE gateway_servers SET last_seen_at = now() - interval '121 seconds'");
    await t.app.presence.tick();
    expect(await isGone(driver)).toBe(true);
  });

  describe("after the database was away for longer than the grace", () => {
    let database: TestDatabase;
    let proxy: TcpProxy;
    let driver: string;
    beforeEach(async () => {
      database = await openTestDatabase();
      proxy = await startTcpProxy({ port: portOf(database.url) });
      await serve({
        databaseUrl: through(proxy, database.url),
        env: { GATEWAY_DEAD_SECONDS: "2", DRIVER_GRACE_SECONDS: "2" },
      });
      atLast.push(proxy.close, database.drop);
      driver = await t.make.driver();
      await signedIn("driver", driver);
      await waitUntil("registered", async () => (await registered()) === 1);
      expect(await goneWithin(2000)).toEqual([]);
      proxy.setTarget(1);
      proxy.reset();
      await delay(4000);
      proxy.setTarget(portOf(database.url));
    });
    /** Those whom rounds of so long took off line. */
    const goneWithin = async (ms: number) => {
      const gone: number[] = [];
      for (const until = performance.now() + ms; performance.now() < until; await delay(50))
        gone.push(await t.app.presence.watch().catch(() => 0));
      return gone.filter((count) => count > 0);
    };
    const firstRound = async (round: () => Promise<number>) => {
      const results: number[] = [];
      await waitUntil("a round", async () => results.push(await round().catch(() => -1)) > 0 && results.at(-1) !== -1);
      return results.at(-1);
    };

    test("drivers whose connections have lasted all the while stay on line", async () => {
      expect(await firstRound(() => t.app.presence.watch())).toBe(0);
      expect(await goneWithin(3000)).toEqual([]);
      expect(await driverRow(driver)).toEqual({ is_online: true, availability_status: "available", gone: false });
    });

    test("mutation: judged at once, they would all be off line", async () => {
      expect(await firstRound(() => t.app.presence.tick())).toBe(1);
    });
  });

  test("taken for dead while it lives, it tells of its connections anew", async () => {
    await serve({ env: { GATEWAY_DEAD_SECONDS: "2" } });
    const driver = await t.make.driver();
    await signedIn("driver", driver);
    await waitUntil("registered", async () => (await registered()) === 1);
    await t.rows("DELETE FROM gateway_servers");
    expect(await registered()).toBe(0);
    await waitUntil("registered again", async () => (await registered()) === 1);
  });

  test("stopped in order, it takes its leave: its drivers are gone from then on", async () => {
    await serve();
    const driver = await t.make.driver();
    const server = await gatewayProcess();
    const client = await signedIn("driver", driver, server.url);
    await waitUntil("registered", async () => (await registered()) === 1);
    await server.stop();
    expect(await client.closed).toBe(1001);
    expect(await isGone(driver)).toBe(true);
    expect(await t.value("SELECT count(*)::int FROM gateway_servers")).toBe(1);
  });

  test("five connections a person are counted over all of them", async () => {
    await serve();
    const driver = await t.make.driver();
    const server = await gatewayProcess();
    await Promise.all([0, 1, 2].map(() => signedIn("driver", driver, server.url)));
    await Promise.all([0, 1].map(() => signedIn("driver", driver)));
    expect(await (await connect("driver", driver)).closed).toBe(3013);
    expect(await (await connect("driver", driver, server.url)).closed).toBe(3013);
  });

  test("a reader that stops reading is closed at 1 MiB, and nobody else waits for it", async () => {
    await serve();
    const customers = await t.make.customers(2);
    const [slow, quick] = [
      await signedIn("customer", customers[0] ?? ""),
      await signedIn("customer", customers[1] ?? ""),
    ];
    slow.pause();
    const text = "x".repeat(100_000);
    let slowest = 0;
    const heard = () => quick.frames.filter(({ event }) => event === "news").length;
    const sockets = async () => (await t.app.metrics.sockets.get()).values.reduce((sum, { value }) => sum + value, 0);
    for (let n = 1; n <= 400 && (await sockets()) === 2; n++) {
      const said = performance.now();
      t.app.bus.publish("users_channel", "news", text);
      await waitUntil("the other heard it", () => heard() === n);
      slowest = Math.max(slowest, performance.now() - said);
    }
    slow.resume();
    expect([1006, 3008]).toContain(await slow.closed);
    expect(quick.frames.some(({ type }) => type === "error")).toBe(false);
    expect(slowest).toBeLessThan(2000);
  });
});
