import { afterEach, beforeEach, expect, test } from "vitest";
import { listTrips, readEvents } from "#server/domain/ops/trip-view-store.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

test("a crowd's retries push nothing else off a trip's page", async () => {
  const [trip, driver] = [await t.make.trip(), await t.make.driver()];
  const add = (kind: string, seconds: number, data: string, times = 1) =>
    t.rows(
      `INSERT INTO trip_events (id, trip_request_id, kind, actor_type, actor_id, data, at)
       SELECT gen_random_uuid(), $1, $2, 'driver', $3, $4::jsonb, now() + make_interval(secs => $5 + n * 0.001) FROM generate_series(1, $6) n`,
      [trip, kind, driver, data, seconds, times],
    );
  await add("offer.sent", 0, JSON.stringify({ driverId: driver }));
  await add("offer.sent", 1, JSON.stringify({ driverId: "no id" }));
  await add("accept.attempt", 2, '{"verdict":"won"}');
  await add("accept.attempt", 3, '{"verdict":"lost"}', 1500);
  await add("trip.arrived", 10, "{}");
  await add("trip.completed", 11, "{}");
  const events = await readEvents(t.app.db.pool, trip);
  expect(events.map(({ kind }) => kind).filter((kind) => kind !== "accept.attempt")).toEqual([
    "offer.sent",
    "offer.sent",
    "trip.arrived",
    "trip.completed",
  ]);
  expect(events.slice(0, 2).map(({ subject_name }) => subject_name)).toEqual(["Test driver", null]);
  const attempts = events.filter(({ kind }) => kind === "accept.attempt");
  expect(attempts).toHaveLength(1001);
  expect(attempts[0]?.data).toEqual({ verdict: "won" });
});

test("one status and several list the same trips, the newest first", async () => {
  const trips = await t.make.trips(5);
  const ids = async (status: readonly ("pending" | "accepted")[] | null) =>
    (
      await listTrips(t.app.db.pool, { status, q: null, zoneId: null, sort: "newest", cursor: null, limit: 3 })
    ).items.map(({ id }) => id);
  const newest = [...trips].sort().reverse().slice(0, 3);
  expect(await ids(null)).toEqual(newest);
  expect(await ids(["pending"])).toEqual(newest);
  expect(await ids(["pending", "accepted"])).toEqual(newest);
  expect(await ids(["accepted"])).toEqual([]);
});
