import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { AssignmentStore } from "#server/domain/assignment/assignment-store.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
let store: AssignmentStore;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  store = new AssignmentStore(t.app.db.pool);
});
afterEach(() => t.dispose());

const ask = async (tripId: string, driverId: string, expectedVersion: number | null = null) =>
  (await store.decide([{ attemptId: newId(), tripId, driverId, expectedVersion }]))[0];

/** Runs `accept` so that it begins while `change` is made but not committed, and waits for the row. */
async function acceptWhile(change: string, values: unknown[], accept: () => ReturnType<typeof ask>) {
  const client = await t.app.db.pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(change, values);
    const answer = accept();
    await waitUntil("the accept waits for the row", async () =>
      t.value("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid())"),
    );
    await client.query("COMMIT");
    return await answer;
  } finally {
    client.release();
  }
}
const RELEASE =
  "UPDATE trip_requests SET current_status = 'pending', driver_id = NULL, vehicle_id = NULL, version = version + 1, next_dispatch_at = now() WHERE id = $1";

// The statement's update looked for a pending row in its snapshot, where the trip was still the first driver's, and
// found none: the trip stayed waiting, the second driver stayed on_trip with nothing, and the answer was a 500.
test("a trip released while the accept waits for its row is assigned whole", async () => {
  const [trip, [a = "", b = ""]] = await Promise.all([t.make.trip(), t.make.drivers(2)]);
  await ask(trip, a);
  await t.app.db.pool.query("UPDATE driver_details SET availability_status = 'available' WHERE user_id = $1", [a]);
  const decision = await acceptWhile(RELEASE, [trip], () => ask(trip, b));
  expect(decision).toMatchObject({ kind: "won", trip: { driver_id: b, version: 3, current_status: "accepted" } });
  expect(await t.rows("SELECT driver_id, version FROM trip_requests WHERE id = $1", [trip])).toEqual([
    { driver_id: b, version: 3 },
  ]);
  expect(await t.broken()).toEqual([]);
});

test("a trip cancelled while the accept waits for its row is refused, and its driver stays free", async () => {
  const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
  const cancel = "UPDATE trip_requests SET current_status = 'cancelled', version = version + 1 WHERE id = $1";
  const decision = await acceptWhile(cancel, [trip], () => ask(trip, driver));
  expect(decision).toEqual({ kind: "not_pending", status: "cancelled" });
  expect(await t.value("SELECT availability_status FROM driver_details WHERE user_id = $1", [driver])).toBe(
    "available",
  );
});

test("a driver who goes off line while the accept waits for their row does not get the trip", async () => {
  const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
  const leave = "UPDATE driver_details SET is_online = false, availability_status = 'unavailable' WHERE user_id = $1";
  const decision = await acceptWhile(leave, [driver], () => ask(trip, driver));
  expect(decision).toMatchObject({ kind: "driver_unavailable", why: "The driver is offline." });
  expect(await t.value("SELECT version FROM trip_requests WHERE id = $1", [trip])).toBe(0);
});

test("who may not accept is told why, and nothing changes", async () => {
  const trip = await t.make.trip();
  const noVehicle = await t.make.driver();
  await t.app.db.pool.query("UPDATE vehicles SET is_active = false WHERE driver_id = $1", [noVehicle]);
  const cases = [
    [await t.make.driver({ online: false }), "offline"],
    [await t.make.driver({ category: "comfort" }), "category"],
    [await t.make.driver({ active: false }), "not active"],
    [noVehicle, "no active vehicle"],
    [await t.make.customer(), "not active"],
  ] as const;
  for (const [driver, why] of cases)
    expect(await ask(trip, driver)).toMatchObject({ kind: "driver_unavailable", why: expect.stringContaining(why) });
  expect(await ask(trip, await t.make.driver(), 7)).toEqual({ kind: "version_conflict", version: 0 });
  expect(await ask(newId(), await t.make.driver())).toEqual({ kind: "trip_not_found" });
  expect(await t.rows("SELECT version, driver_id FROM trip_requests WHERE id = $1", [trip])).toEqual([
    { version: 0, driver_id: null },
  ]);
  expect(await t.value("SELECT count(*)::int FROM outbox")).toBe(0);
  expect(await t.broken()).toEqual([]);
});
