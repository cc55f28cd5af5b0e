import { afterEach, beforeEach, expect, test } from "vitest";
import { channels } from "#server/contracts/realtime.ts";
import { ManualAssignment } from "#server/domain/assignment/manual-assignment.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { matchingOf } from "#server/testing/matching.ts";

let t: TestApp;
let m: ReturnType<typeof matchingOf>;
let operator: string;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  m = matchingOf(t);
  operator = await t.make.operator();
});
afterEach(() => t.dispose());

const recorded = async () => undefined;
const assign = (tripId: string, driverId: string, expectedVersion = 0) =>
  t.app.manualAssignment.assign(
    { id: operator },
    { tripId, driverId, reason: "the rider called", expectedVersion, requestId: null },
    recorded,
  );
const tripOf = async (id: string) =>
  (await t.rows("SELECT current_status, driver_id, version FROM trip_requests WHERE id = $1", [id]))[0];
const stateOf = (driver: string) =>
  t.value<string>("SELECT availability_status FROM driver_details WHERE user_id = $1", [driver]);

test("a waiting trip: its driver, code and messages as by any accept; who was asked is told", async () => {
  const [chosen = "", asked = ""] = await m.driversAt(2, 300);
  const far = (await m.driversAt(1, 15_000))[0] ?? "";
  const trip = await m.book();
  await t.drain();
  const ended: unknown[] = [];
  for (const driver of [chosen, asked]) t.app.bus.subscribe(channels.offers(driver), ({ event }) => ended.push(event));
  expect(await assign(trip, far)).toMatchObject({ status: "accepted", driverId: far, version: 1 });
  await t.drain();
  expect(ended).toEqual(["offer.ended", "offer.ended"]);
  expect(
    await t.value("SELECT count(*)::int FROM recorded_messages WHERE body LIKE '%code%' AND channel = 'sms'"),
  ).toBe(1);
  expect((await t.app.lock.get(trip))?.ownerDriverId).toBe(far);
  const attempt = await t.rows(
    "SELECT actor_type, data->>'driverId' AS driver FROM trip_events WHERE kind = 'accept.attempt'",
  );
  expect(attempt).toEqual([{ actor_type: "operator", driver: far }]);
  expect(await t.broken()).toEqual([]);
});

test("the engine's conditions hold, each with its reason, and nothing changes", async () => {
  const [busy = "", comfort = "", offline = ""] = [
    await t.make.driver(),
    await t.make.driver({ category: "comfort" }),
    await t.make.driver({ online: false }),
  ];
  await t.accept(await t.make.trip(), busy);
  const trip = await t.make.trip();
  for (const [driver, detail] of [
    [busy, /another trip/],
    [comfort, /not of the category/],
    [offline, /offline/],
  ] as const)
    await expect(assign(trip, driver)).rejects.toMatchObject({
      code: "DRIVER_NOT_AVAILABLE",
      message: expect.stringMatching(detail),
    });
  await expect(assign(trip, await t.make.driver(), 7)).rejects.toMatchObject({ code: "VERSION_CONFLICT" });
  expect(await tripOf(trip)).toEqual({ current_status: "pending", driver_id: null, version: 0 });
});

test("reassigned: one transaction, the old driver is free and told, the new one has it, the rider is told of no search", async () => {
  const [old = "", next = ""] = await t.make.drivers(2);
  const trip = await t.make.trip();
  await t.accept(trip, old);
  await t.drain();
  const told: string[] = [];
  t.app.bus.subscribe(channels.cancelled(old), ({ event }) => told.push(event));
  expect(await assign(trip, next, 1)).toMatchObject({ status: "accepted", driverId: next, version: 3 });
  expect([await stateOf(old), await stateOf(next)]).toEqual(["available", "on_trip"]);
  await t.drain();
  expect(told).toEqual(["trip.released"]);
  expect(await t.value("SELECT count(*)::int FROM recorded_messages WHERE title LIKE 'Finding you%'")).toBe(0);
  expect((await t.app.lock.get(trip))?.ownerDriverId).toBe(next);
  expect(await t.broken()).toEqual([]);
});

test("a reassignment that is refused leaves the trip with its driver", async () => {
  const [old = "", busy = ""] = await t.make.drivers(2);
  const trip = await t.make.trip();
  await t.accept(trip, old);
  await t.accept(await t.make.trip(), busy);
  await expect(assign(trip, busy, 1)).rejects.toMatchObject({
    code: "DRIVER_NOT_AVAILABLE",
    message: expect.stringContaining("stays with its driver"),
  });
  await expect(assign(trip, old, 1)).rejects.toMatchObject({ code: "INVALID_TRANSITION" });
  expect(await tripOf(trip)).toEqual({ current_status: "accepted", driver_id: old, version: 1 });
  await t.app.trips.arrive(old, trip);
  await expect(assign(trip, await t.make.driver(), 2)).rejects.toMatchObject({ code: "INVALID_TRANSITION" });
  await t.drain();
  expect(await t.broken()).toEqual([]);
});

