import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engineWith, noLock, storeWithSql, withoutConditions } from "#server/testing/engine.ts";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { allAtOnce } from "#server/testing/wait.ts";

const at = <T>(items: readonly T[], n: number): T => items[n % items.length] as T;

/** Reliability, "Assignment" 1, 2, 3 and 6, in one process: the engine on each coordination backend. */
describe.each(COORDINATIONS)("the assignment engine on %s", (coordination) => {
  let t: TestApp;
  beforeAll(async () => {
    t = await createTestApp({ coordination });
  });
  afterAll(() => t.dispose());

  test("200 drivers want one trip: one has it, 199 are told so, one row says whose", async () => {
    const [trip, drivers] = await Promise.all([t.make.trip(), t.make.drivers(200)]);
    const outcomes = await allAtOnce(200, (n) => t.accept(trip, at(drivers, n)));
    const won = outcomes.flatMap((outcome, n) => (outcome.accepted ? [{ driver: at(drivers, n), outcome }] : []));
    expect(won).toHaveLength(1);
    expect(outcomes.filter((o) => !o.accepted && o.code === "TRIP_ALREADY_ASSIGNED")).toHaveLength(199);
    const [row] = await t.rows("SELECT driver_id, version, current_status FROM trip_requests WHERE id = $1", [trip]);
    expect(row).toEqual({ driver_id: won[0]?.driver, version: 1, current_status: "accepted" });
    expect(await t.value("SELECT count(*)::int FROM outbox WHERE trip_id = $1", [trip])).toBe(1);
    expect(
      await t.value(
        "SELECT count(*)::int FROM driver_details WHERE user_id = ANY($1) AND availability_status = 'on_trip'",
        [drivers],
      ),
    ).toBe(1);
    expect(await t.broken()).toEqual([]);
  });

  test("one driver wants 50 trips: one is theirs, 49 wait on, unlocked", async () => {
    const [trips, driver] = await Promise.all([t.make.trips(50), t.make.driver()]);
    const outcomes = await allAtOnce(50, (n) => t.accept(at(trips, n), driver));
    expect(outcomes.filter((outcome) => outcome.accepted)).toHaveLength(1);
    expect(outcomes.filter((o) => !o.accepted && o.code === "DRIVER_NOT_AVAILABLE")).toHaveLength(49);
    expect(
      await t.rows("SELECT current_status, count(*)::int FROM trip_requests WHERE id = ANY($1) GROUP BY 1 ORDER BY 1", [
        trips,
      ]),
    ).toEqual([
      { current_status: "accepted", count: 1 },
      { current_status: "pending", count: 49 },
    ]);
    const held = (await t.app.lock.list(1000)).filter((lock) => trips.includes(lock.tripId));
    expect(held.map((lock) => lock.ownerDriverId)).toEqual([driver]);
    expect(await t.broken()).toEqual([]);
  });

  test("the same driver asks ten times at once, and again when lock and version have gone", async () => {
    const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
    const asked = await allAtOnce(10, () => t.accept(trip, driver, 0));
    await t.drain();
    await t.app.trips.arrive(driver, trip);
    asked.push(await t.accept(trip, driver, 0));
    await t.app.lock.releaseOwnedBy(trip, driver);
    asked.push(await t.accept(trip, driver));
    expect(asked.map((o) => o.accepted)).toEqual(Array(12).fill(true));
    expect(asked.filter((o) => o.accepted && !o.alreadyAccepted)).toHaveLength(1);
    await t.drain();
    expect(
      await t.rows(
        "SELECT channel, count(*)::int FROM recorded_messages WHERE dedupe_key LIKE 'otp.%' AND trip_id = $1 GROUP BY 1 ORDER BY 1",
        [trip],
      ),
    ).toEqual([
      { channel: "push", count: 1 },
      { channel: "sms", count: 1 },
    ]);
    expect(await t.broken()).toEqual([]);
  });

  test("1,000 drivers and 1,000 trips: 1,000 assignments, none twice", async () => {
    const [trips, drivers] = await Promise.all([t.make.trips(1000), t.make.drivers(1000)]);
    const outcomes = await allAtOnce(1000, (n) => t.accept(at(trips, n), at(drivers, n)));
    expect(outcomes.filter((outcome) => outcome.accepted && !outcome.alreadyAccepted)).toHaveLength(1000);
    const [counts] = await t.rows(
      `SELECT count(*)::int AS assigned, count(DISTINCT driver_id)::int AS drivers,
         (SELECT count(*)::int FROM outbox WHERE trip_id = ANY($1)) AS told FROM trip_requests WHERE id = ANY($1) AND current_status = 'accepted'`,
      [trips],
    );
    expect(counts).toEqual({ assigned: 1000, drivers: 1000, told: 1000 });
    expect(await t.broken()).toEqual([]);
  });

  test("1,000 accepts at random of 100 drivers and 100 trips: every answer is what the rows say", async () => {
    const [trips, drivers] = await Promise.all([t.make.trips(100), t.make.drivers(100)]);
    const pairs = Array.from({ length: 1000 }, (_, n) => [at(trips, n * 7 + (n >> 3)), at(drivers, n * 13)] as const);
    const outcomes = await Promise.all(pairs.map(([trip, driver]) => t.accept(trip, driver)));
    const rows = await t.rows<{ id: string; driver_id: string | null }>(
      "SELECT id, driver_id FROM trip_requests WHERE id = ANY($1)",
      [trips],
    );
    const driverOf = new Map(rows.map((row) => [row.id, row.driver_id]));
    outcomes.forEach((outcome, n) => {
      const [trip, driver] = pairs[n] as (typeof pairs)[number];
      expect(outcome.accepted).toBe(driverOf.get(trip) === driver);
    });
    const firsts = outcomes.filter((outcome) => outcome.accepted && !outcome.alreadyAccepted);
    expect(firsts).toHaveLength(rows.filter((row) => row.driver_id !== null).length);
    expect(await t.broken()).toEqual([]);
  });

  test("without any lock the database alone keeps one driver to a trip", async () => {
    const [trip, drivers] = await Promise.all([t.make.trip(), t.make.drivers(100)]);
    const engine = engineWith(t.app, { lock: noLock });
    const outcomes = await allAtOnce(100, (n) =>
      engine.accept({ tripId: trip, driverId: at(drivers, n), expectedVersion: null, requestId: null }),
    );
    expect(outcomes.filter((outcome) => outcome.accepted)).toHaveLength(1);
    expect(await t.broken()).toEqual([]);
  });
});

