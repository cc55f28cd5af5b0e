import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

const TOWN = "0199aaaa-0000-7000-8000-000000000001";
const SUBURB = "0199aaaa-0000-7000-8000-000000000002";
const IN_TOWN = { lat: 30.05, lng: 31.24 };
const IN_SUBURB = { lat: 30.05, lng: 32.24 };

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  await t.rows(`INSERT INTO zones (id, code, name) VALUES ('${SUBURB}', 'suburb', 'Suburb')`);
  await t.rows(
    `INSERT INTO zone_areas (id, zone_id, part, area) VALUES (gen_random_uuid(), '${SUBURB}', 1, '((32,29.8),(32.5,29.8),(32.5,30.3),(32,30.3))')`,
  );
});
afterEach(() => t.dispose());

const multiplierOf = async (zoneId = TOWN) =>
  (await t.app.surge.view()).find((zone) => zone.zoneId === zoneId)?.multiplier;
/** The readings have asked for what they ask for long enough. */
const held = () =>
  t.rows("UPDATE zone_surge SET direction_since = direction_since - interval '3 minutes' WHERE direction IS NOT NULL");
async function rise(times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    await t.app.surge.tick();
    await held();
    await t.app.surge.tick();
  }
}
const reason = "a test of surge";
const admin = async () => ({ id: await t.make.operator(), name: "Test" });
const kept: string[] = [];
const record = async (_: unknown, __: unknown, change: object) => void kept.push(JSON.stringify(change));
const set = async (change: Partial<Parameters<TestApp["app"]["surge"]["set"]>[1]> = {}) =>
  t.app.surge.set(
    await admin(),
    { zoneId: TOWN, enabled: true, cap: 3, steps: null, override: null, expectedVersion: 0, ...change },
    record as never,
  );
async function estimate(at = IN_TOWN, customer?: string) {
  const token = await t.token("customer", customer ?? (await t.make.customer()));
  return call(`${await t.listen()}/api/v1/trips/estimate`, {
    token,
    body: { pickup: at, destination: { lat: at.lat + 0.01, lng: at.lng + 0.01 } },
  });
}
async function book(at = IN_TOWN, more: object = {}, customer?: string) {
  const token = await t.token("customer", customer ?? (await t.make.customer()));
  return call(`${await t.listen()}/api/v1/trips`, {
    token,
    headers: { "idempotency-key": crypto.randomUUID() },
    body: {
      pickup: at,
      destination: { lat: at.lat + 0.01, lng: at.lng + 0.01 },
      vehicleCategory: "economy",
      paymentMethod: "cash",
      ...more,
    },
  });
}

describe("demand and supply", () => {
  test("are trips that wait or are under way, and free drivers heard of, in each zone", async () => {
    const [free, busy, silent, off] = [...(await t.make.drivers(3)), await t.make.driver({ online: false })];
    await t.make.place([free, busy, silent, off] as string[]);
    await t.rows("UPDATE user_last_locations SET updated_at = now() - interval '31 minutes' WHERE user_id = $1", [
      silent,
    ]);
    await t.make.trips(3);
    await t.accept(await t.make.trip(), busy ?? "");
    await t.rows(
      "UPDATE trip_requests SET scheduled_at = now() + interval '5 hours', search_began_at = now() + interval '4 hours' WHERE id = $1",
      [await t.make.trip()],
    );
    await t.app.surge.tick();
    expect((await t.app.surge.view()).find((zone) => zone.zoneId === TOWN)).toMatchObject({
      demand: 4,
      supply: 1,
      ratio: 4,
      multiplier: 1,
      direction: "up",
    });
  });

  test("count no driver as supply whom nobody may ask", async () => {
    const [free, closed, without] = await t.make.drivers(3);
    await t.make.place([free, closed, without] as string[]);
    await t.rows("UPDATE users SET is_active = false WHERE id = $1", [closed]);
    await t.rows("UPDATE vehicles SET is_active = false WHERE driver_id = $1", [without]);
    await t.app.surge.tick();
    expect((await t.app.surge.view()).find((zone) => zone.zoneId === TOWN)).toMatchObject({ supply: 1 });
  });

  test("raise the fare step by step by the database's clock, and only while they last", async () => {
    await t.make.place(await t.make.drivers(10));
    await t.make.trips(12);
    await t.app.surge.tick();
    await t.app.surge.tick();
    expect(await multiplierOf()).toBe(1);
    await rise(1);
    expect(await multiplierOf()).toBe(1.2);
    await rise(3);
    expect(await multiplierOf()).toBe(1.5);
    await t.rows("UPDATE trip_requests SET current_status = 'expired'");
    await rise(4);
    expect(await multiplierOf()).toBe(1);
    expect(await t.value("SELECT count(*)::int FROM zone_surge_history WHERE zone_id = $1", [TOWN])).toBeGreaterThan(2);
  });

  test("judged by nobody for a while begin anew from the usual fare, which is what riders paid meanwhile", async () => {
    await t.make.trips(9);
    await rise(4);
    expect(await multiplierOf()).toBe(3);
    await t.rows("UPDATE zone_surge SET computed_at = now() - interval '3 minutes'");
    expect(await multiplierOf()).toBe(1);
    await held();
    expect(await t.app.surge.tick()).toEqual([]);
    expect(await multiplierOf()).toBe(1);
    await rise(1);
    expect(await multiplierOf()).toBe(1.2);
  });

  test("are judged by one process at a time", async () => {
    await t.make.trips(5);
    await Promise.all(Array.from({ length: 8 }, () => t.app.surge.tick()));
    expect(await t.value("SELECT count(*)::int FROM zone_surge_history WHERE zone_id = $1", [TOWN])).toBe(1);
  });
});

