import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TripActor } from "#server/domain/trips/trip-service.ts";
import type { Queryable } from "#server/platform/db.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const none = async () => undefined;
const alerts = () =>
  t.rows("SELECT kind, subject_id, occurrences, resolved_at IS NULL AS open FROM alerts ORDER BY id");
const set = async (key: "abuse.customer_cancellations_per_hour" | "abuse.driver_drops_per_day", value: number) =>
  t.app.settings.set({ id: await t.make.operator(), name: "Test" }, { key, value, expectedVersion: 0 }, none);

const NO_LOCK = ["SELECT pg_advisory_xact_lock(hashtextextended('conduct:' || $1, 0))", "SELECT $1::text"] as const;
const NO_COUNT = ["count(*)::int AS count", "0 AS count"] as const;

/** `works` in transactions that are open at once, a clause of their statements broken; they commit when all are done. */
async function broken(
  [clause, instead]: readonly [string, string],
  ...works: readonly ((tx: Queryable) => Promise<unknown>)[]
): Promise<void> {
  let applied = false;
  let undone = works.length;
  let allDone = () => {};
  const done = new Promise<void>((resolve) => {
    allDone = resolve;
  });
  await Promise.all(
    works.map((work) =>
      t.app.db.transaction(async (tx) => {
        const query = (given: string | { text: string; values: unknown[] }, values: unknown[] = []) => {
          const { text, values: params } = typeof given === "string" ? { text: given, values } : given;
          applied ||= text.includes(clause);
          return tx.query(text.replace(clause, instead), params);
        };
        await work({ query } as unknown as Queryable);
        if (--undone === 0) allDone();
        await done;
      }),
    ),
  );
  if (!applied) throw new Error("the mutation does not apply any more");
}

describe("a customer who cancels", () => {
  let me: TripActor;
  beforeEach(async () => {
    me = { type: "customer", id: await t.make.customer() };
  });
  const cancel = async (customer = me) =>
    t.app.trips.cancel(customer, await t.make.trip({ customerId: customer.id }), "changed my mind");
  const cancelled = () => t.value("SELECT count(*)::int FROM trip_requests WHERE current_status = 'cancelled'");

  test("five trips in an hour is refused the sixth, over HTTP, with the reason and the time", async () => {
    for (let n = 0; n < 5; n++) await cancel();
    const id = await t.make.trip({ customerId: me.id });
    const answer = await call(`${await t.listen()}/api/v1/trips/${id}/cancel`, {
      token: await t.token("customer", me.id),
      body: { reason: "once more" },
    });
    expect(answer).toMatchObject({ status: 429, body: { code: "RATE_LIMIT_EXCEEDED" } });
    expect(answer.body.detail).toMatch(/cancelled 5 trips within the last hour, and 5 are allowed.*again in 60 min/);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(3500);
    expect(await t.rows("SELECT current_status, version FROM trip_requests WHERE id = $1", [id])).toEqual([
      { current_status: "pending", version: 0 },
    ]);
  });

  test("may do so again once the first of the five is an hour old; another customer may all the time", async () => {
    for (let n = 0; n < 5; n++) await cancel();
    await expect(cancel()).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
    await cancel({ type: "customer", id: await t.make.customer() });
    await t.rows(
      "UPDATE conduct_events SET at = at - interval '1 hour' WHERE id = (SELECT min(id::text)::uuid FROM conduct_events)",
    );
    await cancel();
    await expect(cancel()).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
  });

  test("ten at once: exactly five are cancelled", async () => {
    const trips = await Promise.all(Array.from({ length: 10 }, () => t.make.trip({ customerId: me.id })));
    const outcomes = await Promise.allSettled(trips.map((id) => t.app.trips.cancel(me, id, "all of them")));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
    expect(await cancelled()).toBe(5);
  });

  test("mutation: without the lock the fifth and the sixth at once both get through", async () => {
    for (let n = 0; n < 4; n++) await cancel();
    const [trip, thresholds] = [await t.make.trip(), await t.app.conduct.thresholds()];
    const cancels = (tx: Queryable) => t.app.conduct.customerCancels(tx, me.id, trip, thresholds);
    await broken(NO_LOCK, cancels, cancels);
    expect(await t.value("SELECT count(*)::int FROM conduct_events WHERE user_id = $1", [me.id])).toBe(6);
  });

  test("is held to the threshold of the business settings; operators are not", async () => {
    await set("abuse.customer_cancellations_per_hour", 1);
    await cancel();
    await expect(cancel()).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
    const operator = { type: "operator", id: await t.make.operator() } as const;
    for (let n = 0; n < 3; n++)
      await t.app.trips.cancel(operator, await t.make.trip({ customerId: me.id }), "asked by phone");
  });
});

