import { afterEach, beforeEach, expect, test } from "vitest";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";
import { openSocket } from "#server/testing/socket-client.ts";
import { waitUntil } from "#server/testing/wait.ts";

/** What the clock brings about, by a worker's process alone: nobody in the test turns the wheel. */
let t: TestApp;
let servers: TestServer[] = [];
beforeEach(async () => {
  t = await createTestApp();
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.kill()));
  servers = [];
  await t.dispose();
});
const spawn = async (roles: "worker" | "gateway", env: Record<string, string> = {}) => {
  const server = await spawnServer({ roles, env: { ...t.env, ...env } });
  servers.push(server);
  return server;
};

test("a gateway is killed with drivers connected: the idle one is off line after the grace, the one on a trip keeps it", async () => {
  const env = { GATEWAY_DEAD_SECONDS: "4", DRIVER_GRACE_SECONDS: "3" };
  const [idle = "", busy = ""] = await t.make.drivers(2);
  const trip = await t.make.trip();
  await t.accept(trip, busy);
  const gateway = await spawn("gateway", env);
  for (const id of [idle, busy]) {
    const client = openSocket(gateway.url);
    client.send({ type: "auth", token: await t.token("driver", id) }, { type: "location", ...HERE });
    await client.next(({ type }) => type === "ready");
  }
  await waitUntil("placed", async () => (await t.value("SELECT count(*)::int FROM user_last_locations")) === 2);
  // Who is connected is told after a moment: a gateway killed before that leaves nobody to be missed.
  await waitUntil("told", async () => (await t.value("SELECT count(*)::int FROM websocket_connections")) === 2);
  await gateway.kill();
  await spawn("worker", env);
  const row = async (id: string) =>
    (await t.rows("SELECT is_online, availability_status FROM driver_details WHERE user_id = $1", [id]))[0];
  await waitUntil("off line", async () => ((await row(idle)) as { is_online: boolean }).is_online === false, 30_000);
  expect(await row(idle)).toEqual({ is_online: false, availability_status: "unavailable" });
  expect(await row(busy)).toEqual({ is_online: true, availability_status: "on_trip" });
  expect(await t.value("SELECT current_status FROM trip_requests WHERE driver_id = $1", [busy])).toBe("accepted");
  expect(await t.value("SELECT disconnected_at IS NOT NULL FROM driver_details WHERE user_id = $1", [busy])).toBe(true);
  expect(await t.broken()).toEqual([]);
});

test("every zone's demand and supply are judged", async () => {
  await t.make.trips(3);
  await spawn("worker");
  await waitUntil("judged", async () => (await t.value("SELECT max(demand) FROM zone_surge")) === 3, 30_000);
});