/** The same assertions must turn red when what they watch over is taken away. */
describe("mutations", () => {
  let t: TestApp;
  beforeAll(async () => {
    t = await createTestApp({ coordination: "standalone" });
  });
  afterAll(() => t.dispose());

  test("without the conditions of the update two drivers are given one trip", async () => {
    const [trip, drivers] = await Promise.all([t.make.trip(), t.make.drivers(20)]);
    const broken = storeWithSql(t.app.db.pool, withoutConditions);
    const engine = engineWith(t.app, { lock: noLock, decide: (group) => broken.decide(group) });
    const outcomes = await allAtOnce(20, (n) =>
      engine.accept({ tripId: trip, driverId: at(drivers, n), expectedVersion: null, requestId: null }),
    );
    expect(outcomes.filter((outcome) => outcome.accepted && !outcome.alreadyAccepted).length).toBeGreaterThan(1);
    expect(await t.broken()).toContain("no_ghost_driver");
  });

  test("without the lock on the driver's row and the index, one driver is given two trips", async () => {
    const other = await createTestApp({ coordination: "standalone" });
    await other.app.db.pool.query("DROP INDEX one_live_trip_per_driver");
    const [trips, driver] = await Promise.all([other.make.trips(50), other.make.driver()]);
    const broken = storeWithSql(other.app.db.pool, (sql) =>
      sql.replace(/WHEN d.availability_status <> 'available'[^)]+\)\s+THEN d.availability_status/, ""),
    );
    const engine = engineWith(other.app, { decide: (group) => broken.decide(group) });
    const outcomes = await allAtOnce(50, (n) =>
      engine.accept({ tripId: at(trips, n), driverId: driver, expectedVersion: null, requestId: null }),
    );
    expect(outcomes.filter((outcome) => outcome.accepted).length).toBeGreaterThan(1);
    expect(await other.broken()).toContain("one_live_trip_per_driver");
    await other.dispose();
  });
});