describe("a driver who gives up accepted trips", () => {
  let driver: string;
  beforeEach(async () => {
    driver = await t.make.driver();
  });
  const acceptOne = async () => {
    const trip = await t.make.trip();
    const outcome = await t.accept(trip, driver);
    expect(outcome.accepted).toBe(true);
    return trip;
  };
  const drop = async () => t.app.trips.cancel({ type: "driver", id: driver }, await acceptOne(), "no");
  const state = async () =>
    (await t.rows("SELECT availability_status, under_review FROM driver_details WHERE user_id = $1", [driver]))[0];
  const online = () => t.app.drivers.setAvailability(driver, { online: true, availability: "available" });

  test("ten in a day stays; with the eleventh is under review, alerted, and takes no trips", async () => {
    for (let n = 0; n < 9; n++) await drop();
    await acceptOne();
    await t.app.drivers.setAvailability(driver, { online: false, availability: "unavailable" });
    await online();
    expect([await state(), await alerts()]).toEqual([{ availability_status: "available", under_review: false }, []]);
    await drop();
    expect(await state()).toEqual({ availability_status: "unavailable", under_review: true });
    expect(await alerts()).toEqual([{ kind: "driver.under_review", subject_id: driver, occurrences: 1, open: true }]);
    await expect(online()).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(await t.accept(await t.make.trip(), driver)).toMatchObject({ accepted: false });
    // The database itself: whatever statement forgets the review.
    await expect(
      t.rows("UPDATE driver_details SET availability_status = 'available' WHERE user_id = $1", [driver]),
    ).rejects.toThrow("driver_under_review_takes_no_trips");
  });

  test("going offline with an accepted trip counts; completing one does not", async () => {
    await set("abuse.driver_drops_per_day", 1);
    for (const expected of [false, true]) {
      await acceptOne();
      await t.app.drivers.setAvailability(driver, { online: false, availability: "unavailable" });
      expect(await state()).toEqual({ availability_status: "unavailable", under_review: expected });
      if (!expected) await online();
    }
  });

  test("an operator with drivers.review ends it, with a reason, and the count begins anew", async () => {
    await set("abuse.driver_drops_per_day", 1);
    await drop();
    await drop();
    const end = async (role: string) =>
      call(`${await t.listen()}/api/trpc/drivers.endReview`, {
        token: await t.operatorToken(await t.make.operator(role)),
        body: { json: { driverId: driver, reason: "talked to the driver" } },
      });
    const refused = await end("viewer");
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining("needs drivers.review")]);
    expect((await end("dispatcher")).status).toBe(200);
    expect((await end("dispatcher")).status).toBe(409);
    expect(await alerts()).toMatchObject([{ open: false }]);
    expect(await t.rows("SELECT action, reason, before, after FROM activity_logs")).toEqual([
      {
        action: "driver.end_review",
        reason: "talked to the driver",
        before: { underReview: true, why: "Gave up 2 accepted trips within 24 hours" },
        after: { underReview: false },
      },
    ]);
    await online();
    await drop();
    expect(await state()).toMatchObject({ under_review: false });
    await drop();
    expect(await state()).toMatchObject({ under_review: true });
  });
});

