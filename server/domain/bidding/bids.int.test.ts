import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { channels } from "#server/contracts/realtime.ts";
import { BidService } from "#server/domain/bidding/bid-service.ts";
import { engineWith, storeWithSql } from "#server/testing/engine.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { matchingOf } from "#server/testing/matching.ts";

let t: TestApp;
let m: ReturnType<typeof matchingOf>;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  m = matchingOf(t);
});
afterEach(() => t.dispose());

interface Scene {
  readonly customer: string;
  readonly trip: string;
  readonly drivers: string[];
}
/** A zone with bidding on, and a trip that these drivers were asked for. Its estimate is 2,500 (the least fare) or more. */
async function scene(count = 2): Promise<Scene> {
  await m.zone({ bidding: 1 });
  const drivers = await m.driversAt(count, 300);
  const customer = await t.make.customer();
  const trip = await m.book({}, customer);
  await t.drain();
  return { customer, trip, drivers };
}
const bid = async (driver: string, trip: string, amount: number) =>
  t.app.bids.place(driver, { id: crypto.randomUUID(), tripId: trip, amount });
const take = (customer: string, tripId: string, bidId: string, bids: Pick<BidService, "accept"> = t.app.bids) =>
  bids.accept(customer, { tripId, bidId, requestId: null });
const tripOf = async (id: string) =>
  (await t.rows("SELECT current_status, driver_id, agreed_fare, version FROM trip_requests WHERE id = $1", [id]))[0];
const statuses = async (trip: string) =>
  (
    await t.rows<{ bid_fare: number; status: string }>(
      "SELECT bid_fare, status FROM fare_biddings WHERE trip_request_id = $1 ORDER BY created_at, id",
      [trip],
    )
  ).map(({ bid_fare, status }) => `${bid_fare} ${status}`);

test("over the API: bid, look, take; the driver has the trip at that fare, and the others' bids are closed", async () => {
  const { customer, trip, drivers } = await scene(3);
  const [low = "", high = "", silent = ""] = drivers;
  const url = `${await t.listen()}/api/v1/trips/${trip}`;
  const as = async (type: "driver" | "customer", id: string) => ({ token: await t.token(type, id) });
  const heard: unknown[] = [];
  t.app.bus.subscribe(channels.accepted(customer), ({ event, data }) =>
    heard.push([event, (data as { id: string }).id]),
  );

  const first = await call(`${url}/bids`, { ...(await as("driver", high)), body: { amount: 4100 } });
  expect(first.status, first.text).toBe(201);
  const second = await call(`${url}/bids`, { ...(await as("driver", low)), body: { amount: 3600 } });
  const idOf = (answer: { text: string }) => (JSON.parse(answer.text) as { id: string }).id;
  await t.drain();
  expect(heard).toEqual([
    ["bid.created", idOf(first)],
    ["bid.created", idOf(second)],
  ]);
  const list = await call(`${url}/bids`, { ...(await as("customer", customer)), method: "GET" });
  const { items } = JSON.parse(list.text) as { items: { amount: object; driver: { phone: string } }[] };
  expect(items.map((item) => item.amount)).toEqual([
    { amount: 3600, currency: "EGP" },
    { amount: 4100, currency: "EGP" },
  ]);
  expect(items[0]?.driver.phone).toBe("");
  const stranger = await call(`${url}/bids`, { ...(await as("customer", await t.make.customer())), method: "GET" });
  expect(stranger.status).toBe(404);

  const path = `${url}/bids/${idOf(second)}/accept`;
  const taken = await call(path, { ...(await as("customer", customer)), body: {} });
  expect(taken.status, taken.text).toBe(200);
  expect(JSON.parse(taken.text)).toMatchObject({
    alreadyAccepted: false,
    trip: { status: "accepted", driverId: low, agreedFare: { amount: 3600, currency: "EGP" } },
  });
  const again = await call(path, { ...(await as("customer", customer)), body: {} });
  expect(JSON.parse(again.text)).toMatchObject({ alreadyAccepted: true });
  await t.drain();
  expect((await statuses(trip)).toSorted()).toEqual(["3600 accepted", "4100 closed"]);
  expect((await m.offers(trip)).map((offer) => offer.status).toSorted()).toEqual(["accepted", "revoked", "revoked"]);
  const late = await call(`${url}/bids`, { ...(await as("driver", silent)), body: { amount: 3000 } });
  expect(late.status).toBe(409);
  expect(await t.broken()).toEqual([]);
});

