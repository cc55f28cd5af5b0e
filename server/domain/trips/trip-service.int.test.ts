import { afterEach, beforeEach, expect, test } from "vitest";
import { tripOtp } from "#server/domain/trips/trip-otp.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp();
});
afterEach(() => t.dispose());

async function accepted(): Promise<{ tripId: string; driverId: string; customerId: string }> {
  const customerId = await t.make.customer();
  const [tripId, driverId] = [await t.make.trip({ customerId }), await t.make.driver()];
  await t.accept(tripId, driverId);
  return { tripId, driverId, customerId };
}
const codeOf = (tripId: string, driverId: string) => tripOtp(t.app.config.auth.secret, tripId, driverId);
const driverState = (id: string) => t.value("SELECT availability_status FROM driver_details WHERE user_id = $1", [id]);

test("a trip's whole life: accept, arrive, start with the rider's code, complete, free again", async () => {
  const { tripId, driverId, customerId } = await accepted();
  await t.drain();
  const seen = await t.app.trips.get({ type: "customer", id: customerId }, tripId);
  const sent = await t.value<string>("SELECT body FROM recorded_messages WHERE channel = 'sms'");
  expect(sent).toContain(seen.otp);
  expect((await t.app.trips.get({ type: "driver", id: driverId }, tripId)).otp).toBeUndefined();

  expect(await t.app.trips.arrive(driverId, tripId)).toMatchObject({ status: "arrived", version: 2 });
  expect(await t.app.trips.start(driverId, tripId, seen.otp ?? "")).toMatchObject({ status: "ongoing", version: 3 });
  // 12.00 + 8 km × 5.50 + hardly any time
  expect(await t.app.trips.complete(driverId, tripId, { distanceMeters: 8000 })).toMatchObject({
    status: "completed",
    actualDistanceMeters: 8000,
    actualFare: { amount: 5600, currency: "EGP" },
  });
  expect(await driverState(driverId)).toBe("available");
  expect(await t.app.lock.get(tripId)).toBeNull();
  await t.drain();
  expect(await t.broken()).toEqual([]);
});

test("a category that was switched off, or has no fare any more, does not hold up a ride under way", async () => {
  const { tripId, driverId } = await accepted();
  await t.app.trips.arrive(driverId, tripId);
  await t.app.trips.start(driverId, tripId, codeOf(tripId, driverId));
  await t.rows("UPDATE vehicle_categories SET is_active = false");
  await t.rows("DELETE FROM trip_fares");
  const trip = await t.app.trips.complete(driverId, tripId, { distanceMeters: 8000 });
  expect(trip).toMatchObject({ status: "completed", actualFare: trip.estimatedFare });
  expect(await driverState(driverId)).toBe("available");
});

test("a wrong code starts nothing; five in a row make the driver wait, even with the right one", async () => {
  const { tripId, driverId } = await accepted();
  await t.app.trips.arrive(driverId, tripId);
  const right = codeOf(tripId, driverId);
  const wrong = right === "0000" ? "1111" : "0000";
  for (let i = 0; i < 5; i++)
    await expect(t.app.trips.start(driverId, tripId, wrong)).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
  await expect(t.app.trips.start(driverId, tripId, right)).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
  await t.rows("UPDATE otp_verifications SET last_attempt_at = now() - interval '61 seconds'");
  expect(await t.app.trips.start(driverId, tripId, right)).toMatchObject({ status: "ongoing" });
});

test("steps out of order are refused and change nothing", async () => {
  const { tripId, driverId, customerId } = await accepted();
  const refused = { code: "INVALID_TRANSITION" };
  await expect(t.app.trips.start(driverId, tripId, codeOf(tripId, driverId))).rejects.toMatchObject(refused);
  await expect(t.app.trips.complete(driverId, tripId, { distanceMeters: null })).rejects.toMatchObject(refused);
  await t.app.trips.arrive(driverId, tripId);
  await expect(t.app.trips.arrive(driverId, tripId)).rejects.toMatchObject(refused);
  await t.app.trips.start(driverId, tripId, codeOf(tripId, driverId));
  await expect(t.app.trips.cancel({ type: "customer", id: customerId }, tripId, "late")).rejects.toMatchObject(refused);
  expect(await t.value("SELECT version FROM trip_requests WHERE id = $1", [tripId])).toBe(3);
});

