import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { insertHistory, readHistory, turnHistoryOver } from "#server/domain/drivers/location-history-store.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone", env: { LOCATION_INTERVAL_MS: "0" } });
});
afterEach(() => t.dispose());

const point = (userId: string, at: Date, lat: number = HERE.lat) => ({
  ...{ userId, lat, lng: HERE.lng, heading: 90, speed: 8, accuracy: 5, recordedAt: at },
});
const ago = (ms: number) => new Date(Date.now() - ms);
const partitions = async () =>
  (
    await t.rows<{ name: string }>(
      "SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'location_history'::regclass ORDER BY 1",
    )
  ).map(({ name }) => name);
const inTable = (name: string) => t.value<number>(`SELECT count(*)::int FROM ${name}`);

test("a driver's way is kept, with the trip they are on", async () => {
  const [driver, trip] = [await t.make.driver(), await t.make.trip()];
  t.app.locations.accept(driver, HERE);
  await t.app.locations.drain();
  await t.app.history.drain();
  await t.make.place([driver]);
  await t.accept(trip, driver);
  t.app.locations.accept(driver, { lat: HERE.lat + 0.01, lng: HERE.lng, heading: 0, speed: 10 });
  await t.app.locations.drain();
  // As near as to be the same place, and as soon.
  t.app.locations.accept(driver, { lat: HERE.lat + 0.0101, lng: HERE.lng });
  await t.app.locations.drain();
  await t.app.history.drain();
  const span = { driverId: driver, from: ago(60_000).toISOString(), to: ago(-60_000).toISOString() };
  const whole = await readHistory(t.app.db.pool, span);
  expect(whole.points.map(({ lat, tripId }) => [lat, tripId])).toEqual([
    [HERE.lat, null],
    [HERE.lat + 0.01, trip],
  ]);
  expect(whole).toMatchObject({ driver: { id: driver }, thinnedFrom: null });
  const ofTrip = await readHistory(t.app.db.pool, { tripId: trip });
  expect(ofTrip.points).toHaveLength(1);
  expect(ofTrip.marks.map(({ kind }) => kind)).toEqual(["requested", "accepted"]);
});

test("a position belongs to the trip of its moment, written when it may; another driver's way is not the trip's", async () => {
  const [first = "", second = ""] = await t.make.drivers(2);
  const trip = await t.make.trip();
  await t.accept(trip, first);
  await t.rows("UPDATE trip_requests SET locked_at = now() - interval '1 hour' WHERE id = $1", [trip]);
  await insertHistory(t.app.db.pool, [point(first, ago(3_000_000), 30.1)]);
  await t.app.trips.release({ type: "operator", id: first }, trip, "a test", null);
  await t.accept(trip, second);
  await t.rows("UPDATE trip_requests SET locked_at = now() - interval '20 minutes' WHERE id = $1", [trip]);
  await t.app.trips.arrive(second, trip);
  await t.rows(
    "UPDATE trip_requests SET current_status = 'completed', trip_end_time = now() - interval '5 minutes' WHERE id = $1",
    [trip],
  );
  // Written after its end: one from before it, one from after.
  await insertHistory(t.app.db.pool, [point(second, ago(600_000), 30.2)]);
  await insertHistory(t.app.db.pool, [point(second, ago(60_000), 30.3)]);
  expect((await readHistory(t.app.db.pool, { tripId: trip })).points.map(({ lat }) => lat)).toEqual([30.2]);
});

test("more than can be told is thinned evenly, and says so", async () => {
  const driver = await t.make.driver();
  const batch = Array.from({ length: 12_000 }, (_, i) => point(driver, ago(60_000_000 - i * 5000)));
  for (let from = 0; from < batch.length; from += 2000)
    await insertHistory(t.app.db.pool, batch.slice(from, from + 2000));
  const span = { driverId: driver, from: ago(61_000_000).toISOString(), to: new Date().toISOString() };
  const { points, thinnedFrom } = await readHistory(t.app.db.pool, span);
  expect([points.length, thinnedFrom]).toEqual([4000, 12_000]);
});

describe("partitions", () => {
  test("of the coming days are made, what the default one took moves over, and old days are dropped", async () => {
    const driver = await t.make.driver();
    await insertHistory(t.app.db.pool, [point(driver, new Date())]);
    expect(await inTable("location_history_default")).toBe(1);
    const first = await turnHistoryOver(t.app.db, 30);
    expect(first.made).toHaveLength(4);
    expect(await inTable("location_history_default")).toBe(0);
    expect(await inTable("location_history")).toBe(1);
    await t.rows(
      "CREATE TABLE location_history_20200101 PARTITION OF location_history FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-01-02 00:00+00')",
    );
    await insertHistory(t.app.db.pool, [point(driver, new Date("2020-01-01T10:00:00Z"))]);
    await insertHistory(t.app.db.pool, [point(driver, new Date("2019-05-05T10:00:00Z"))]);
    const second = await turnHistoryOver(t.app.db, 30);
    expect(second).toEqual({ made: [], dropped: ["2020-01-01"] });
    expect(await partitions()).not.toContain("location_history_20200101");
    expect(await inTable("location_history")).toBe(1);
  });

  test("are made once by two who turn over at once", async () => {
    await Promise.all([turnHistoryOver(t.app.db, 30), turnHistoryOver(t.app.db, 30)]);
    expect(await partitions()).toHaveLength(5);
  });

  test("mutation: without the default one a position of a day not made is refused", async () => {
    const driver = await t.make.driver();
    await insertHistory(t.app.db.pool, [point(driver, new Date())]);
    await t.rows("ALTER TABLE location_history DETACH PARTITION location_history_default");
    await expect(insertHistory(t.app.db.pool, [point(driver, new Date())])).rejects.toThrow(/no partition/);
  });
});

test("while the database is away positions wait, and are written when it is back", async () => {
  const driver = await t.make.driver();
  await t.rows("ALTER TABLE location_history RENAME TO away");
  t.app.locations.accept(driver, HERE);
  await t.app.locations.drain();
  await t.app.history.drain();
  await t.rows("ALTER TABLE away RENAME TO location_history");
  await t.app.history.drain();
  expect(await inTable("location_history")).toBe(1);
});