// It was told after the commit and by nothing else: a process that died in between left the rider waiting.
test("a bid and the word of it are committed together; one that was replaced before is kept, and not told", async () => {
  const { customer, trip, drivers } = await scene(1);
  const [driver = ""] = drivers;
  const heard: number[] = [];
  t.app.bus.subscribe(channels.accepted(customer), ({ data }) =>
    heard.push((data as { amount: { amount: number } }).amount.amount),
  );
  await t.rows("ALTER TABLE outbox ADD CONSTRAINT none CHECK (topic <> 'bid-placed') NOT VALID");
  await expect(bid(driver, trip, 3500)).rejects.toThrow();
  expect(await statuses(trip)).toEqual([]);
  await t.rows("ALTER TABLE outbox DROP CONSTRAINT none");
  await bid(driver, trip, 3600);
  await bid(driver, trip, 3700);
  expect(heard).toEqual([]);
  await t.drain();
  expect(heard).toEqual([3700]);
  expect(await t.value("SELECT count(*)::int FROM trip_events WHERE kind = 'bid.placed'")).toBe(2);
});

test("the agreed fare is what the ride costs, however far it went", async () => {
  const { customer, trip, drivers } = await scene(1);
  const [driver = ""] = drivers;
  await take(customer, trip, (await bid(driver, trip, 3600)).id);
  await t.drain();
  await t.app.trips.arrive(driver, trip);
  const { otp = "" } = await t.app.trips.get({ type: "customer", id: customer }, trip);
  await t.app.trips.start(driver, trip, otp);
  const done = await t.app.trips.complete(driver, trip, { distanceMeters: 90_000 });
  expect(done.actualFare).toEqual({ amount: 3600, currency: "EGP" });
});

test("bounds, bidding off, not asked, not free: refused, and nothing is kept", async () => {
  const { trip, drivers } = await scene(2);
  const [driver = "", busy = ""] = drivers;
  const estimate = await t.value<number>("SELECT estimated_fare FROM trip_requests WHERE id = $1", [trip]);
  const [least, most] = [Math.ceil(estimate / 2), estimate * 2];
  for (const amount of [least - 1, most + 1])
    await expect(bid(driver, trip, amount)).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
      fields: [{ path: "amount" }],
    });
  await expect(bid(await t.make.driver(), trip, estimate)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await t.accept(await t.make.trip(), busy);
  await expect(bid(busy, trip, estimate)).rejects.toMatchObject({ code: "DRIVER_NOT_AVAILABLE" });
  await m.zone({});
  const [other = ""] = await m.driversAt(1, 350);
  const plain = await m.book();
  await t.drain();
  await expect(bid(other, plain, estimate)).rejects.toMatchObject({ code: "INVALID_TRANSITION" });
  expect(await statuses(trip)).toEqual([]);
  await bid(driver, trip, least);
  await bid(driver, trip, most);
  expect(await statuses(trip)).toEqual([`${least} replaced`, `${most} open`]);
});

/** Taking a bid reads before it decides: a plain accept of the same moment must not win each time. */
async function later<T>(ms: number, work: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, ms * 2));
  return work();
}

test("a plain accept needs a bid first, and takes the trip at its estimate", async () => {
  const { trip, drivers } = await scene(2);
  const [driver = ""] = drivers;
  expect(await t.accept(trip, driver)).toMatchObject({ accepted: false, code: "INVALID_TRANSITION" });
  await bid(driver, trip, 3600);
  expect(await t.accept(trip, driver)).toMatchObject({ accepted: true, trip: { agreedFare: null } });
  await t.drain();
  expect(await statuses(trip)).toEqual(["3600 closed"]);
  expect(await t.broken()).toEqual([]);
});