test("operators and drivers at once: one trip has one driver, one driver one trip", async () => {
  for (let round = 0; round < 12; round++) {
    const [a = "", b = "", c = ""] = await t.make.drivers(3);
    const [one, two] = [await t.make.trip(), await t.make.trip()];
    const outcomes = await Promise.allSettled([
      assign(one, a),
      assign(one, b),
      assign(two, a),
      t.accept(one, c).then((outcome) => (outcome.accepted ? outcome : Promise.reject(new Error(outcome.code)))),
      t.accept(two, a).then((outcome) => (outcome.accepted ? outcome : Promise.reject(new Error(outcome.code)))),
    ]);
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled").length).toBeGreaterThan(0);
    const held = await t.rows<{ id: string; driver_id: string }>(
      "SELECT id, driver_id FROM trip_requests WHERE id = ANY($1) AND driver_id IS NOT NULL",
      [[one, two]],
    );
    expect(new Set(held.map((row) => row.driver_id)).size).toBe(held.length);
  }
  await t.drain();
  expect(await t.broken()).toEqual([]);
});

test("mutation: without the engine's condition and its index a busy driver is given a second trip by hand", async () => {
  const [old = "", busy = ""] = await t.make.drivers(2);
  const trip = await t.make.trip();
  await t.accept(trip, old);
  await t.accept(await t.make.trip(), busy);
  await t.rows("DROP INDEX one_live_trip_per_driver");
  const condition = /WHEN d.availability_status <> 'available'[^)]+\)\s+THEN d.availability_status/;
  let applied = false;
  const broken = new ManualAssignment({
    ...{ assignment: t.app.assignment, trips: t.app.trips, lock: t.app.lock, events: t.app.events },
    db: {
      ...t.app.db,
      transaction: (work) =>
        t.app.db.transaction((tx) => {
          const query = (what: { text?: string; values?: unknown[] } | string, values?: unknown[]) => {
            if (typeof what === "string" || what.text === undefined || !condition.test(what.text))
              return tx.query(what as never, values);
            applied = true;
            return tx.query(what.text.replace(condition, ""), what.values);
          };
          return work({ query } as never);
        }),
    },
  });
  const wish = { tripId: trip, driverId: busy, reason: "a test", expectedVersion: 1, requestId: null };
  await broken.assign({ id: operator }, wish, recorded);
  expect(applied).toBe(true);
  expect(await t.broken()).toContain("one_live_trip_per_driver");
});

test("two operators reassign one trip to two drivers: one of them is told that it moved", async () => {
  for (let round = 0; round < 8; round++) {
    const [old = "", a = "", b = ""] = await t.make.drivers(3);
    const trip = await t.make.trip();
    await t.accept(trip, old);
    const outcomes = await Promise.allSettled([assign(trip, a, 1), assign(trip, b, 1)]);
    expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const winner = outcomes[0]?.status === "fulfilled" ? a : b;
    expect(await tripOf(trip)).toEqual({ current_status: "accepted", driver_id: winner, version: 3 });
    expect(await stateOf(winner === a ? b : a)).toBe("available");
  }
  await t.drain();
  expect(await t.broken()).toEqual([]);
});

test("over the console's door: for who holds trips.assign, with its row in the audit log or not at all", async () => {
  const url = `${await t.listen()}/api/trpc/trips.assign`;
  const [driver, trip] = [await t.make.driver(), await t.make.trip()];
  const json = { tripId: trip, driverId: driver, reason: "the rider called", expectedVersion: 0 };
  const viewer = await t.operatorToken(await t.make.operator("viewer"));
  expect((await call(url, { token: viewer, body: { json } })).status).toBe(403);
  const token = await t.operatorToken(operator);
  await t.rows("ALTER TABLE activity_logs ADD CONSTRAINT none CHECK (false) NOT VALID");
  expect((await call(url, { token, body: { json } })).status).toBe(500);
  expect(await tripOf(trip)).toMatchObject({ current_status: "pending", version: 0 });
  await t.rows("ALTER TABLE activity_logs DROP CONSTRAINT none");
  expect((await call(url, { token, body: { json } })).status).toBe(200);
  expect(await t.rows("SELECT action, subject_id, reason, before, after FROM activity_logs")).toEqual([
    {
      action: "trip.assign",
      subject_id: trip,
      reason: "the rider called",
      before: { status: "pending", version: 0, driverId: null },
      after: { status: "accepted", version: 1, driverId: driver },
    },
  ]);
});

test("candidates: best first, then who cannot have it and why; by name too", async () => {
  const free = await m.driversAt(2, 300);
  const busy = (await m.driversAt(1, 200))[0] ?? "";
  await t.accept(await t.make.trip(), busy);
  await t.rows("UPDATE users SET first_name = 'Zubaida' WHERE id = $1", [free[1]]);
  const trip = await m.book();
  const found = await t.app.explainer.candidates(trip, null);
  expect(found.map(({ driverId, refusal }) => [driverId, refusal])).toEqual([
    [free[0], null],
    [free[1], null],
    [busy, "on another trip"],
  ]);
  expect(found[0]).toMatchObject({ distanceMeters: 300, parts: { estimated: true } });
  expect((await t.app.explainer.candidates(trip, "zub")).map(({ driverId }) => driverId)).toEqual([free[1]]);
});
