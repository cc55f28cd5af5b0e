import { expect, test } from "vitest";
import { createTestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { spawnServer } from "#server/testing/server-process.ts";
import { portOf, startTcpProxy, through } from "#server/testing/tcp-proxy.ts";
import { waitUntil } from "#server/testing/wait.ts";

/** Reliability, "Assignment" 4. A lock with a time-out cannot protect what its holder writes later; the database does. */
test("a holder stopped past its lock's life writes nothing when it goes on", async () => {
  const t = await createTestApp();
  const databaseUrl = t.env.DATABASE_URL ?? "";
  const proxy = await startTcpProxy({ port: portOf(databaseUrl) });
  const [slow, quick] = await Promise.all([
    spawnServer({ roles: "web", env: { ...t.env, DATABASE_URL: through(proxy, databaseUrl), TRIP_LOCK_SECONDS: "1" } }),
    spawnServer({ roles: "web", env: t.env }),
  ]);
  const [trip, [a = "", b = ""]] = await Promise.all([t.make.trip(), t.make.drivers(2)]);
  const [tokenA, tokenB] = await Promise.all([t.token("driver", a), t.token("driver", b)]);

  proxy.pause();
  const late = call(`${slow.url}/api/v1/trips/${trip}/accept`, { token: tokenA, body: {} });
  await waitUntil("the first driver's lock", async () => (await t.app.lock.get(trip))?.ownerDriverId === a);
  slow.freeze();
  await waitUntil("the lock to end", async () => (await t.app.lock.get(trip)) === null);
  const won = await call(`${quick.url}/api/v1/trips/${trip}/accept`, { token: tokenB, body: {} });
  expect(won.status).toBe(200);
  const before = await t.rows("SELECT driver_id, version, locked_at, updated_at FROM trip_requests WHERE id = $1", [
    trip,
  ]);
  const lockBefore = await t.app.lock.get(trip);

  slow.thaw();
  proxy.resume();
  const lost = await late;
  expect([lost.status, lost.body.code]).toEqual([409, "TRIP_ALREADY_ASSIGNED"]);
  expect(
    await t.rows("SELECT driver_id, version, locked_at, updated_at FROM trip_requests WHERE id = $1", [trip]),
  ).toEqual(before);
  expect(before).toMatchObject([{ driver_id: b, version: 1 }]);
  expect(await t.value("SELECT count(*)::int FROM outbox WHERE trip_id = $1", [trip])).toBe(1);
  expect(await t.value("SELECT availability_status FROM driver_details WHERE user_id = $1", [a])).toBe("available");
  // Giving up, the first driver's process must not take the second one's lock with it.
  expect((await t.app.lock.get(trip))?.value).toBe(lockBefore?.value);
  expect(await t.broken()).toEqual([]);

  await Promise.all([slow.stop(), quick.stop()]);
  await proxy.close();
  await t.dispose();
});