test("a retry must not read as a bid taken when the driver has the trip at its estimate", async () => {
  const { customer, trip, drivers } = await scene(1);
  const { id } = await bid(drivers[0] ?? "", trip, 3600);
  await t.accept(trip, drivers[0] ?? "");
  expect(await take(customer, trip, id)).toMatchObject({ accepted: false, code: "VERSION_CONFLICT" });
});

test("a released trip has no agreed fare; what a driver bid for elsewhere ends when they have a trip or go off line", async () => {
  await m.zone({ bidding: 1, offersPerDriver: 2 });
  const [driver = ""] = await m.driversAt(1, 300);
  const customer = await t.make.customer();
  const [trip, other] = [await m.book({}, customer), await m.book()];
  await t.drain();
  await bid(driver, other, 3500);
  await take(customer, trip, (await bid(driver, trip, 3600)).id);
  await t.drain();
  expect(await statuses(other)).toEqual(["3500 closed"]);
  await t.app.drivers.setAvailability(driver, { online: false, availability: "unavailable" });
  expect(await tripOf(trip)).toMatchObject({ current_status: "pending", agreed_fare: null });
  expect(await statuses(trip)).toEqual(["3600 closed"]);
  const { trip: last, drivers } = await scene(1);
  await bid(drivers[0] ?? "", last, 3500);
  await t.app.drivers.setAvailability(drivers[0] ?? "", { online: false, availability: "unavailable" });
  expect(await statuses(last)).toEqual(["3500 closed"]);
  expect(await t.broken()).toEqual([]);
});

test("out of batches, the search goes on while there are bids to choose from, until its time is up; who declines takes theirs back", async () => {
  await m.zone({ bidding: 1, maxBatches: 1 });
  const [driver = "", second = ""] = await m.driversAt(2, 300);
  const trip = await m.book();
  await t.drain();
  await bid(driver, trip, 3600);
  await m.nextBatch(trip);
  expect(await tripOf(trip)).toMatchObject({ current_status: "pending" });
  // Not answering counts against who named no fare alone.
  expect(await t.rows("SELECT driver_id FROM driver_stats")).toEqual([{ driver_id: second }]);
  await t.app.dispatch.reject(driver, trip);
  expect(await statuses(trip)).toEqual(["3600 closed"]);
  await t.app.dispatch.tick();
  expect(await tripOf(trip)).toMatchObject({ current_status: "expired" });
});

test("a cancelled trip's bids are closed", async () => {
  const { customer, trip, drivers } = await scene(1);
  await bid(drivers[0] ?? "", trip, 3600);
  await t.app.trips.cancel({ type: "customer", id: customer }, trip, "changed my mind");
  await t.drain();
  expect(await statuses(trip)).toEqual(["3600 closed"]);
});