describe("riders", () => {
  test("see the multiplier and the fare before they book, and pay it; quoted, it is held", async () => {
    await t.make.trips(5);
    await rise(1);
    const customer = await t.make.customer();
    const seen = await estimate(IN_TOWN, customer);
    expect(seen.status).toBe(200);
    expect(seen.body).toMatchObject({
      zoneId: TOWN,
      surgeMultiplier: 1.2,
      message: "High demand in your area. Prices are temporarily higher.",
      routeEstimated: true,
    });
    const options = seen.body.options as {
      vehicleCategory: string;
      estimatedFare: { amount: number };
      quote: string;
    }[];
    expect(options.map((option) => option.vehicleCategory).toSorted()).toEqual(["comfort", "economy"]);
    const quoted = options.find((option) => option.vehicleCategory === "economy");
    expect((await book()).body).toMatchObject({ surgeMultiplier: 1.2, estimatedFare: quoted?.estimatedFare });
    await rise(2);
    const now = (await book()).body;
    expect(now).toMatchObject({ surgeMultiplier: 2 });
    expect((await book(IN_TOWN, { quote: quoted?.quote }, customer)).body).toMatchObject({
      surgeMultiplier: 1.2,
      estimatedFare: quoted?.estimatedFare,
    });
  });

  test("cannot use another's quote, one of another ride, or one of their own making", async () => {
    const customer = await t.make.customer();
    const options = (await estimate(IN_TOWN, customer)).body.options as { vehicleCategory: string; quote: string }[];
    const economy = options.find((option) => option.vehicleCategory === "economy")?.quote ?? "";
    const comfort = options.find((option) => option.vehicleCategory === "comfort")?.quote ?? "";
    const [text = "", signature = ""] = economy.split(".");
    const cheaper = JSON.parse(Buffer.from(text, "base64url").toString()) as unknown[];
    cheaper[3] = 1;
    const forged = `${Buffer.from(JSON.stringify(cheaper)).toString("base64url")}.${signature}`;
    const tried: [answer: Awaited<ReturnType<typeof book>>, why: RegExp][] = [
      [await book(IN_TOWN, { quote: economy }), /somebody else/],
      [await book(IN_TOWN, { quote: comfort }, customer), /another vehicle category/],
      [await book({ lat: 30.06, lng: 31.24 }, { quote: economy }, customer), /another way/],
      [await book(IN_TOWN, { quote: forged }, customer), /none of ours/],
      [await book(IN_TOWN, { quote: "x" }, customer), /none of ours/],
    ];
    for (const [{ status, body }, why] of tried) {
      expect(status).toBe(400);
      expect(body).toMatchObject({
        code: "VALIDATION_FAILED",
        errors: [{ path: "quote", message: expect.stringMatching(why) }],
      });
    }
    expect(await t.value("SELECT count(*)::int FROM trip_requests")).toBe(0);
  });

  test("cannot use a quote for another time, nor in a zone that is now there instead", async () => {
    const customer = await t.make.customer();
    const options = (await estimate(IN_TOWN, customer)).body.options as { vehicleCategory: string; quote: string }[];
    const quote = options.find((option) => option.vehicleCategory === "economy")?.quote;
    const why = async (more: object = {}) => (await book(IN_TOWN, { quote, ...more }, customer)).body.errors;
    const scheduledAt = new Date(Date.now() + 3 * 3600_000).toISOString();
    expect(await why({ scheduledAt })).toEqual([{ path: "quote", message: "it is for a ride now" }]);
    await t.rows(`UPDATE zone_areas SET zone_id = '${SUBURB}' WHERE zone_id = '${TOWN}'`);
    expect(await why()).toEqual([{ path: "quote", message: "it is for another zone" }]);
    expect(await t.value("SELECT count(*)::int FROM trip_requests")).toBe(0);
  });

  test("of the longest ride at the dearest fare are told a fare that can be booked", async () => {
    await t.rows("UPDATE trip_fares SET fare_per_km = 100000000");
    const customer = await t.make.customer();
    const destination = { lat: -30.05, lng: IN_TOWN.lng - 180 };
    const token = await t.token("customer", customer);
    const shown = await call(`${await t.listen()}/api/v1/trips/estimate`, {
      token,
      body: { pickup: IN_TOWN, destination },
    });
    const [option] = shown.body.options as { estimatedFare: { amount: number } }[];
    const booked = await book(IN_TOWN, { destination }, customer);
    expect(booked).toMatchObject({ status: 201, body: { estimatedFare: option?.estimatedFare } });
    expect(option?.estimatedFare.amount).toBe(2 ** 31 - 1);
  });

  test("outside the service area get no estimate", async () => {
    expect(await estimate({ lat: 10, lng: 10 })).toMatchObject({ status: 422, body: { code: "OUTSIDE_SERVICE_AREA" } });
  });

  test("are told when a quote is too old", async () => {
    await t.dispose();
    let late = 0;
    const clock = { now: () => new Date(Date.now() + late), monotonicMs: () => performance.now() };
    t = await createTestApp({ coordination: "standalone", overrides: { clock } });
    const customer = await t.make.customer();
    const { body } = await estimate(IN_TOWN, customer);
    const quote = (body.options as { quote: string; vehicleCategory: string }[]).find(
      (o) => o.vehicleCategory === "economy",
    )?.quote;
    late = 181_000;
    expect(await book(IN_TOWN, { quote }, customer)).toMatchObject({ status: 409, body: { code: "QUOTE_EXPIRED" } });
  });

  test("of a scheduled trip pay no surge; nor does anybody once nobody judges any more", async () => {
    await t.make.trips(5);
    await rise(1);
    const scheduledAt = new Date(Date.now() + 3 * 3600_000).toISOString();
    expect((await book(IN_TOWN, { scheduledAt })).body).toMatchObject({ surgeMultiplier: 1 });
    await t.rows("UPDATE zone_surge SET computed_at = now() - interval '3 minutes'");
    expect((await book()).body).toMatchObject({ surgeMultiplier: 1 });
  });
});

