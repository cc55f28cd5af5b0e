import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { FAR_AWAY, HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call, tally } from "#server/testing/http-calls.ts";
import { allAtOnce } from "#server/testing/wait.ts";

let t: TestApp;
let url: string;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
});
afterAll(() => t.dispose());

const body = {
  pickup: HERE,
  destination: { lat: 30.06, lng: 31.25 },
  vehicleCategory: "economy",
  paymentMethod: "cash",
};
const customerToken = async () => t.token("customer", await t.make.customer());
const book = (token: string, key: string | null, sent: unknown = body) =>
  call(`${url}/api/v1/trips`, { token, body: sent, headers: key === null ? {} : { "idempotency-key": key } });
const trips = () => t.value<number>("SELECT count(*)::int FROM trip_requests");

test("a booking without a key is refused", async () => {
  const answer = await book(await customerToken(), null);
  expect([answer.status, answer.body.code]).toEqual([400, "IDEMPOTENCY_KEY_REQUIRED"]);
});

test.each(["", "a b", "\u00e9", "x".repeat(256)])("the key %j is refused", async (key) => {
  expect((await book(await customerToken(), key)).status).toBe(400);
});

test("a retry gets the same bytes, and so does one with its properties in another order or the key in quotes", async () => {
  const [token, key, before] = [await customerToken(), newId(), await trips()];
  const first = await book(token, key);
  expect([first.status, first.headers.get("x-idempotent-replay")]).toEqual([201, null]);
  const reordered = Object.fromEntries(Object.entries(body).reverse());
  for (const again of [await book(token, key), await book(token, `"${key}"`), await book(token, key, reordered)]) {
    expect([again.status, again.headers.get("x-idempotent-replay")]).toEqual([201, "true"]);
    expect(again.text).toBe(first.text);
  }
  expect(await trips()).toBe(before + 1);
});

test("the same key with another body is refused; another's same key is their own", async () => {
  const [token, other, key, before] = [await customerToken(), await customerToken(), newId(), await trips()];
  expect((await book(token, key)).status).toBe(201);
  const changed = await book(token, key, { ...body, paymentMethod: "card" });
  expect([changed.status, changed.body.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
  const theirs = await book(other, key);
  expect([theirs.status, theirs.headers.get("x-idempotent-replay")]).toEqual([201, null]);
  expect(await trips()).toBe(before + 2);
});

test("fifty at once with one key: one trip; whoever comes before it is done is told to wait; then all replay", async () => {
  const [token, key, before] = [await customerToken(), newId(), await trips()];
  const answers = await allAtOnce(50, () => book(token, key));
  const counts = tally(answers);
  expect(Object.keys(counts).every((status) => status === "201" || status === "409")).toBe(true);
  expect(answers.filter((a) => a.status === 201 && a.headers.get("x-idempotent-replay") === null)).toHaveLength(1);
  for (const waiting of answers.filter((a) => a.status === 409)) {
    expect(waiting.body.code).toBe("IDEMPOTENCY_IN_PROGRESS");
    expect(waiting.headers.get("retry-after")).toBe("1");
  }
  expect(await trips()).toBe(before + 1);
  expect(new Set((await allAtOnce(5, () => book(token, key))).map((answer) => answer.text)).size).toBe(1);
});

// The trip was committed, its answer was not: after the lease the retry booked a second trip.
test("a process that dies between the booking and its stored answer: the retry waits for the lease, then gets the one trip", async () => {
  const [token, key, before] = [await customerToken(), newId(), await trips()];
  const dying = await createTestApp({ coordination: "standalone", peerOf: t });
  dying.app.idempotency.finish = () => Promise.reject(new Error("killed"));
  const lost = await call(`${await dying.listen()}/api/v1/trips`, { token, body, headers: { "idempotency-key": key } });
  expect(lost.status).toBe(500);
  await dying.dispose();
  expect(await trips()).toBe(before + 1);
  const early = await book(token, key);
  expect([early.status, early.body.code]).toEqual([409, "IDEMPOTENCY_IN_PROGRESS"]);
  await t.app.db.pool.query(
    "UPDATE idempotency_keys SET lease_expires_at = now() - interval '1 second' WHERE status = 'running'",
  );
  const answers = [await book(token, key), await book(token, key)];
  expect(answers.map((answer) => [answer.status, answer.headers.get("x-idempotent-replay")])).toEqual([
    [201, null],
    [201, "true"],
  ]);
  expect(answers[1]?.text).toBe(answers[0]?.text);
  expect(await trips()).toBe(before + 1);
});

test("an outcome that a retry must see again is stored; a mistake in the request is not", async () => {
  const [token, key, typo] = [await customerToken(), newId(), newId()];
  for (const replay of [null, "true"]) {
    const outside = await book(token, key, { ...body, pickup: FAR_AWAY });
    expect([outside.status, outside.headers.get("x-idempotent-replay")]).toEqual([422, replay]);
  }
  expect((await book(token, typo, { ...body, pickup: { lat: 300, lng: 0 } })).status).toBe(400);
  expect((await book(token, typo)).status).toBe(201);
});

test("a lost accept is stored under its key, so the retry is told the same", async () => {
  const [trip, winner, loser] = await Promise.all([t.make.trip(), t.make.driver(), t.make.driver()]);
  expect((await t.accept(trip, winner)).accepted).toBe(true);
  const token = await t.token("driver", loser);
  for (const replay of [null, "true"]) {
    const lost = await call(`${url}/api/v1/trips/${trip}/accept`, {
      token,
      body: {},
      headers: { "idempotency-key": "k" },
    });
    expect([lost.status, lost.body.code, lost.headers.get("x-idempotent-replay")]).toEqual([
      409,
      "TRIP_ALREADY_ASSIGNED",
      replay,
    ]);
  }
});
