import { afterEach, beforeEach, expect, test } from "vitest";
import type { TripDetail } from "#server/contracts/console.ts";
import { FallbackTripLock } from "#server/platform/locks/fallback-trip-lock.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const waiting = () =>
  t.value<number>(
    "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  );
const unrecorded = async () => undefined;
const availability = (driver: string) =>
  t.value("SELECT availability_status FROM driver_details WHERE user_id = $1", [driver]);

test("a ghost is freed; a driver with a live trip is not", async () => {
  const [ghost, busy, trip] = [await t.make.driver(), await t.make.driver(), await t.make.trip()];
  await t.rows("UPDATE driver_details SET availability_status = 'on_trip' WHERE user_id = $1", [ghost]);
  await t.accept(trip, busy);
  const repair = async (driver: string) => (await t.app.locks.repairGhost(driver, unrecorded)).ok;
  expect([await repair(ghost), await repair(busy)]).toEqual([true, false]);
  expect([await availability(ghost), await availability(busy)]).toEqual(["available", "on_trip"]);
  expect(await repair(ghost)).toBe(false);
});

// A single UPDATE that waits for the driver's row looks for the trip in the snapshot of before it waited.
test("a driver who gets a trip while the repair waits for their row keeps it", async () => {
  const [driver, trip] = [await t.make.driver(), await t.make.trip()];
  await t.rows("UPDATE driver_details SET availability_status = 'on_trip' WHERE user_id = $1", [driver]);
  const client = await t.app.db.pool.connect();
  await client.query("BEGIN");
  await client.query(
    "UPDATE driver_details SET availability_status = 'on_trip', updated_at = now() WHERE user_id = $1",
    [driver],
  );
  await client.query(
    `UPDATE trip_requests SET current_status = 'accepted', driver_id = $2, version = 1, locked_at = now(),
       vehicle_id = (SELECT id FROM vehicles WHERE driver_id = $2) WHERE id = $1`,
    [trip, driver],
  );
  const repair = t.app.locks.repairGhost(driver, unrecorded);
  await waitUntil("the repair waits for the row", async () => (await waiting()) > 0);
  await client.query("COMMIT");
  client.release();
  expect(await repair).toMatchObject({ ok: false });
  expect(await availability(driver)).toBe("on_trip");
});

test("a trip's lock is held, free, or not known while the locks cannot be seen; the trip's page answers all the same", async () => {
  const [trip, driver] = [await t.make.trip(), await t.make.driver()];
  const { lock } = t.app;
  const pageOf = async (on: TestApp) => {
    const token = await t.operatorToken(await t.make.operator());
    const input = encodeURIComponent(JSON.stringify({ json: { id: trip } }));
    const answer = await call(`${await on.listen()}/api/trpc/trips.detail?input=${input}`, { token, method: "GET" });
    expect(answer.status, answer.text).toBe(200);
    return (answer.body as { result: { data: { json: TripDetail } } }).result.data.json.lock;
  };
  expect(await pageOf(t)).toEqual({ state: "free" });
  await t.accept(trip, driver);
  expect(await pageOf(t)).toMatchObject({ state: "held", lock: { tripId: trip, ownerDriverId: driver } });

  const away = new FallbackTripLock({ primary: lock, secondary: lock, isReady: () => false });
  const blind = await createTestApp({ peerOf: t, overrides: { lock: away } });
  try {
    expect(await pageOf(blind)).toEqual({ state: "unknown" });
  } finally {
    await blind.dispose();
  }
});
