import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { FAR_AWAY, HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { type Answer, call } from "#server/testing/http-calls.ts";

let t: TestApp;
let url: string;
let customer: string;
let driver: string;
let tokens: { readonly customer: string; readonly driver: string };
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
  [customer, driver] = await Promise.all([t.make.customer(), t.make.driver()]);
  tokens = { customer: await t.token("customer", customer), driver: await t.token("driver", driver) };
});
afterAll(() => t.dispose());

const booking = {
  pickup: HERE,
  destination: { lat: 30.06, lng: 31.25 },
  vehicleCategory: "economy",
  paymentMethod: "cash",
};
const book = (body: unknown, headers: Record<string, string> = {}) =>
  call(`${url}/api/v1/trips`, { token: tokens.customer, body, headers: { "idempotency-key": newId(), ...headers } });
/** All that any request could have written. */
const written = async () =>
  JSON.stringify(
    await t.rows(
      `SELECT (SELECT count(*) FROM trip_requests) AS trips, (SELECT count(*) FROM outbox) AS outbox, (SELECT count(*) FROM idempotency_keys) AS keys,
         (SELECT sum(version) FROM trip_requests) AS versions, (SELECT count(*) FROM trip_offers) AS offers, (SELECT count(*) FROM user_last_locations) AS places`,
    ),
  );
function expectProblem(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.body.code], answer.text).toEqual([status, code]);
  expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({
    status,
    type: expect.any(String),
    title: expect.any(String),
    detail: expect.any(String),
  });
  expect(answer.body.requestId).toBe(answer.headers.get("x-request-id"));
  expect(answer.text).not.toMatch(/node_modules|\bat .*\.ts:|SELECT |INSERT /);
}
const fieldsOf = (answer: Answer) => ((answer.body.errors ?? []) as { path: string }[]).map((field) => field.path);