test("another's trip does not exist, for riders and for drivers", async () => {
  const { tripId } = await accepted();
  const missing = { code: "NOT_FOUND" };
  const [stranger, otherDriver] = [await t.make.customer(), await t.make.driver()];
  await expect(t.app.trips.get({ type: "customer", id: stranger }, tripId)).rejects.toMatchObject(missing);
  await expect(t.app.trips.get({ type: "driver", id: otherDriver }, tripId)).rejects.toMatchObject(missing);
  await expect(t.app.trips.arrive(otherDriver, tripId)).rejects.toMatchObject(missing);
  await expect(t.app.trips.cancel({ type: "customer", id: stranger }, tripId, "no")).rejects.toMatchObject(missing);
});

test("a rider's cancellation frees the driver, the lock and the offers, and tells the driver", async () => {
  const { tripId, driverId, customerId } = await accepted();
  const trip = await t.app.trips.cancel({ type: "customer", id: customerId }, tripId, "changed my mind");
  expect(trip).toMatchObject({ status: "cancelled", cancelledBy: "customer", cancelReason: "changed my mind" });
  expect(await driverState(driverId)).toBe("available");
  expect(await t.app.lock.get(tripId)).toBeNull();
  await t.drain();
  expect(await t.value("SELECT count(*)::int FROM recorded_messages WHERE title = 'Trip cancelled'")).toBe(1);
  // The acceptance's own job ran after the cancellation: no code goes out for a trip that nobody drives.
  expect(await t.value("SELECT count(*)::int FROM recorded_messages WHERE body LIKE '%code%'")).toBe(0);
  expect(await t.broken()).toEqual([]);
});

test("going off line hands an accepted trip back, and another driver can take it at once", async () => {
  const { tripId, driverId } = await accepted();
  const state = await t.app.drivers.setAvailability(driverId, { online: false, availability: "unavailable" });
  expect(state).toEqual({ online: false, availability: "unavailable", releasedTripIds: [tripId] });
  expect(await t.rows("SELECT current_status, driver_id, version FROM trip_requests WHERE id = $1", [tripId])).toEqual([
    { current_status: "pending", driver_id: null, version: 2 },
  ]);
  const second = await t.make.driver();
  expect(await t.accept(tripId, second)).toMatchObject({ accepted: true, alreadyAccepted: false });
  await t.drain();
  // One code per driver who had the trip in hand when its job ran: the second one's.
  expect(await t.value("SELECT count(*)::int FROM recorded_messages WHERE channel = 'sms'")).toBe(1);
  expect(await t.broken()).toEqual([]);
});

test("a started trip stays with a driver who goes off line; at its end the driver is not free", async () => {
  const { tripId, driverId } = await accepted();
  await t.app.trips.arrive(driverId, tripId);
  await t.app.trips.start(driverId, tripId, codeOf(tripId, driverId));
  const state = await t.app.drivers.setAvailability(driverId, { online: false, availability: "unavailable" });
  expect(state).toEqual({ online: false, availability: "on_trip", releasedTripIds: [] });
  await t.app.trips.complete(driverId, tripId, { distanceMeters: null });
  expect(await driverState(driverId)).toBe("unavailable");
});

test("going on line in the middle of a trip does not make the driver free for another", async () => {
  const { driverId } = await accepted();
  const state = await t.app.drivers.setAvailability(driverId, { online: true, availability: "available" });
  expect(state.availability).toBe("on_trip");
  expect(await t.accept(await t.make.trip(), driverId)).toMatchObject({
    accepted: false,
    code: "DRIVER_NOT_AVAILABLE",
  });
});

test("an operator acts on what they saw: a trip that moved on is left alone", async () => {
  const { tripId } = await accepted();
  const operator = { type: "operator", id: await t.make.operator() } as const;
  const stale = { code: "VERSION_CONFLICT" };
  await expect(t.app.trips.cancel(operator, tripId, "test", 0)).rejects.toMatchObject(stale);
  await expect(t.app.trips.release(operator, tripId, "test", 0)).rejects.toMatchObject(stale);
  expect(await t.app.trips.release(operator, tripId, "wrong driver", 1)).toMatchObject({
    status: "pending",
    version: 2,
  });
});

test("own trips are listed newest first, page by page, by status", async () => {
  const customerId = await t.make.customer();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift(await t.make.trip({ customerId }));
  await t.make.trip();
  const actor = { type: "customer", id: customerId } as const;
  const first = await t.app.trips.list(actor, { status: null, cursor: null, limit: 3 });
  const second = await t.app.trips.list(actor, { status: null, cursor: first.nextCursor, limit: 3 });
  expect([...first.items, ...second.items].map((trip) => trip.id)).toEqual(ids);
  expect(second.nextCursor).toBeNull();
  expect((await t.app.trips.list(actor, { status: ["cancelled"], cursor: null, limit: 3 })).items).toEqual([]);
});
