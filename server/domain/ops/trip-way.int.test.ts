import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { tripWay } from "#server/domain/ops/trip-way.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const NORTH = { lat: HERE.lat + 0.01, lng: HERE.lng };
const way = (trip: string, seesDrivers = true) => tripWay(t.app, trip, { seesDrivers });

/** A trip whose driver stands at HERE, to be picked up in the north. */
async function acceptedTrip() {
  const [driver, trip] = [await t.make.driver(), await t.make.trip()];
  await t.make.place([driver]);
  await t.rows("UPDATE trip_request_coordinates SET pickup_coordinates = point($2, $3) WHERE trip_request_id = $1", [
    ...[trip, NORTH.lng, NORTH.lat],
  ]);
  await t.accept(trip, driver);
  return { driver, trip };
}

test("the way is drawn as the provider drew it; without one, or with a broken one, straight through the stops", async () => {
  const trip = await t.make.trip();
  const plan = (polyline: string | null) =>
    t.rows("UPDATE trip_requests SET encoded_polyline = $2, route_estimated = $2::text IS NULL WHERE id = $1", [
      ...[trip, polyline],
    ]);
  await t.rows("UPDATE trip_request_coordinates SET intermediate_coordinates = $2 WHERE trip_request_id = $1", [
    ...[trip, JSON.stringify([NORTH])],
  ]);
  const straight = [HERE, NORTH, HERE].map(({ lng, lat }) => [lng, lat]);
  expect((await way(trip))?.planned).toEqual({
    ...{ points: straight, distanceMeters: 5000, durationSeconds: 600, estimated: true },
  });
  await plan("_p~iF~ps|U_ulLnnqC");
  expect((await way(trip))?.planned).toMatchObject({
    points: [
      [-120.2, 38.5],
      [-120.95, 40.7],
    ],
    estimated: false,
  });
  await plan("broken");
  expect((await way(trip))?.planned.points).toEqual(straight);
});

test("a driver on the way to the pickup has a time of arrival there, then at the destination, and none while waiting", async () => {
  const { driver, trip } = await acceptedTrip();
  // 1,112 m at 40 km/h.
  expect((await way(trip))?.eta).toMatchObject({ to: "pickup", seconds: 100, distanceMeters: 1112, estimated: true });
  await t.app.trips.arrive(driver, trip);
  expect((await way(trip))?.eta).toBeNull();
  await t.rows("UPDATE trip_requests SET current_status = 'ongoing', trip_start_time = now() WHERE id = $1", [trip]);
  expect((await way(trip))?.eta).toMatchObject({ to: "destination", seconds: 0, passesStops: false });
});

test("where the driver is, and so when they arrive, is for those who may see drivers", async () => {
  const { trip } = await acceptedTrip();
  expect(await way(trip, false)).toMatchObject({ planned: { distanceMeters: 5000 }, eta: null });
});

test("of a trip that is not there nothing is known", async () => {
  expect(await way(newId())).toBeNull();
});
