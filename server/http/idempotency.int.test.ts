import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { tripOtp } from "#server/domain/trips/trip-otp.ts";
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

const accept = (trip: string, token: string) => ({
  rest: { path: `/api/v1/trips/${trip}/accept`, body: {} },
  "the older path": { path: "/api/driver/trip/request-action", body: { trip_request_id: trip, action: "accepted" } },
  tRPC: { path: "/api/trpc/rides.accept", body: { json: { id: trip } } },
  token,
});

describe.each(["rest", "the older path", "tRPC"] as const)("by %s", (door) => {
  const driverToken = async () => t.token("driver", await t.make.driver());
  async function twice(trip: string, token: string) {
    const { path, body: sent } = accept(trip, token)[door];
    const key = newId();
    const send = (bearer: string) =>
      call(`${url}${path}`, { token: bearer, body: sent, headers: { "idempotency-key": key } });
    return { first: await send(token), again: await send(token), send };
  }
  const replays = ({ headers }: { headers: Headers }) => headers.get("x-idempotent-replay");

  test("a success is replayed byte for byte, with its header", async () => {
    const [trip, token] = await Promise.all([t.make.trip(), driverToken()]);
    const { first, again } = await twice(trip, token);
    expect([first.status, replays(first)]).toEqual([200, null]);
    expect([again.status, replays(again), again.text]).toEqual([200, "true", first.text]);
  });

  test("a refusal is replayed byte for byte too, in the door's own shape", async () => {
    const [trip, winner, token] = await Promise.all([t.make.trip(), t.make.driver(), driverToken()]);
    await t.accept(trip, winner);
    const { first, again } = await twice(trip, token);
    expect(first.status).toBe(door === "the older path" ? 403 : 409);
    expect(replays(first)).toBeNull();
    expect([again.status, replays(again), again.text]).toEqual([first.status, "true", first.text]);
  });

  test("what was refused before the work is not stored: no token, another's role, a mistake, too many", async () => {
    const [trip, driver, customer] = await Promise.all([t.make.trip(), driverToken(), customerToken()]);
    const { path, body: sent } = accept(trip, driver)[door];
    const key = newId();
    const send = (token: string, what: unknown = sent) =>
      call(`${url}${path}`, { token, body: what, headers: { "idempotency-key": key } });
    const keys = () => t.value<number>("SELECT count(*)::int FROM idempotency_keys WHERE idempotency_key = $1", [key]);
    const broken = door === "tRPC" ? { json: { id: "x" } } : { ...sent, trip_request_id: "x", expectedVersion: -1 };
    expect((await send("a.b.c")).status).toBe(401);
    expect((await send(customer)).status).toBe(403);
    expect((await send(driver, broken)).status).toBe(400);
    expect(await keys()).toBe(0);
    expect((await send(driver)).status).toBe(200);
    expect(await keys()).toBe(1);
  });
});

test("whichever door a key came through first, each answers a retry with its own status", async () => {
  const [token, key] = [await customerToken(), newId()];
  const headers = { "idempotency-key": key };
  const byTrpc = await call(`${url}/api/trpc/rides.create`, {
    token,
    body: { json: { ...body, type: "ride_request", stops: [] } },
    headers,
  });
  expect(byTrpc.status).toBe(200);
  const byRest = await book(token, key, { ...body, type: "ride_request", stops: [] });
  expect([byRest.status, byRest.headers.get("x-idempotent-replay")]).toEqual([201, "true"]);
});

test("what JSON does not have is refused, under a key too", async () => {
  const headers = { "idempotency-key": newId() };
  const sent = { json: { id: "5" }, meta: { values: { id: ["bigint"] } } };
  const token = await t.token("driver", await t.make.driver());
  const answer = await call(`${url}/api/trpc/rides.accept`, { token, body: sent, headers });
  expect([answer.status, answer.text.includes("VALIDATION_FAILED")]).toEqual([400, true]);
});

test("a 429 of the operation itself is not stored", async () => {
  const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
  await t.accept(trip, driver);
  await t.app.trips.arrive(driver, trip);
  const token = await t.token("driver", driver);
  const right = tripOtp(t.app.config.auth.secret, trip, driver);
  const wrong = right === "0000" ? "1111" : "0000";
  for (let n = 0; n < 5; n++) await t.app.trips.start(driver, trip, wrong).catch(() => undefined);
  const start = () =>
    call(`${url}/api/v1/trips/${trip}/start`, { token, body: { otp: right }, headers: { "idempotency-key": "s" } });
  expect((await start()).status).toBe(429);
  await t.app.db.pool.query("UPDATE otp_verifications SET last_attempt_at = now() - interval '2 minutes'");
  expect((await start()).status).toBe(200);
});

test("replays and conflicts are counted on the key", async () => {
  const [token, key] = [await customerToken(), newId()];
  await book(token, key);
  await book(token, key);
  await book(token, key, { ...body, paymentMethod: "card" });
  const row = () => t.rows("SELECT replays, conflicts FROM idempotency_keys WHERE idempotency_key = $1", [key]);
  expect(await row()).toEqual([{ replays: 1, conflicts: 1 }]);
  await t.app.db.pool.query(
    "UPDATE idempotency_keys SET status = 'running', status_code = NULL, response_body = NULL WHERE idempotency_key = $1",
    [key],
  );
  expect((await book(token, key)).status).toBe(409);
  expect(await row()).toEqual([{ replays: 1, conflicts: 2 }]);
});

test("after 24 hours a key is new, also before the clean-up came by", async () => {
  const [token, key] = [await customerToken(), newId()];
  const first = await book(token, key);
  await t.app.db.pool.query(
    "UPDATE idempotency_keys SET expires_at = now() - interval '1 second' WHERE idempotency_key = $1",
    [key],
  );
  const next = await book(token, key, { ...body, paymentMethod: "card" });
  expect([next.status, next.headers.get("x-idempotent-replay")]).toEqual([201, null]);
  expect(next.body.id).not.toBe(first.body.id);
  const again = await book(token, key, { ...body, paymentMethod: "card" });
  expect([again.headers.get("x-idempotent-replay"), again.text]).toEqual(["true", next.text]);
});