describe("operators", () => {
  test("cap it, switch it off, set their own table, each on the record and against a version", async () => {
    await t.make.trips(9);
    await rise(5);
    expect(await multiplierOf()).toBe(3);
    await set({ cap: 1.5, expectedVersion: (await version()) ?? 0 });
    await t.app.surge.tick();
    expect(await multiplierOf()).toBe(1.5);
    await expect(set({ expectedVersion: 0 })).rejects.toMatchObject({ code: "VERSION_CONFLICT" });
    await set({ enabled: false, expectedVersion: (await version()) ?? 0 });
    await t.app.surge.tick();
    expect(await multiplierOf()).toBe(1);
    await set({
      steps: [
        { below: 100, multiplier: 1 },
        { below: null, multiplier: 2 },
      ],
      expectedVersion: (await version()) ?? 0,
    });
    await rise(2);
    expect(await multiplierOf()).toBe(2);
    expect(kept.length).toBeGreaterThan(2);
    await expect(set({ zoneId: "0199aaaa-0000-7000-8000-0000000000ff" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
  const version = async () => (await t.app.surge.view()).find((zone) => zone.zoneId === TOWN)?.version;

  test("set it by hand for a while, by the database's clock", async () => {
    await set({ override: { multiplier: 2.5, minutes: 10 } });
    expect(await multiplierOf()).toBe(2.5);
    expect((await book()).body).toMatchObject({ surgeMultiplier: 2.5 });
    await t.rows("UPDATE zone_surge SET override_until = now() - interval '1 second'");
    expect(await multiplierOf()).toBe(1);
    expect((await book()).body).toMatchObject({ surgeMultiplier: 1 });
    expect(reason).toBeTruthy();
  });
});

/** Reliability, "Degradation": one city ×10. */
test("a rush in one zone: its fares rise, beyond its limit riders are told when to come back, and the other zone is unharmed", async () => {
  await t.dispose();
  t = await createTestApp({ limits: "on", env: { ZONE_TRIPS_PER_MINUTE: "20" } });
  await t.rows(`INSERT INTO zones (id, code, name) VALUES ('${SUBURB}', 'suburb', 'Suburb')`);
  await t.rows(
    `INSERT INTO zone_areas (id, zone_id, part, area) VALUES (gen_random_uuid(), '${SUBURB}', 1, '((32,29.8),(32.5,29.8),(32.5,30.3),(32,30.3))')`,
  );
  const rush = await Promise.all(Array.from({ length: 30 }, () => book()));
  const taken = rush.filter(({ status }) => status === 201);
  const shed = rush.filter(({ status }) => status === 503);
  expect([taken.length, shed.length]).toEqual([20, 10]);
  for (const { body, headers } of shed) {
    expect(body).toMatchObject({ code: "HIGH_DEMAND" });
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  }
  await rise(2);
  expect(await multiplierOf(TOWN)).toBe(1.5);
  expect(await multiplierOf(SUBURB)).toBe(1);
  expect(await book(IN_SUBURB)).toMatchObject({ status: 201, body: { surgeMultiplier: 1 } });
  expect((await estimate(IN_SUBURB)).body).toMatchObject({ surgeMultiplier: 1, message: null });
});
