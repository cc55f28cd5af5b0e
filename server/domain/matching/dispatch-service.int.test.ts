import { afterEach, beforeEach, expect, test } from "vitest";
import { channels } from "#server/contracts/realtime.ts";
import type { TripRequestInput } from "#server/domain/trips/trip-service.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const METERS_PER_DEGREE = 111_195;
/** Puts drivers north of the pickup, the first at `from` metres, each `step` metres further. */
async function place(drivers: readonly string[], from: number, step: number): Promise<void> {
  for (const [i, id] of drivers.entries()) {
    await t.app.db.pool.query(
      `INSERT INTO user_last_locations (user_id, type, location, recorded_at) VALUES ($1, 'driver', point($2, $3), now())`,
      [id, HERE.lng, HERE.lat + (from + i * step) / METERS_PER_DEGREE],
    );
  }
}
const request: TripRequestInput = {
  pickup: HERE,
  destination: { lat: 30.06, lng: 31.25 },
  stops: [],
  vehicleCategory: "economy",
  paymentMethod: "cash",
  type: "ride_request",
};
const book = async (wish: Partial<TripRequestInput> = {}) =>
  (await t.app.trips.create(await t.make.customer(), { ...request, ...wish })).id;
const offers = (tripId: string) =>
  t.rows<{ driver_id: string; status: string; batch: number; distance_meters: number }>(
    "SELECT driver_id, status, batch, distance_meters FROM trip_offers WHERE trip_request_id = $1 ORDER BY batch, distance_meters",
    [tripId],
  );
/** The database's clock decides; a test moves what it compares with. */
const past = (set: string, tripId: string) => t.rows(`UPDATE trip_requests SET ${set} WHERE id = $1`, [tripId]);

test("the five nearest free drivers of the category are asked, nearest first, and pushed once", async () => {
  const near = await t.make.drivers(7);
  await place(near, 300, 100);
  const others = [await t.make.driver({ category: "comfort" }), await t.make.driver({ online: false })];
  await place(others, 50, 10);
  const tripId = await book();
  await t.drain();
  const made = await offers(tripId);
  expect(made.map((o) => o.driver_id)).toEqual(near.slice(0, 5));
  expect(made.map((o) => Math.round(o.distance_meters / 100))).toEqual([3, 4, 5, 6, 7]);
  expect(await t.value("SELECT count(*)::int FROM recorded_messages WHERE title = 'New trip'")).toBe(5);
});

test("the search widens until somebody is found, and no further than 5 km", async () => {
  const [far = "", tooFar = ""] = await t.make.drivers(2);
  await place([far], 4700, 0);
  await place([tooFar], 5400, 0);
  const tripId = await book();
  await t.drain();
  expect((await offers(tripId)).map((o) => o.driver_id)).toEqual([far]);
});

test("a job that is run again makes no second batch, and tells the first again", async () => {
  const drivers = await t.make.drivers(9);
  await place(drivers, 300, 100);
  const tripId = await book();
  await t.drain();
  const told: string[] = [];
  for (const id of drivers) t.app.bus.subscribe(channels.offers(id), () => told.push(id));
  await t.app.dispatch.dispatch(tripId, 1);
  expect((await offers(tripId)).map((o) => o.driver_id)).toEqual(drivers.slice(0, 5));
  expect(told.toSorted()).toEqual(drivers.slice(0, 5).toSorted());
});

test("after a release those who were asked before are asked again, but not who declined", async () => {
  const [first = "", declined = "", free = ""] = await t.make.drivers(3);
  await place([first, declined, free], 300, 100);
  const tripId = await book();
  await t.drain();
  await t.app.dispatch.reject(declined, tripId);
  await t.accept(tripId, first);
  await t.drain();
  await t.app.drivers.setAvailability(first, { online: false, availability: "unavailable" });
  await t.app.dispatch.tick();
  await t.drain();
  const open = (await offers(tripId)).filter((o) => o.status === "open");
  expect(open.map((o) => o.driver_id)).toEqual([free]);
});

test("whoever was asked sees where to, not whom, and nothing once the trip is another's", async () => {
  const [asked = "", winner = ""] = await t.make.drivers(2);
  await place([asked, winner], 300, 100);
  const tripId = await book();
  await t.drain();
  const seen = await t.app.trips.get({ type: "driver", id: asked }, tripId);
  expect(seen).toMatchObject({ pickup: HERE, customer: { phone: "" } });
  expect((await t.app.dispatch.openOffers(asked))[0]?.trip.customer.phone).toBe("");
  await t.accept(tripId, winner);
  await expect(t.app.trips.get({ type: "driver", id: asked }, tripId)).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect((await t.app.trips.get({ type: "driver", id: winner }, tripId)).customer.phone).not.toBe("");
});