describe("the driver and the fare are one", () => {
  test("two bids taken and a plain accept at once: one driver, with the fare of their bid or none", async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 12; round++) {
      const { customer, trip, drivers } = await scene(3);
      const [a = "", b = "", c = ""] = drivers;
      const [bidA, bidB] = [await bid(a, trip, 3600), await bid(b, trip, 4100), await bid(c, trip, 3000)];
      const calls = [
        () => take(customer, trip, bidA.id),
        () => take(customer, trip, bidB.id),
        () => later(round % 6, () => t.accept(trip, c)),
      ];
      const outcomes = await Promise.all(
        [...calls.slice(round % 3), ...calls.slice(0, round % 3)].map((each) => each()),
      );
      expect(outcomes.filter((outcome) => outcome.accepted)).toHaveLength(1);
      const row = (await tripOf(trip)) as { driver_id: string; agreed_fare: number | null };
      expect(row.agreed_fare).toBe(row.driver_id === a ? 3600 : row.driver_id === b ? 4100 : null);
      seen.add(row.driver_id === a ? "a" : row.driver_id === b ? "b" : "c");
      await t.drain();
      expect(await t.broken()).toEqual([]);
      await t.rows("UPDATE driver_details SET is_online = false WHERE availability_status <> 'on_trip'");
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  /** The driver names another fare in a transaction that has not ended while the rider takes the first one. */
  async function whileReplaced(bids: Pick<BidService, "accept">) {
    const { customer, trip, drivers } = await scene(1);
    const { id } = await bid(drivers[0] ?? "", trip, 3600);
    const other = new pg.Client({ connectionString: t.app.config.database.url });
    await other.connect();
    try {
      await other.query("BEGIN");
      await other.query("SELECT 1 FROM trip_requests WHERE id = $1 FOR SHARE", [trip]);
      await other.query("UPDATE fare_biddings SET status = 'replaced', ended_at = now() WHERE id = $1", [id]);
      await other.query(
        "INSERT INTO fare_biddings (id, trip_request_id, driver_id, bid_fare) VALUES (gen_random_uuid(), $1, $2, 5000)",
        [trip, drivers[0]],
      );
      const taken = take(customer, trip, id, bids);
      await new Promise((resolve) => setTimeout(resolve, 150));
      await other.query("COMMIT");
      return { outcome: await taken, row: await tripOf(trip), statuses: await statuses(trip) };
    } finally {
      await other.end();
    }
  }

  test("a bid that is replaced while it is being taken is gone, and nothing has changed", async () => {
    const { outcome, row } = await whileReplaced(t.app.bids);
    expect(outcome).toMatchObject({ accepted: false, code: "VERSION_CONFLICT" });
    expect(row).toMatchObject({ current_status: "pending", driver_id: null, agreed_fare: null, version: 0 });
  });

  test("mutation: with the bid read and not locked, the trip has a fare that its driver had taken back", async () => {
    const store = storeWithSql(t.app.db.pool, (sql) => sql.replace("ORDER BY b.id FOR UPDATE", "ORDER BY b.id"));
    const assignment = engineWith(t.app, { decide: (group) => store.decide(group) });
    const bids = new BidService({
      ...{ db: t.app.db, assignment, limits: t.app.config.dispatch },
      onCommitted: () => undefined,
    });
    const { row, statuses: after } = await whileReplaced(bids);
    expect(row).toMatchObject({ current_status: "accepted", agreed_fare: 3600 });
    expect(after).toEqual(["3600 accepted", "5000 open"]);
  });

  test("what cannot be committed whole does not happen: no fare, no driver, the bid still open", async () => {
    const { customer, trip, drivers } = await scene(1);
    const { id } = await bid(drivers[0] ?? "", trip, 3600);
    await t.rows("ALTER TABLE outbox ADD CONSTRAINT none CHECK (topic <> 'process-trip-acceptance') NOT VALID");
    await expect(take(customer, trip, id)).rejects.toThrow();
    expect(await tripOf(trip)).toMatchObject({ current_status: "pending", driver_id: null, agreed_fare: null });
    expect(await statuses(trip)).toEqual(["3600 open"]);
    await t.rows("ALTER TABLE outbox DROP CONSTRAINT none");
    expect(await take(customer, trip, id)).toMatchObject({ accepted: true });
  });
});

// The public contract: who is `available` may accept. A driver who waits for the answer to a bid gets a trip by that bid.
test("who bids in an older app's sense (on_bidding) is asked for trips to bid for, and has one by a bid alone", async () => {
  const [driver = ""] = await m.driversAt(1, 300);
  const bidding = () => t.rows("UPDATE driver_details SET availability_status = 'on_bidding'");
  await bidding();
  const fixed = await m.book();
  await t.drain();
  expect(await m.asked(fixed)).toEqual([]);
  expect(await t.accept(fixed, driver)).toMatchObject({ accepted: false, code: "DRIVER_NOT_AVAILABLE" });
  const { customer, trip, drivers } = await scene(1);
  expect(await m.asked(trip)).toContain(driver);
  await bidding();
  const bidder = drivers[0] ?? "";
  const { id } = await bid(bidder, trip, 3600);
  expect(await t.accept(trip, bidder)).toMatchObject({ accepted: false, code: "DRIVER_NOT_AVAILABLE" });
  expect(await take(customer, trip, id)).toMatchObject({ accepted: true });
});
