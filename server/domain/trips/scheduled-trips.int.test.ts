import { afterEach, beforeEach, expect, test } from "vitest";
import { readSummary, readTrips } from "#server/domain/ops/live-map-store.ts";
import { listTrips } from "#server/domain/ops/trip-view-store.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { matchingOf, RIDE } from "#server/testing/matching.ts";

let t: TestApp;
let m: ReturnType<typeof matchingOf>;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  m = matchingOf(t);
});
afterEach(() => t.dispose());

const MINUTE = 60_000;
const ahead = (minutes: number) => new Date(Date.now() + minutes * MINUTE);
const dueIn = (trip: string) =>
  t.value<number>(
    "SELECT round(EXTRACT(EPOCH FROM next_dispatch_at - now()) / 60)::int FROM trip_requests WHERE id = $1",
    [trip],
  );
const statusOf = (trip: string) => t.value<string>("SELECT current_status FROM trip_requests WHERE id = $1", [trip]);

test("drivers are asked a quarter of an hour before, by the database's clock, and not earlier", async () => {
  const drivers = await m.driversAt(2, 300);
  const trip = await m.book({ scheduledAt: ahead(60) });
  expect(await dueIn(trip)).toBe(45);
  for (let i = 0; i < 3; i++) {
    expect(await t.app.dispatch.tick()).toBe(false);
    await t.drain();
  }
  await t.app.dispatch.dispatch(trip, 0);
  await t.app.dispatch.dispatch(trip, 1);
  expect(await m.asked(trip)).toEqual([]);
  expect(await statusOf(trip)).toBe("pending");
  expect(await t.broken()).toEqual([]);

  // The three quarters of an hour pass.
  await m.past(
    "next_dispatch_at = now(), search_began_at = now(), search_ends_at = now() + interval '3 minutes', scheduled_at = now() + interval '15 minutes'",
    trip,
  );
  expect(await t.app.dispatch.tick()).toBe(true);
  await t.drain();
  expect((await m.asked(trip)).toSorted()).toEqual(drivers.toSorted());
  expect(await t.accept(trip, drivers[0] ?? "")).toMatchObject({ accepted: true });
});

test("mutation: a trip that is due at once is asked for at once", async () => {
  await m.driversAt(1, 300);
  const trip = await m.book({ scheduledAt: ahead(60) });
  await m.past("next_dispatch_at = now()", trip);
  await t.app.dispatch.tick();
  await t.drain();
  expect(await m.asked(trip)).toHaveLength(1);
});

test("nobody can take it before, neither a driver nor an operator for one; its rider can cancel it", async () => {
  const [driver = ""] = await m.driversAt(1, 300);
  const customer = await t.make.customer();
  const trip = await m.book({ scheduledAt: ahead(60) }, customer);
  expect(await t.accept(trip, driver)).toMatchObject({
    accepted: false,
    code: "INVALID_TRANSITION",
    detail: expect.stringContaining("scheduled for later"),
  });
  const operator = { id: await t.make.operator() };
  const wish = { tripId: trip, driverId: driver, reason: "a test", expectedVersion: 0, requestId: null };
  await expect(t.app.manualAssignment.assign(operator, wish, async () => undefined)).rejects.toMatchObject({
    code: "INVALID_TRANSITION",
  });
  await t.app.trips.cancel({ type: "customer", id: customer }, trip, "changed my mind");
  expect(await statusOf(trip)).toBe("cancelled");
});

test("until then it is no waiting rider, and no trip on the map; the list has it with its time", async () => {
  const at = ahead(90);
  const trip = await m.book({ scheduledAt: at });
  expect(await readSummary(t.app.db.pool)).toMatchObject({ pendingTrips: 0, oldestPendingSeconds: null });
  expect(await readTrips(t.app.db.pool, null)).toEqual([]);
  const filter = { status: null, q: null, zoneId: null, sort: "newest", cursor: null, limit: 10 } as const;
  expect((await listTrips(t.app.db.pool, filter)).items).toMatchObject([{ id: trip, scheduledAt: at.toISOString() }]);
  await m.past("search_began_at = now() - interval '5 seconds'", trip);
  expect(await readSummary(t.app.db.pool)).toMatchObject({ pendingTrips: 1, oldestPendingSeconds: 5 });
  expect(await readTrips(t.app.db.pool, null)).toHaveLength(1);
});

test("over the API: its time in the answer, the estimate kept; too soon, too late or no time: 400, named", async () => {
  const url = `${await t.listen()}/api/v1/trips`;
  const customer = await t.make.customer();
  const book = async (scheduledAt: string) =>
    call(url, {
      token: await t.token("customer", customer),
      headers: { "idempotency-key": crypto.randomUUID() },
      body: {
        pickup: RIDE.pickup,
        destination: RIDE.destination,
        vehicleCategory: "economy",
        paymentMethod: "cash",
        scheduledAt,
      },
    });
  const at = ahead(30).toISOString();
  const booked = await book(at);
  expect(booked.status, booked.text).toBe(201);
  expect(JSON.parse(booked.text)).toMatchObject({
    scheduledAt: at,
    status: "pending",
    estimatedFare: { currency: "EGP" },
  });
  for (const bad of [ahead(14), ahead(30 * 1440 + 1), ahead(-5)].map((date) => date.toISOString())) {
    const refused = await book(bad);
    expect(refused.status).toBe(400);
    expect(refused.text).toContain("scheduledAt");
  }
  expect((await book("tomorrow")).status).toBe(400);
  await t.rows(
    "INSERT INTO business_settings (key, value, updated_by_name) VALUES ('schedule.min_minutes_ahead', '5', 'x')",
  );
});

test("a zone may ask earlier; a pick-up sooner than that is asked for at once", async () => {
  await m.zone({ scheduleLeadMinutes: 40 });
  expect(await dueIn(await m.book({ scheduledAt: ahead(60) }))).toBe(20);
  const soon = await m.book({ scheduledAt: ahead(20) });
  expect(await dueIn(soon)).toBe(0);
  await m.driversAt(1, 300);
  await t.app.dispatch.tick();
  await t.drain();
  expect(await m.asked(soon)).toHaveLength(1);
});
