import { encode } from "next-auth/jwt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { FAR_AWAY, HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

let t: TestApp;
let url: string;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
});
afterAll(() => t.dispose());

const driverToken = async () => t.token("driver", await t.make.driver());
const ACCEPT_PATHS = [
  ["/api/driver/trip/request-action", 403],
  ["/api/driver/ride/trip-action", 409],
  ["/api/v1/driver/ride/ride_action", 403],
] as const;

describe.each(ACCEPT_PATHS)("%s", (path, takenStatus) => {
  test(`accepts, repeats, and tells another driver ${takenStatus}`, async () => {
    const [trip, token, other] = await Promise.all([t.make.trip(), driverToken(), driverToken()]);
    const act = (bearer: string, action: string, id = trip) =>
      call(`${url}${path}`, {
        token: bearer,
        body: { trip_request_id: id, action, sent_by_old_builds: true },
        headers: { zoneId: newId() },
      });
    const first = await act(token, "accepted");
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      response_code: "default_200",
      message: expect.any(String),
      success: true,
      already_accepted: false,
      data: { id: trip, current_status: "accepted" },
    });
    expect((await act(token, "accept")).body).toMatchObject({ success: true, already_accepted: true });
    const taken = await act(other, "accepted");
    expect(taken.status).toBe(takenStatus);
    expect(taken.body).toEqual({
      response_code: `trip_already_assigned_${takenStatus}`,
      message: "Another driver has this trip.",
    });
    expect((await act(other, "accepted", newId())).status).toBe(404);
  });

  test("refuses what it cannot read in the old shape", async () => {
    const token = await driverToken();
    for (const body of [
      {},
      { trip_request_id: "x", action: "accepted" },
      { trip_request_id: newId(), action: "steal" },
    ]) {
      const answer = await call(`${url}${path}`, { token, body });
      expect([answer.status, answer.body.response_code]).toEqual([400, "validation_failed_400"]);
      expect(answer.body.errors).toEqual(
        expect.arrayContaining([expect.objectContaining({ error_code: expect.any(String) })]),
      );
    }
    expect((await call(`${url}${path}`, { token, body: "{" })).status).toBe(400);
    expect((await call(`${url}${path}`, { body: {} })).status, "who nobody is comes first").toBe(401);
    const unsigned = await call(`${url}${path}`, { body: { trip_request_id: newId(), action: "accepted" } });
    expect([unsigned.status, unsigned.body.response_code]).toEqual([401, "unauthenticated_401"]);
  });
});

describe.each(["/api/customer/ride/create", "/api/v1/customer/ride/store"])("%s", (path) => {
  const create = async (body: unknown) =>
    call(`${url}${path}`, { token: await t.token("customer", await t.make.customer()), body });

  test("books by the category's code or its id, with coordinates as a list or as its JSON text", async () => {
    const economy = await t.value<string>("SELECT id FROM vehicle_categories WHERE code = 'economy'");
    for (const body of [
      { pickup_coordinates: [30.05, 31.24], destination_coordinates: [30.06, 31.25], vehicle_category_id: "economy" },
      { pickup_coordinates: "[30.05,31.24]", destination_coordinates: "[30.06,31.25]", vehicle_category_id: economy },
    ]) {
      const answer = await create(body);
      expect(answer.status, answer.text).toBe(200);
      expect(answer.body).toMatchObject({
        response_code: "default_200",
        message: expect.any(String),
        data: { current_status: "pending" },
      });
      const { id } = answer.body.data as { id: string };
      expect(
        await t.rows("SELECT pickup_coordinates AS p FROM trip_request_coordinates WHERE trip_request_id = $1", [id]),
      ).toEqual([{ p: { x: HERE.lng, y: HERE.lat } }]);
    }
  });

  test.each([
    ["out of range", [91, 31]],
    ["infinite", '[1e999,"31"]'],
    ["null", [null, null]],
    ["empty text", ["", ""]],
    ["true", [true, true]],
    ["one number", [30]],
    ["no list", "somewhere"],
  ])("refuses a pickup that is %s, and books nothing", async (_, pickup) => {
    const before = await t.value("SELECT count(*)::int FROM trip_requests");
    const answer = await create({
      pickup_coordinates: pickup,
      destination_coordinates: [30.06, 31.25],
      vehicle_category_id: "economy",
    });
    expect([answer.status, answer.body.response_code], answer.text).toEqual([400, "validation_failed_400"]);
    expect(await t.value("SELECT count(*)::int FROM trip_requests")).toBe(before);
  });

  test("says when the place is not served", async () => {
    const answer = await create({
      pickup_coordinates: [FAR_AWAY.lat, FAR_AWAY.lng],
      destination_coordinates: [30, 31],
      vehicle_category_id: "economy",
    });
    expect([answer.status, answer.body.response_code]).toEqual([422, "outside_service_area_422"]);
  });
});