describe("the count of a driver's given-up trips", () => {
  let driver: string;
  let drop: (tx: Queryable) => Promise<boolean>;
  const drops = async (count: number) => {
    for (let n = 0; n < count; n++) await t.app.db.transaction(drop);
  };
  const underReview = () => t.value("SELECT under_review FROM driver_details WHERE user_id = $1", [driver]);
  beforeEach(async () => {
    driver = await t.make.driver();
    const [trip, thresholds] = [await t.make.trip(), await t.app.conduct.thresholds()];
    drop = (tx) => t.app.conduct.driverDrops(tx, driver, trip, thresholds);
  });

  test("holds also for two at once", async () => {
    await drops(9);
    const reviewed = await Promise.all([t.app.db.transaction(drop), t.app.db.transaction(drop)]);
    expect([reviewed.sort(), await underReview()]).toEqual([[false, true], true]);
  });

  test("mutation: with nothing counted the eleventh leads to no review", async () => {
    await drops(10);
    await broken(NO_COUNT, drop);
    expect(await underReview()).toBe(false);
    await drops(1);
    expect(await underReview()).toBe(true);
  });

  test("mutation: without the driver's lock the tenth and the eleventh at once lead to none", async () => {
    await drops(9);
    await broken([" FOR UPDATE OF d", ""], drop, drop);
    expect(await underReview()).toBe(false);
  });
});

describe("payments that fail", () => {
  const fail = async (customer: string) => {
    const thresholds = await t.app.conduct.thresholds();
    await t.app.db.transaction((tx) => t.app.conduct.paymentFailed(tx, customer, null, thresholds));
  };
  const mayPay = (customer: string) => t.app.conduct.assertMayPay(t.app.db.pool, customer);

  test("three in an hour are let pass; with the fourth payments are blocked for an hour", async () => {
    const [customer, other] = await t.make.customers(2);
    for (let n = 0; n < 3; n++) await fail(customer as string);
    await mayPay(customer as string);
    await fail(customer as string);
    await expect(mayPay(customer as string)).rejects.toMatchObject({ code: "FORBIDDEN", retryAfterSeconds: 3600 });
    await mayPay(other as string);
    expect(await alerts()).toEqual([{ kind: "payments.blocked", subject_id: customer, occurrences: 1, open: true }]);
    await t.rows("UPDATE users SET payment_blocked_until = payment_blocked_until - interval '1 hour'");
    await mayPay(customer as string);
  });

  test("mutation: with nothing counted, or without the lock, the fourth blocks nothing", async () => {
    const [one, two] = (await t.make.customers(2)) as [string, string];
    const thresholds = await t.app.conduct.thresholds();
    const failing = (customer: string) => (tx: Queryable) =>
      t.app.conduct.paymentFailed(tx, customer, null, thresholds);
    for (let n = 0; n < 3; n++) await fail(one);
    await broken(NO_COUNT, failing(one));
    await mayPay(one);
    for (let n = 0; n < 2; n++) await fail(two);
    await broken(NO_LOCK, failing(two), failing(two));
    await mayPay(two);
    for (const customer of [one, two]) {
      await fail(customer);
      await expect(mayPay(customer)).rejects.toMatchObject({ code: "FORBIDDEN" });
    }
  });

  test("four at once block too; a transaction that is undone counts nothing", async () => {
    const customer = await t.make.customer();
    const thresholds = await t.app.conduct.thresholds();
    await t.app.db
      .transaction(async (tx) => {
        await t.app.conduct.paymentFailed(tx, customer, null, thresholds);
        throw new Error("undone");
      })
      .catch(() => undefined);
    await Promise.all(Array.from({ length: 3 }, () => fail(customer)));
    await mayPay(customer);
    await t.rows("DELETE FROM conduct_events");
    await Promise.all(Array.from({ length: 4 }, () => fail(customer)));
    await expect(mayPay(customer)).rejects.toMatchObject({ code: "FORBIDDEN" });
  });
});
