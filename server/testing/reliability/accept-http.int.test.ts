import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { type Answer, call, tally } from "#server/testing/http-calls.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";
import { allAtOnce, waitUntil } from "#server/testing/wait.ts";

/** Each effect of an acceptance, once. */
const EFFECTS = ["customer.told", "offers.revoked", "otp.push", "otp.sms", "otp.stored", "route.calculated"];

/** Reliability, "Assignment" 1, 2, 3 and 6: over HTTP, two web processes and a worker, one Redis, one PostgreSQL. */
describe("two web processes", () => {
  let t: TestApp;
  let webs: TestServer[] = [];
  let worker: TestServer;
  beforeAll(async () => {
    t = await createTestApp();
    [worker, ...webs] = (await Promise.all([
      spawnServer({ roles: "worker", env: t.env }),
      spawnServer({ roles: "web", env: t.env }),
      spawnServer({ roles: "web", env: t.env }),
    ])) as [TestServer, TestServer, TestServer];
  });
  afterAll(async () => {
    await Promise.all([...webs, worker].map((server) => server.stop()));
    await t.dispose();
  });

  const urlOf = (n: number) => (webs[n % 2] as TestServer).url;
  const tokens = (drivers: readonly string[]) => Promise.all(drivers.map((id) => t.token("driver", id)));
  const settled = () =>
    waitUntil("every outbox row is done", async () =>
      t.value("SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE completed_at IS NULL)"),
    );
  const effectsOf = async (trip: string) =>
    (
      await t.rows<{ effect: string }>(
        "SELECT effect FROM effects WHERE trip_id = $1 AND status = 'done' ORDER BY effect",
        [trip],
      )
    ).map((row) => row.effect);
  const messagesOf = (trip: string) =>
    t.rows("SELECT channel, count(*)::int FROM recorded_messages WHERE trip_id = $1 GROUP BY 1 ORDER BY 1", [trip]);
  const ONE_OF_EACH = [
    { channel: "push", count: 1 },
    { channel: "sms", count: 1 },
  ];

  test("200 drivers accept one trip: one 200, 199 × 409, one row, one effect of each kind", async () => {
    const [trip, drivers] = await Promise.all([t.make.trip(), t.make.drivers(200)]);
    await t.make.place(drivers);
    const bearer = await tokens(drivers);
    const answers = await allAtOnce(200, (n) =>
      call(`${urlOf(n)}/api/v1/trips/${trip}/accept`, { token: bearer[n], body: {} }),
    );
    expect(tally(answers)).toEqual({ 200: 1, 409: 199 });
    const winner = answers.findIndex((answer) => answer.status === 200);
    expect(answers[winner]?.body).toMatchObject({
      alreadyAccepted: false,
      trip: { driverId: drivers[winner], version: 1 },
    });
    expect(new Set(answers.filter((a) => a.status === 409).map((a) => a.body.code))).toEqual(
      new Set(["TRIP_ALREADY_ASSIGNED"]),
    );
    expect(await t.rows("SELECT driver_id, version FROM trip_requests WHERE id = $1", [trip])).toEqual([
      { driver_id: drivers[winner], version: 1 },
    ]);
    await settled();
    expect(await effectsOf(trip)).toEqual(EFFECTS);
    expect(await messagesOf(trip)).toEqual(ONE_OF_EACH);
    expect(await t.broken()).toEqual([]);
  });

  test("one driver accepts 50 trips: one 200, 49 × 409, one live trip", async () => {
    const [trips, driver] = await Promise.all([t.make.trips(50), t.make.driver()]);
    const token = await t.token("driver", driver);
    const answers = await allAtOnce(50, (n) =>
      call(`${urlOf(n)}/api/v1/trips/${trips[n]}/accept`, { token, body: {} }),
    );
    expect(tally(answers)).toEqual({ 200: 1, 409: 49 });
    expect(await t.rows("SELECT id FROM trip_requests WHERE driver_id = $1", [driver])).toEqual([
      { id: trips[answers.findIndex((answer) => answer.status === 200)] },
    ]);
    expect(await t.broken()).toEqual([]);
  });

  test("the shipped app's driver repeats itself: all 200, the first not already accepted, one code by push and one by SMS", async () => {
    const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
    const token = await t.token("driver", driver);
    const body = { trip_request_id: trip, action: "accepted" };
    const ask = (n: number) => call(`${urlOf(n)}/api/driver/trip/request-action`, { token, body });
    const answers: Answer[] = await allAtOnce(10, ask);
    // "7 and 14 seconds later": what may have changed by then is that the jobs ran and that the lock has gone.
    await settled();
    answers.push(await ask(0));
    await t.app.lock.releaseOwnedBy(trip, driver);
    answers.push(await ask(1));
    expect(tally(answers)).toEqual({ 200: 12 });
    expect(answers.every((answer) => answer.body.success === true)).toBe(true);
    const already = answers.map((answer) => answer.body.already_accepted);
    expect(already.slice(0, 10).filter((value) => value === false)).toHaveLength(1);
    expect(already.slice(10)).toEqual([true, true]);
    await settled();
    expect(await messagesOf(trip)).toEqual(ONE_OF_EACH);
    const other = await t.token("driver", await t.make.driver());
    expect((await call(`${urlOf(0)}/api/driver/trip/request-action`, { token: other, body })).status).toBe(403);
    expect((await call(`${urlOf(1)}/api/driver/ride/trip-action`, { token: other, body })).status).toBe(409);
    expect(await t.broken()).toEqual([]);
  });

  test("1,000 drivers × 1,000 trips: 1,000 assignments, no repeat, no time-out, each with its code sent once", async () => {
    const [trips, drivers] = await Promise.all([t.make.trips(1000), t.make.drivers(1000)]);
    const bearer = await tokens(drivers);
    const answers = await allAtOnce(1000, (n) =>
      call(`${urlOf(n)}/api/v1/trips/${trips[n]}/accept`, { token: bearer[n], body: {} }),
    );
    expect(tally(answers)).toEqual({ 200: 1000 });
    expect(answers.filter((answer) => answer.body.alreadyAccepted === false)).toHaveLength(1000);
    expect(
      await t.value(
        "SELECT count(DISTINCT driver_id)::int FROM trip_requests WHERE id = ANY($1) AND current_status = 'accepted'",
        [trips],
      ),
    ).toBe(1000);
    await settled();
    expect(
      await t.rows(
        "SELECT channel, count(*)::int FROM recorded_messages WHERE trip_id = ANY($1) GROUP BY 1 ORDER BY 1",
        [trips],
      ),
    ).toEqual([
      { channel: "push", count: 1000 },
      { channel: "sms", count: 1000 },
    ]);
    expect(await t.broken()).toEqual([]);
  });
});