describe("/api/driver/ride/location", () => {
  const send = async (body: unknown) => call(`${url}/api/driver/ride/location`, { token: await driverToken(), body });

  test("takes numbers and numbers as text", async () => {
    expect((await send({ latitude: 30.05, longitude: 31.24, zone_id: newId() })).status).toBe(200);
    expect((await send({ latitude: "30.05", longitude: "31.24" })).status).toBe(200);
  });

  test.each([
    [null, null],
    ["", ""],
    [true, false],
    [[], []],
    [91, 31],
    ["1e999", 31],
  ])("refuses (%j, %j): no driver is put at 0, 0 by a phone without a fix", async (latitude, longitude) => {
    expect((await send({ latitude, longitude })).status).toBe(400);
  });
});

describe("the integrators' own commands, as they type them", () => {
  /** As `curl -X POST -H … [-d …]` asks: without a body no type and no length; with one, its usual type, a form. */
  async function curl(on: string, token: string, sent: { readonly key?: string; readonly data?: string } = {}) {
    const answer = await fetch(`${on}/api/driver/ride/trip-action`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        ...(sent.key === undefined ? {} : { "idempotency-key": sent.key }),
        ...(sent.data === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      },
      ...(sent.data === undefined ? {} : { body: sent.data }),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  }

  test("an accept with a key, twice: the second is the first one's answer, and says so", async () => {
    const [trip, token] = await Promise.all([t.make.trip(), driverToken()]);
    const sent = { key: "test-123", data: `{"action": "accept", "trip_request_id": "${trip}"}` };
    const [first, second] = [await curl(url, token, sent), await curl(url, token, sent)];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(JSON.parse(first.body)).toMatchObject({ success: true, data: { id: trip, current_status: "accepted" } });
    expect(second.body).toBe(first.body);
    expect(first.headers.get("x-idempotent-replay")).toBeNull();
    expect(second.headers.get("x-idempotent-replay")).toBe("true");
  });

  test("fifteen calls: the last five are 429 and say how long to wait", async () => {
    const limited = await createTestApp({ peerOf: t, limits: "on" });
    const at = await limited.listen();
    const accept = { data: `{"action": "accept", "trip_request_id": "${newId()}"}` };
    for (const [sent, reached] of [
      [{}, 400],
      [accept, 404],
    ] as const) {
      const token = await driverToken();
      const answers = [];
      for (let n = 0; n < 15; n++) answers.push(await curl(at, token, sent));
      expect(answers.map(({ status }) => status)).toEqual([
        ...Array.from({ length: 10 }, () => reached),
        ...Array.from({ length: 5 }, () => 429),
      ]);
      for (const { headers } of answers.slice(10)) expect(headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    }
    await limited.dispose();
  });

  test("a form on another site does nothing, whatever cookie the browser has", async () => {
    const [trip, id] = await Promise.all([t.make.trip(), t.make.operator()]);
    const person = {
      type: "operator",
      role: "admin",
      name: "Test",
      email: null,
      phone: null,
      tokenVersion: 0,
    } as const;
    const sessionId = await t.app.identity.sessions.openConsole({ ...person, id }, { ip: null, device: null }, 600);
    const session = await encode({ token: { id, sessionId, roles: ["admin"] }, secret: t.app.config.auth.secret });
    const form = async (headers: Record<string, string>) => {
      const body = `{"action":"accept","trip_request_id":"${trip}"}`;
      const answers: number[] = [];
      for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
        const all = { "content-type": type, ...headers };
        for (const [path] of ACCEPT_PATHS) answers.push((await call(`${url}${path}`, { body, headers: all })).status);
      }
      return [...new Set(answers)];
    };
    const cookie = `next-auth.session-token=${session}`;
    expect(await form({ cookie, origin: "https://evil.example" })).toEqual([403]);
    expect(await form({ cookie, origin: "null", "sec-fetch-site": "cross-site" })).toEqual([403]);
    expect(await form({ cookie })).toEqual([403]);
    // Past the look at where it comes from, its type is still a form's; without any cookie it is nobody's.
    expect(await form({ cookie, origin: url })).toEqual([415]);
    // The cookie is a good one: as JSON the call gets as far as "Only drivers".
    expect(await form({ cookie, origin: url, "content-type": "application/json" })).toEqual([403]);
    expect(await form({ origin: "https://evil.example" })).toEqual([401]);
    // REST and tRPC take JSON alone, whoever asks.
    const token = await driverToken();
    const typed = { token, body: "{}", headers: { "content-type": "application/x-www-form-urlencoded" } };
    expect((await call(`${url}/api/v1/trips/${trip}/accept`, typed)).status).toBe(415);
    expect((await call(`${url}/api/trpc/rides.accept`, typed)).status).toBe(415);
    expect(await t.value("SELECT current_status FROM trip_requests WHERE id = $1", [trip])).toBe("pending");
  });
});