test("the next batch asks the next drivers; the first offers end by the database's clock", async () => {
  const drivers = await t.make.drivers(7);
  await place(drivers, 300, 100);
  const tripId = await book();
  await t.drain();
  await t.rows("UPDATE trip_offers SET expires_at = now() - interval '1 second'");
  await past("next_dispatch_at = now()", tripId);
  expect(await t.app.dispatch.tick()).toBe(true);
  await t.drain();
  const made = await offers(tripId);
  expect(made.map((o) => [o.batch, o.status])).toEqual([
    ...Array.from({ length: 5 }, () => [1, "expired"]),
    [2, "open"],
    [2, "open"],
  ]);
  expect(made.slice(5).map((o) => o.driver_id)).toEqual(drivers.slice(5));
});

test("a driver who looks at one offer is not shown another", async () => {
  await place(await t.make.drivers(2), 300, 100);
  await book();
  const second = await book();
  await t.drain();
  expect(await offers(second)).toEqual([]);
});

test("nobody near: the batch is not used up, and the trip is looked at again", async () => {
  const tripId = await book();
  await t.drain();
  const [row] = await t.rows<{ dispatch_batch: number; soon: boolean }>(
    "SELECT dispatch_batch, next_dispatch_at < now() + interval '5 seconds' AS soon FROM trip_requests WHERE id = $1",
    [tripId],
  );
  expect(row).toEqual({ dispatch_batch: 0, soon: true });
});

test("a search without a driver ends: expired, with words for the rider, told once", async () => {
  const customer = await t.make.customer();
  const tripId = (await t.app.trips.create(customer, request)).id;
  await t.drain();
  await past("search_ends_at = now(), next_dispatch_at = now()", tripId);
  await t.app.dispatch.tick();
  await t.app.dispatch.tick();
  await t.drain();
  const trip = await t.app.trips.get({ type: "customer", id: customer }, tripId);
  expect(trip).toMatchObject({ status: "expired", version: 1, driverId: null });
  expect(trip.message).toMatch(/No driver was free/);
  expect(await t.value("SELECT count(*)::int FROM recorded_messages WHERE title = 'No driver found'")).toBe(1);
  expect(await t.accept(tripId, await t.make.driver())).toMatchObject({ accepted: false, code: "INVALID_TRANSITION" });
});

// Under load the job of the first batch came later than the second was due; every job then found itself outdated, and
// trips expired without an offer though drivers were free.
test("a batch that still waits in the queue is not overtaken, nor does the search end over it", async () => {
  await place(await t.make.drivers(2), 300, 100);
  const tripId = await book();
  await past("next_dispatch_at = now()", tripId);
  expect(await t.app.dispatch.tick()).toBe(false);
  await past("dispatch_batch = 6", tripId);
  await t.app.dispatch.tick();
  await past("dispatch_batch = 1", tripId);
  await t.drain();
  expect((await offers(tripId)).map((o) => o.batch)).toEqual([1, 1]);
});

test("after six batches the search ends too", async () => {
  const tripId = await book();
  await t.drain();
  await past("dispatch_batch = 6, next_dispatch_at = now()", tripId);
  await t.app.dispatch.tick();
  expect(await t.value("SELECT current_status FROM trip_requests WHERE id = $1", [tripId])).toBe("expired");
});

test("declining ends the offer; whoever was never asked sees no trip", async () => {
  const [asked = "", stranger = ""] = await t.make.drivers(2);
  await place([asked], 300, 0);
  const tripId = await book();
  await t.drain();
  await t.app.dispatch.reject(asked, tripId);
  await t.app.dispatch.reject(asked, tripId);
  expect((await offers(tripId)).map((o) => o.status)).toEqual(["rejected"]);
  await expect(t.app.dispatch.reject(stranger, tripId)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("who takes the trip ends the others' offers", async () => {
  const drivers = await t.make.drivers(3);
  await place(drivers, 300, 100);
  const tripId = await book();
  await t.drain();
  await t.accept(tripId, drivers[1] ?? "");
  await t.drain();
  expect((await offers(tripId)).map((o) => o.status)).toEqual(["revoked", "accepted", "revoked"]);
  expect(await t.app.dispatch.openOffers(drivers[0] ?? "")).toEqual([]);
  expect(await t.broken()).toEqual([]);
});

test("outside every zone nothing is booked", async () => {
  await expect(book({ pickup: { lat: 29.0, lng: 31.24 } })).rejects.toMatchObject({ code: "OUTSIDE_SERVICE_AREA" });
  await expect(book({ vehicleCategory: "rocket" })).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
  expect(await t.value("SELECT count(*)::int FROM trip_requests")).toBe(0);
  expect(await t.value("SELECT count(*)::int FROM outbox")).toBe(0);
});
