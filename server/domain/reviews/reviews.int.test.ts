import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

let t: TestApp;
let url: string;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
});
afterAll(() => t.dispose());

/** A trip that has been driven to its end. */
async function completed(): Promise<{ trip: string; customer: string; driver: string; token: string }> {
  const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
  const customer = await t.value<string>("SELECT customer_id FROM trip_requests WHERE id = $1", [trip]);
  expect((await t.accept(trip, driver)).accepted).toBe(true);
  await t.rows("UPDATE trip_requests SET current_status = 'completed', trip_end_time = now() WHERE id = $1", [trip]);
  await t.rows("UPDATE driver_details SET availability_status = 'available' WHERE user_id = $1", [driver]);
  return { trip, customer, driver, token: await t.token("customer", customer) };
}
const review = (trip: string, token: string, body: object, headers: Record<string, string> = {}) =>
  call(`${url}/api/v1/trips/${trip}/review`, { token, body, headers });
const kept = (trip: string) => t.value<number>("SELECT count(*)::int FROM reviews WHERE trip_request_id = $1", [trip]);

test("a customer reviews a completed trip, once", async () => {
  const { trip, driver, token } = await completed();
  const first = await review(trip, token, { rating: 5, comment: "  Calm driver " });
  expect(first.status, first.text).toBe(201);
  expect(first.body).toMatchObject({ tripId: trip, driverId: driver, rating: 5, comment: "Calm driver" });
  const second = await review(trip, token, { rating: 1 });
  expect([second.status, second.body.code]).toEqual([409, "ALREADY_REVIEWED"]);
  expect(await t.value("SELECT rating FROM reviews WHERE trip_request_id = $1", [trip])).toBe(5);
});

test("twenty at once: one is kept; and with one Idempotency-Key all are told of it", async () => {
  const { trip, token } = await completed();
  const answers = await Promise.all(Array.from({ length: 20 }, () => review(trip, token, { rating: 4 })));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(await kept(trip)).toBe(1);

  const other = await completed();
  const key = { "idempotency-key": newId() };
  const one = await review(other.trip, other.token, { rating: 3 }, key);
  const again = await review(other.trip, other.token, { rating: 3 }, key);
  expect([one.status, again.status, again.text]).toEqual([201, 201, one.text]);
});

test("another's trip does not exist, a driver gives none, and a trip that goes on is too early", async () => {
  const { trip, driver } = await completed();
  const stranger = await t.token("customer", await t.make.customer());
  expect((await review(trip, stranger, { rating: 1 })).status).toBe(404);
  expect((await review(trip, await t.token("driver", driver), { rating: 5 })).status).toBe(403);
  const pending = await t.make.trip();
  const customer = await t.value<string>("SELECT customer_id FROM trip_requests WHERE id = $1", [pending]);
  const early = await review(pending, await t.token("customer", customer), { rating: 5 });
  expect([early.status, early.body.code]).toEqual([409, "INVALID_TRANSITION"]);
  expect((await kept(trip)) + (await kept(pending))).toBe(0);
});

test.each([
  { rating: 0 },
  { rating: 6 },
  { rating: 4.5 },
  { rating: "5" },
  {},
  { rating: 5, comment: "" },
  { rating: 5, driverId: newId() },
])("%j is refused", async (body) => {
  const { trip, token } = await completed();
  expect((await review(trip, token, body)).status).toBe(400);
  expect(await kept(trip)).toBe(0);
});

test("mutation: without its index the database would keep two", async () => {
  const { trip, customer, driver } = await completed();
  const insert = () =>
    t.rows("INSERT INTO reviews (id, trip_request_id, given_by, received_by, rating) VALUES ($1, $2, $3, $4, 5)", [
      newId(),
      trip,
      customer,
      driver,
    ]);
  await insert();
  await expect(insert()).rejects.toThrow(/reviews_trip_giver_key/);
  await t.rows("DROP INDEX reviews_trip_giver_key");
  await insert();
  expect(await kept(trip)).toBe(2);
  await t.rows("DELETE FROM reviews WHERE trip_request_id = $1", [trip]);
  await t.rows("CREATE UNIQUE INDEX reviews_trip_giver_key ON reviews (trip_request_id, given_by)");
});