describe("bad input is refused with a problem, and nothing is written", () => {
  test.each([
    ["a latitude over 90", { ...booking, pickup: { lat: 90.1, lng: 31 } }, ["pickup.lat"]],
    ["a longitude under -180", { ...booking, destination: { lat: 30, lng: -180.5 } }, ["destination.lng"]],
    ["coordinates as text", { ...booking, pickup: { lat: "30", lng: "31" } }, ["pickup.lat", "pickup.lng"]],
    ["coordinates of null", { ...booking, pickup: { lat: null, lng: null } }, ["pickup.lat", "pickup.lng"]],
    ["no pickup", { ...booking, pickup: undefined }, ["pickup"]],
    ["unknown fields", { ...booking, fare: 1, status: "completed" }, ["fare", "status"]],
    ["an unknown field inside", { ...booking, pickup: { ...HERE, role: "admin" } }, ["pickup.role"]],
    ["an unknown category", { ...booking, vehicleCategory: "rocket" }, ["vehicleCategory"]],
    ["six stops", { ...booking, stops: Array(6).fill(HERE) }, ["stops"]],
  ])("%s", async (_, body, fields) => {
    const before = await written();
    const answer = await book(body);
    expectProblem(answer, 400, "VALIDATION_FAILED");
    expect(fieldsOf(answer)).toEqual(fields);
    expect(await written()).toBe(before);
  });

  test.each([
    ["1e999", JSON.stringify(booking).replace("30.05", "1e999")],
    ["-1e999", JSON.stringify(booking).replace("31.24", "-1e999")],
  ])("a coordinate of %s, which JSON reads as infinite", async (_, text) => {
    const before = await written();
    expectProblem(await book(text), 400, "VALIDATION_FAILED");
    expect(await written()).toBe(before);
  });

  test.each([
    ["half an object", '{"pickup":', "VALIDATION_FAILED"],
    ["NaN", '{"pickup":NaN}', "VALIDATION_FAILED"],
    ["a list", "[]", "VALIDATION_FAILED"],
    ["null", "null", "VALIDATION_FAILED"],
  ])("a body of %s", async (_, text, code) => {
    const before = await written();
    expectProblem(await book(text), 400, code);
    expect(await written()).toBe(before);
  });

  test.each([
    ["an address", { ...booking, pickup: { ...HERE, address: "a\u0000b" } }],
    ["a payment method", { ...booking, paymentMethod: "ca\u0000sh" }],
    ["a stop's address", { ...booking, stops: [{ ...HERE, address: "a\u0000b" }] }],
  ])("a NUL character in %s, which PostgreSQL cannot hold", async (_, body) => {
    const before = await written();
    expectProblem(await book(body), 400, "VALIDATION_FAILED");
    expect(await written()).toBe(before);
  });

  test("half a surrogate pair", async () => {
    const before = await written();
    const text = JSON.stringify({ ...booking, stops: [{ ...HERE, address: "half" }] }).replace("half", "\\ud83d");
    const answer = await book(text);
    expectProblem(answer, 400, "VALIDATION_FAILED");
    expect(fieldsOf(answer)).toEqual(["stops.0.address"]);
    expect(await written()).toBe(before);
    const whole = { ...booking, pickup: { ...HERE, address: "\ud83d\ude95 \u0645\u064a\u062f\u0627\u0646" } };
    const kept = await book(JSON.stringify(whole).replace("\ud83d\ude95", "\\ud83d\\ude95"));
    expect(kept.body).toMatchObject({ pickup: whole.pickup });
  });

  test("another content type", async () => {
    expectProblem(await book(JSON.stringify(booking), { "content-type": "text/plain" }), 415, "UNSUPPORTED_MEDIA_TYPE");
  });

  test("a place that no zone covers", async () => {
    expectProblem(await book({ ...booking, pickup: FAR_AWAY }), 422, "OUTSIDE_SERVICE_AREA");
  });

  test("a body over 64 KiB, announced", async () => {
    const before = await written();
    expectProblem(await book({ ...booking, couponCode: "x".repeat(65 * 1024) }), 413, "PAYLOAD_TOO_LARGE");
    expect(await written()).toBe(before);
  });

  test("a body over 64 KiB, sent in chunks without a length", async () => {
    const before = await written();
    const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const outgoing = request(`${url}/api/v1/trips`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${tokens.customer}`,
          "idempotency-key": newId(),
          "transfer-encoding": "chunked",
        },
      });
      outgoing.on("response", (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += String(chunk);
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      outgoing.on("error", reject);
      for (let sent = 0; sent < 80; sent++) outgoing.write(" ".repeat(1024));
      outgoing.end(JSON.stringify(booking));
    });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text)).toMatchObject({ code: "PAYLOAD_TOO_LARGE", requestId: expect.any(String) });
    expect(await written()).toBe(before);
  });

  test("outlines of zones are longer than other calls may be, and bounded too", async () => {
    const send = (path: string, kibibytes: number) =>
      call(`${url}/api/trpc/${path}`, {
        token: tokens.customer,
        body: { json: { name: "x".repeat(kibibytes * 1024) } },
      });
    // Refused for who asks, not for the size.
    expect((await send("zones.save", 500)).status).toBe(403);
    expect((await send("zones.save", 513)).status).toBe(413);
    expect((await send("zones.import", 8 * 1024 + 1)).status).toBe(413);
    expect((await send("zones.remove", 65)).status).toBe(413);
  });
});

describe("query parameters", () => {
  const list = (query: string) => call(`${url}/api/v1/trips?${query}`, { token: tokens.customer, method: "GET" });

  test.each([
    "0x10",
    "1e2",
    "%205%20",
    "",
    "+5",
    "-1",
    "0",
    "5.0",
    "101",
    "Infinity",
    "٥",
    "1&limit=2",
    "1".repeat(400),
  ])("limit=%s is no page size", async (text) => {
    const answer = await list(`limit=${text}`);
    expectProblem(answer, 400, "VALIDATION_FAILED");
    expect(answer.body.errors).toEqual([{ path: "limit", message: "a whole number from 1 to 100, in decimal digits" }]);
  });

  test("decimal digits are one, also for operators", async () => {
    expect((await list("limit=1")).status).toBe(200);
    expect((await list("limit=100")).status).toBe(200);
    const messages = async (limit: string) =>
      call(`${url}/api/v1/ops/messages?limit=${limit}`, {
        token: await t.operatorToken(await t.make.operator()),
        method: "GET",
      });
    expect((await messages("200")).status).toBe(200);
    expect(fieldsOf(await messages("0x10"))).toEqual(["limit"]);
  });

  test.each([
    "__proto__=1",
    "__proto__=1&__proto__=2",
    "constructor=1",
    "toString=1",
    "hasOwnProperty=1",
    "limit[]=5",
    "__proto__.limit=5",
    "__proto__[limit]=5",
    "=1",
    "%00=1",
    "%F0=1",
    "surprise=1",
  ])("?%s is an unknown field, and changes nothing", async (query) => {
    const answer = await list(query);
    expectProblem(answer, 400, "VALIDATION_FAILED");
    expect(({} as Record<string, unknown>).limit).toBeUndefined();
    expect((await list("limit=5")).status).toBe(200);
  });

  test("__proto__ in a body is an unknown field too", async () => {
    const before = await written();
    const answer = await book(JSON.stringify(booking).replace("{", '{"__proto__":{"type":"parcel"},'));
    expectProblem(answer, 400, "VALIDATION_FAILED");
    expect(await written()).toBe(before);
  });
});

describe("ids", () => {
  test.each(["not-an-id", "1", "%E0%A4%A", "..%2f..", "'; DROP TABLE users; --"])("%s is no id", async (id) => {
    const get = await call(`${url}/api/v1/trips/${id}`, { token: tokens.customer, method: "GET" });
    expect([400, 404], get.text).toContain(get.status);
    const accept = await call(`${url}/api/v1/trips/${id}/accept`, { token: tokens.driver, body: {} });
    expect([400, 404], accept.text).toContain(accept.status);
    expect(accept.body).toMatchObject({ code: expect.any(String), requestId: expect.any(String) });
  });

  test("an unknown id is 404 everywhere", async () => {
    const before = await written();
    const id = newId();
    const customerCalls = [
      await call(`${url}/api/v1/trips/${id}`, { token: tokens.customer, method: "GET" }),
      await call(`${url}/api/v1/trips/${id}/cancel`, { token: tokens.customer, body: { reason: "none" } }),
    ];
    const bodies = {
      accept: {},
      reject: {},
      arrive: {},
      start: { otp: "1234" },
      complete: {},
      cancel: { reason: "x" },
    };
    const driverCalls = await Promise.all(
      Object.entries(bodies).map(([action, body]) =>
        call(`${url}/api/v1/trips/${id}/${action}`, { token: tokens.driver, body }),
      ),
    );
    for (const answer of [...customerCalls, ...driverCalls]) expectProblem(answer, 404, "NOT_FOUND");
    expect(await written()).toBe(before);
  });

  test("another's trip does not exist", async () => {
    const trip = await t.make.trip();
    expect((await t.accept(trip, await t.make.driver())).accepted).toBe(true);
    const before = await written();
    const asCustomer = { token: tokens.customer };
    const asDriver = { token: tokens.driver };
    for (const answer of [
      await call(`${url}/api/v1/trips/${trip}`, { ...asCustomer, method: "GET" }),
      await call(`${url}/api/v1/trips/${trip}/cancel`, { ...asCustomer, body: { reason: "mine?" } }),
      await call(`${url}/api/v1/trips/${trip}`, { ...asDriver, method: "GET" }),
      await call(`${url}/api/v1/trips/${trip}/cancel`, { ...asDriver, body: { reason: "mine?" } }),
      await call(`${url}/api/v1/trips/${trip}/arrive`, { ...asDriver, body: {} }),
      await call(`${url}/api/v1/trips/${trip}/start`, { ...asDriver, body: { otp: "1234" } }),
      await call(`${url}/api/v1/trips/${trip}/complete`, { ...asDriver, body: {} }),
      await call(`${url}/api/v1/trips/${trip}/reject`, { ...asDriver, body: {} }),
    ])
      expectProblem(answer, 404, "NOT_FOUND");
    const own = await call(`${url}/api/v1/trips`, { ...asCustomer, method: "GET" });
    expect(own.text).not.toContain(trip);
    expect(await written()).toBe(before);
  });

  test("a path that is none", async () => {
    expectProblem(await call(`${url}/api/v1/nothing`, { token: tokens.driver, body: {} }), 404, "NOT_FOUND");
  });
});

describe("who asks", () => {
  const bearer = (authorization: string) => call(`${url}/api/v1/trips`, { method: "GET", headers: { authorization } });

  test.each([
    ["no token", ""],
    ["a token with half an escape", "Bearer %E0%A4%A"],
    ["no token after Bearer", "Bearer "],
    ["another scheme", "Basic dXNlcjpwYXNz"],
    ["a token that is none", "Bearer a.b.c"],
    ["an unsigned token", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwidHlwIjoiY3VzdG9tZXIiLCJ1c2UiOiJhY2Nlc3MifQ.x"],
  ])("%s: 401", async (_, authorization) => {
    const answer =
      authorization === "" ? await call(`${url}/api/v1/trips`, { method: "GET" }) : await bearer(authorization);
    expectProblem(answer, 401, "UNAUTHENTICATED");
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  });

  test("an expired token: 401, and it says so", async () => {
    const answer = await bearer(`Bearer ${await t.token("customer", customer, -1)}`);
    expectProblem(answer, 401, "UNAUTHENTICATED");
    expect(answer.body.detail).toMatch(/expired/);
  });

  test("a refresh token is no access token", async () => {
    const person = { id: customer, type: "customer", role: null, name: "Test", email: null, phone: null } as const;
    const origin = { ip: null, device: null };
    const { refreshToken: refresh } = await t.app.identity.sessions.open({ ...person, tokenVersion: 0 }, origin);
    expectProblem(await bearer(`Bearer ${refresh}`), 401, "UNAUTHENTICATED");
  });

  test("a customer may not accept, a driver may not book, an operator uses the console", async () => {
    const trip = await t.make.trip();
    expectProblem(
      await call(`${url}/api/v1/trips/${trip}/accept`, { token: tokens.customer, body: {} }),
      403,
      "FORBIDDEN",
    );
    expectProblem(
      await call(`${url}/api/v1/trips`, { token: tokens.driver, body: booking, headers: { "idempotency-key": "d" } }),
      403,
      "FORBIDDEN",
    );
    const operator = await t.operatorToken(await t.make.operator());
    expectProblem(await call(`${url}/api/v1/trips`, { token: operator, method: "GET" }), 403, "FORBIDDEN");
  });

  test("a sane request id is kept, another is replaced", async () => {
    const ask = (id: string) => call(`${url}/api/v1/nothing`, { method: "GET", headers: { "x-request-id": id } });
    expect((await ask("abc-123")).body.requestId).toBe("abc-123");
    expect((await ask("a b<script>")).body.requestId).not.toContain("script");
  });
});
