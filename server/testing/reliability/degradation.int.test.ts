import { createServer, type Server } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { withClient } from "#scripts/services/databases.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { type PrivateRedis, startPrivateRedis } from "#server/testing/services.ts";
import { startTcpProxy, type TcpProxy, through } from "#server/testing/tcp-proxy.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
afterEach(() => t.dispose());

const booking = {
  pickup: HERE,
  destination: { lat: 30.06, lng: 31.25 },
  vehicleCategory: "economy",
  paymentMethod: "cash",
};

async function book(): Promise<Awaited<ReturnType<typeof call>>> {
  const token = await t.token("customer", await t.make.customer());
  const headers = { "idempotency-key": crypto.randomUUID() };
  return call(`${await t.listen()}/api/v1/trips`, { token, body: booking, headers });
}

/** Reliability, "Degradation": routing down. */
describe("the routing provider", () => {
  let roads: Server;
  let behave: "well" | "silent" = "well";
  async function serve(): Promise<void> {
    roads = createServer((_, response) => {
      if (behave === "well")
        response.end(JSON.stringify({ code: "Ok", routes: [{ distance: 2345, duration: 456, geometry: "abc" }] }));
    });
    await new Promise<void>((resolve) => roads.listen(0, "127.0.0.1", resolve));
    const address = roads.address();
    const port = typeof address === "object" ? address?.port : 0;
    t = await createTestApp({ env: { ROUTING_PROVIDER: "osrm", ROUTING_URL: `http://127.0.0.1:${port}` } });
  }
  afterEach(() => {
    roads.closeAllConnections();
    roads.close();
  });

  test("answers: the way by road is booked", async () => {
    behave = "well";
    await serve();
    const { status, body } = await book();
    expect(status).toBe(201);
    expect(body).toMatchObject({ routeEstimated: false, estimatedDistanceMeters: 2345, estimatedDurationSeconds: 456 });
  });

  test("is silent: the trip is booked all the same, on a straight line, and says so; soon it is not even asked", async () => {
    behave = "silent";
    await serve();
    for (let n = 0; n < 2; n++) {
      const began = performance.now();
      const { status, body } = await book();
      expect(status).toBe(201);
      expect(body).toMatchObject({ routeEstimated: true, estimatedDistanceMeters: expect.any(Number) });
      expect(performance.now() - began).toBeLessThan(5000);
    }
  });
});

/** Reliability, "Degradation": Redis down. */
describe("Redis", () => {
  let redis: PrivateRedis;
  let proxy: TcpProxy;
  afterEach(async () => {
    await proxy.close();
    await redis.stop();
  });

  test.each(["killed", "silent"] as const)("%s: the nearest drivers are found all the same, at once", async (how) => {
    redis = await startPrivateRedis();
    proxy = await startTcpProxy({ port: redis.port });
    t = await createTestApp({ env: { REDIS_URL: through(proxy, redis.url) } });
    const drivers = await t.make.drivers(3);
    await t.make.place(drivers);
    await t.app.driverIndexSync?.tick();
    const economy = await t.value<string>("SELECT id FROM vehicle_categories WHERE code = 'economy'");
    const near = () => t.app.driverIndex.nearest({ at: HERE, categoryId: economy, radiusMeters: 100, limit: 5 });
    expect(await near()).toHaveLength(3);
    if (how === "killed") await redis.kill();
    else proxy.pause();
    const began = performance.now();
    expect(await near()).toHaveLength(3);
    expect(performance.now() - began).toBeLessThan(1500);
    const searches = (await t.app.metrics.driverSearches.get()).values;
    expect(searches.map(({ labels, value }) => [labels.source, value])).toEqual([
      ["redis", 1],
      ["postgres", 1],
    ]);
    if (how === "silent") proxy.resume();
  });
});

/** Reliability, "Degradation": the database read-only, as a standby is until it is promoted. */
test("a database that only reads: reads go on, writes are 503 DB_READ_ONLY, and go again when it writes", async () => {
  t = await createTestApp();
  const [customer, driver] = [await t.make.customer(), await t.make.driver()];
  const trip = await t.make.trip({ customerId: customer });
  const [rider, wheel] = [await t.token("customer", customer), await t.token("driver", driver)];
  const url = await t.listen();
  const setReadOnly = (to: "on" | "off") =>
    withClient(t.env.DATABASE_URL ?? "", async (client) => {
      const name = await t.value<string>("SELECT current_database()");
      await client.query("SET default_transaction_read_only = off");
      await client.query(`ALTER DATABASE "${name}" SET default_transaction_read_only = ${to}`);
      // Those that are connected already do not hear of it.
      await client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
      );
      await waitUntil("connected anew", async () => (await t.app.db.ping().catch(() => null)) !== null);
    });
  const read = () => call(`${url}/api/v1/trips/${trip}`, { method: "GET", token: rider });
  const accept = () => call(`${url}/api/v1/trips/${trip}/accept`, { token: wheel, body: {} });
  await setReadOnly("on");
  expect(await read()).toMatchObject({ status: 200, body: { id: trip, status: "pending" } });
  const headers = { "idempotency-key": "read-only" };
  for (const refused of [await accept(), await call(`${url}/api/v1/trips`, { token: rider, body: booking, headers })])
    expect([refused.status, refused.body.code, Number(refused.headers.get("retry-after")) > 0]).toEqual([
      503,
      "DB_READ_ONLY",
      true,
    ]);
  await setReadOnly("off");
  expect((await accept()).status).toBe(200);
  expect(await read()).toMatchObject({ status: 200, body: { status: "accepted" } });
});
