import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { channels } from "#server/contracts/realtime.ts";
import { readNearby } from "#server/domain/matching/candidate-store.ts";
import { DispatchService } from "#server/domain/matching/dispatch-service.ts";
import { makeOffers, type NewBatch } from "#server/domain/matching/dispatch-store.ts";
import type { Database } from "#server/platform/db.ts";
import type { DriverIndex, NearDriver } from "#server/platform/driver-index/driver-index.ts";
import type { Router } from "#server/platform/routing.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { matchingOf } from "#server/testing/matching.ts";

let t: TestApp;
let m: ReturnType<typeof matchingOf>;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  m = matchingOf(t);
});
afterEach(() => t.dispose());

const PLACES = "one_open_offer_per_driver_and_slot";
const openOf = (driver: string) =>
  t.value<number>("SELECT count(*)::int FROM trip_offers WHERE driver_id = $1 AND status = 'open'", [driver]);
/** A matcher of the same platform with parts of it replaced. */
const matcher = (parts: { readonly index?: DriverIndex | null; readonly router?: Pick<Router, "etas"> } = {}) =>
  new DispatchService({
    ...{ db: t.app.db, bus: t.app.bus, events: t.app.events, clock: t.app.clock, logger: t.app.logger },
    index: parts.index ?? null,
    router: parts.router ?? t.app.router,
    limits: t.app.config.dispatch,
  });
const indexOf = (nearest: (limit: number) => readonly NearDriver[]): DriverIndex => ({
  nearest: async ({ limit }) => [...nearest(limit)],
});

describe("one offer on a driver's screen", () => {
  /** Many trips at one place, all dispatched at once, for a few drivers. */
  async function race(): Promise<number> {
    const drivers = await m.driversAt(3, 300);
    const trips = await Promise.all(Array.from({ length: 8 }, () => m.book()));
    await Promise.all(trips.map((trip) => t.app.dispatch.dispatch(trip, 1)));
    return Math.max(...(await Promise.all(drivers.map(openOf))));
  }

  test("however many trips are dispatched at the same moment", async () => {
    for (let round = 0; round < 5; round++) {
      expect(await race()).toBe(1);
      await t.rows("UPDATE trip_offers SET status = 'expired', ended_at = now()");
      await t.rows("UPDATE driver_details SET is_online = false");
    }
  });

  /** Another batch has made its offer to the driver and not committed yet: no statement of ours can see it. */
  async function besideAnUncommittedOffer(): Promise<number> {
    const [driver = ""] = await m.driversAt(1, 300);
    const [mine, theirs] = [await m.book(), await t.make.trip()];
    const other = new pg.Client({ connectionString: t.app.config.database.url });
    await other.connect();
    try {
      await other.query("BEGIN");
      await other.query(
        `INSERT INTO trip_offers (id, trip_request_id, driver_id, batch, distance_meters, expires_at)
         VALUES (gen_random_uuid(), $1, $2, 1, 300, now() + interval '15 seconds')`,
        [theirs, driver],
      );
      const dispatched = t.app.dispatch.dispatch(mine, 1);
      await new Promise((resolve) => setTimeout(resolve, 150));
      await other.query("COMMIT");
      await dispatched;
    } finally {
      await other.end();
    }
    return openOf(driver);
  }

  test("also when the other offer is made and not yet committed", async () => {
    expect(await besideAnUncommittedOffer()).toBe(1);
  });

  test("mutation: without its unique index there are two", async () => {
    await t.rows(`DROP INDEX ${PLACES}`);
    expect(await besideAnUncommittedOffer()).toBe(2);
  });

  test("a zone that allows two has two, each in its place", async () => {
    await m.zone({ offersPerDriver: 2 });
    const [driver = ""] = await m.driversAt(1, 300);
    const trips = [await m.book(), await m.book(), await m.book()];
    await t.drain();
    const places = await t.rows("SELECT slot FROM trip_offers WHERE driver_id = $1 ORDER BY slot", [driver]);
    expect(places).toEqual([{ slot: 1 }, { slot: 2 }]);
    expect(await m.asked(trips[2] ?? "")).toEqual([]);
  });
});

describe("a driver who goes off line at the very moment", () => {
  const parts = { pickUp: 30, unanswered: 0, dropped: 0, idle: 0, estimated: true };
  /** Off line, and their offers ended, in a transaction that has not committed while the batch is made. */
  async function whileGoing(change: (sql: string) => string): Promise<number> {
    const [driver = ""] = await m.driversAt(1, 300);
    const trip = await m.book();
    const other = new pg.Client({ connectionString: t.app.config.database.url });
    await other.connect();
    const query = ({ text, values }: { text: string; values: unknown[] }) =>
      t.app.db.pool.query({ text: change(text), values });
    try {
      await other.query("BEGIN");
      await other.query("SELECT 1 FROM driver_details WHERE user_id = $1 FOR UPDATE", [driver]);
      await other.query("UPDATE trip_offers SET status = 'revoked' WHERE driver_id = $1 AND status = 'open'", [driver]);
      await other.query(
        "UPDATE driver_details SET is_online = false, availability_status = 'unavailable' WHERE user_id = $1",
        [driver],
      );
      await makeOffers({ query } as never, {
        ...{ tripId: trip, batchId: crypto.randomUUID(), batch: 1, drivers: 5, offerSeconds: 15, offersPerDriver: 1 },
        ...{ retrySeconds: 3, radiusMeters: 2000, source: "index", tookMs: 1, excluded: [], rules: {} },
        searchBegan: new Date(Date.now() - 60_000),
        wanted: [{ offerId: crypto.randomUUID(), driverId: driver, meters: 300, etaSeconds: 30, score: 30, parts }],
      });
      await other.query("COMMIT");
    } finally {
      await other.end();
    }
    return openOf(driver);
  }

  test("is not asked, and what took them is on the record", async () => {
    expect(await whileGoing((sql) => sql)).toBe(0);
    expect(await t.value("SELECT excluded->0->>'rule' FROM dispatch_batches")).toBe("changed_meanwhile");
  });

  test("mutation: without the lock on their row they have an offer while off line", async () => {
    expect(await whileGoing((sql) => sql.replace(" FOR SHARE OF d SKIP LOCKED", ""))).toBe(1);
  });
});

describe("who is asked", () => {
  test("the widest circle grows from batch to batch", async () => {
    const near = await m.driversAt(1, 500);
    await m.driversAt(1, 2500);
    const trip = await m.book();
    await t.drain();
    expect(await m.asked(trip)).toEqual(near);
    for (let batch = 2; batch <= 4; batch++) await m.nextBatch(trip);
    const batches = await t.rows("SELECT batch, radius_meters, asked FROM dispatch_batches ORDER BY batch");
    // Nobody was left within the second batch's circle, so it reached further at once.
    expect(batches.slice(0, 2)).toEqual([
      { batch: 1, radius_meters: 2000, asked: 1 },
      { batch: 2, radius_meters: 2600, asked: 1 },
    ]);
  });

  test("nobody who was asked in this search is asked again, whatever the index says", async () => {
    const drivers = await m.driversAt(3, 300);
    const trip = await m.book();
    const named = drivers.map((driverId, i) => ({ driverId, ...HERE, distanceMeters: 300 + i * 100 }));
    await matcher({ index: indexOf(() => named) }).dispatch(trip, 1);
    for (let batch = 2; batch <= 3; batch++) {
      await t.rows("UPDATE trip_offers SET status = 'expired', ended_at = now()");
      await m.past(`dispatch_batch = ${batch}`, trip);
      expect(await matcher({ index: indexOf(() => named) }).dispatch(trip, batch)).toBe(0);
    }
    expect((await m.asked(trip)).toSorted()).toEqual(drivers.toSorted());
  });

  test("mutation: without its condition the statement asks them again", async () => {
    const [driver = ""] = await m.driversAt(1, 300);
    const trip = await m.book();
    await t.drain();
    await t.rows("UPDATE trip_offers SET status = 'expired', ended_at = now()");
    await m.past("dispatch_batch = 2", trip);
    const parts = { pickUp: 30, unanswered: 0, dropped: 0, idle: 0, estimated: true };
    const batch = (): NewBatch => ({
      ...{ tripId: trip, batchId: crypto.randomUUID(), batch: 2, drivers: 5, offerSeconds: 15, offersPerDriver: 1 },
      ...{ retrySeconds: 3, radiusMeters: 2000, source: "index", tookMs: 1, excluded: [], rules: {} },
      searchBegan: new Date(Date.now() - 60_000),
      wanted: [{ offerId: crypto.randomUUID(), driverId: driver, meters: 300, etaSeconds: 30, score: 30, parts }],
    });
    expect((await makeOffers(t.app.db.pool, batch()))?.offers).toEqual([]);
    await m.past("dispatch_batch = 2", trip);
    const query = ({ text, values }: { text: string; values: unknown[] }) => {
      const changed = text.replace(
        /AND NOT EXISTS \(\s+SELECT 1 FROM trip_offers o\s+WHERE o\.trip_request_id = \$1[^)]+\)\)/,
        "",
      );
      if (changed === text) throw new Error("the mutation does not apply any more");
      return t.app.db.pool.query({ text: changed, values });
    };
    // Without it the condition on the search's beginning has no use: $7 is still the record's.
    expect((await makeOffers({ query } as never, batch()))?.offers).toHaveLength(1);
  });

  test("who declined is not asked after a release either", async () => {
    const [declined = "", taker = ""] = await m.driversAt(2, 300);
    const trip = await m.book();
    await t.drain();
    await t.app.dispatch.reject(declined, trip);
    await t.accept(trip, taker);
    await t.drain();
    await t.app.trips.release({ type: "operator", id: taker }, trip, "a test", null);
    await t.app.dispatch.tick();
    await t.drain();
    expect((await m.offers(trip)).filter((offer) => offer.status === "open").map((o) => o.driver_id)).toEqual([taker]);
  });

  test("when all have declined, the next batch does not wait for their time to pass", async () => {
    await m.zone({ driversPerBatch: 2 });
    const drivers = await m.driversAt(3, 300);
    const trip = await m.book();
    await t.drain();
    await t.app.dispatch.reject(drivers[0] ?? "", trip);
    expect(await t.app.dispatch.tick()).toBe(false);
    await t.app.dispatch.reject(drivers[1] ?? "", trip);
    expect(await t.app.dispatch.tick()).toBe(true);
    await t.drain();
    expect((await m.offers(trip)).map((offer) => [offer.batch, offer.status])).toEqual([
      [1, "rejected"],
      [1, "rejected"],
      [2, "open"],
    ]);
  });

  test("the next batch does not pull an offer off a screen before its own time", async () => {
    await m.zone({ driversPerBatch: 1 });
    const [first = "", second = ""] = await m.driversAt(2, 300);
    const trip = await m.book();
    await t.drain();
    await t.rows("UPDATE trip_offers SET expires_at = now() + interval '60 seconds'");
    await m.past("next_dispatch_at = now()", trip);
    await t.app.dispatch.tick();
    await t.drain();
    expect((await m.offers(trip)).map((offer) => [offer.driver_id, offer.status])).toEqual([
      [first, "open"],
      [second, "open"],
    ]);
  });

  // A zone that shortened its time to answer ended a search over the heads of who was still looking at it.
  test("nor does the last batch end the search while an offer is on a screen; time does", async () => {
    await m.zone({ maxBatches: 1 });
    const [driver = ""] = await m.driversAt(1, 300);
    const trip = await m.book();
    await t.drain();
    const status = () => t.value("SELECT current_status FROM trip_requests WHERE id = $1", [trip]);
    await t.rows("UPDATE trip_offers SET expires_at = now() + interval '60 seconds'");
    await m.past("next_dispatch_at = now()", trip);
    await t.app.dispatch.tick();
    expect([await openOf(driver), await status()]).toEqual([1, "pending"]);
    await m.past("search_ends_at = now()", trip);
    await t.app.dispatch.tick();
    expect(await status()).toBe("expired");
  });

  test("by pick-up time, not by the straight line; the offer keeps why", async () => {
    const [near = "", far = ""] = await m.driversAt(2, 300, 500);
    const trip = await m.book();
    const etas: Router["etas"] = async (origins) =>
      origins.map((origin, i) => ({
        durationSeconds: i === 0 ? 600 : 90,
        distanceMeters: Math.round(origin.lat),
        estimated: false,
      }));
    await matcher({ router: { etas } }).dispatch(trip, 1);
    const made = await t.rows("SELECT driver_id, eta_seconds, score_parts FROM trip_offers ORDER BY score_seconds");
    expect(made).toMatchObject([
      { driver_id: far, eta_seconds: 90, score_parts: { pickUp: 90, estimated: false } },
      { driver_id: near, eta_seconds: 600, score_parts: { pickUp: 600 } },
    ]);
  });

  // Roads are longer than straight lines: whoever was not asked of the router came first for that alone.
  test("who is not asked of the router is measured by the roads of those who are", async () => {
    const near = await m.driversAt(5, 300, 10);
    const [far = ""] = await m.driversAt(1, 600);
    const trip = await m.book();
    let asked = 0;
    const etas: Router["etas"] = async (origins) => {
      asked = origins.length;
      // Three times the straight line at 40 km/h.
      return origins.map((_, i) => ({ durationSeconds: 81 + 3 * i, distanceMeters: 900, estimated: i === 1 }));
    };
    await m.zone({ driversPerBatch: 6 });
    await matcher({ router: { etas } }).dispatch(trip, 1);
    expect(asked).toBe(5);
    const made = await m.offers(trip);
    expect(made.map((offer) => offer.driver_id)).toEqual([...near, far]);
    const [parts, first] = await Promise.all(
      [far, near[1] ?? ""].map((id) => t.value("SELECT score_parts FROM trip_offers WHERE driver_id = $1", [id])),
    );
    expect([parts, first]).toMatchObject([
      { pickUp: 162, estimated: true },
      { pickUp: 84, estimated: true },
    ]);
  });

  test("across the antimeridian too the nearest are found", async () => {
    const [east = "", west = ""] = await t.make.drivers(2);
    for (const [id, lng] of [
      [east, 179.99],
      [west, -179.99],
    ])
      await t.rows(
        "INSERT INTO user_last_locations (user_id, type, location, recorded_at) VALUES ($1, 'driver', point($2, -16.8), now())",
        [id, lng],
      );
    const trip = await m.book();
    const category = await t.value<string>("SELECT vehicle_category_id FROM trip_requests WHERE id = $1", [trip]);
    const search = {
      ...{ tripId: trip, categoryId: category, bidding: false, radiusMeters: 5000, offersPerDriver: 1 },
      searchBegan: new Date(Date.now() - 60_000),
    };
    for (const lng of [179.995, -179.995]) {
      const found = await readNearby(
        t.app.db.pool,
        { ...search, at: { lat: -16.8, lng } },
        { named: null, nearest: 9, free: 9 },
      );
      expect(found.map((driver) => driver.driverId)).toEqual(lng > 0 ? [east, west] : [west, east]);
    }
  });

  test("a router that is silent holds up nobody", async () => {
    await m.driversAt(2, 300);
    const trip = await m.book();
    const started = performance.now();
    expect(await matcher({ router: { etas: () => new Promise(() => undefined) } }).dispatch(trip, 1)).toBe(2);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  test("habits count: who never answers comes after who does, as far away", async () => {
    const [silent = "", good = ""] = await m.driversAt(2, 300, 10);
    for (let i = 0; i < 6; i++) {
      await t.rows(
        `INSERT INTO trip_offers (id, trip_request_id, driver_id, batch, distance_meters, expires_at)
         VALUES (gen_random_uuid(), $1, $2, 1, 300, now())`,
        [await t.make.trip(), silent],
      );
      await t.app.dispatch.tick();
    }
    await t.rows("UPDATE driver_details SET availability_since = now()");
    const trip = await m.book();
    await t.drain();
    expect(await m.asked(trip)).toEqual([good, silent]);
    expect(await t.value("SELECT round(ignored)::int FROM driver_stats WHERE driver_id = $1", [silent])).toBe(6);
  });

  test("trips given up count: by going off line, and by cancelling; taken ones count for the driver", async () => {
    const [driver = ""] = await m.driversAt(1, 300);
    for (const giveUp of ["off line", "cancel"]) {
      const trip = await t.make.trip();
      await t.accept(trip, driver);
      await t.drain();
      if (giveUp === "cancel") await t.app.trips.cancel({ type: "driver", id: driver }, trip, "a flat tyre");
      else await t.app.drivers.setAvailability(driver, { online: false, availability: "unavailable" });
      await t.app.drivers.setAvailability(driver, { online: true, availability: "available" });
      await t.drain();
    }
    const counts = "round(accepted)::int AS accepted, round(dropped)::int AS dropped, round(ignored)::int AS ignored";
    expect(await t.rows(`SELECT ${counts} FROM driver_stats WHERE driver_id = $1`, [driver])).toEqual([
      { accepted: 2, dropped: 2, ignored: 0 },
    ]);
  });

  test("an index that is away, empty or behind costs nobody their ride", async () => {
    const drivers = await m.driversAt(2, 900);
    // So many who cannot be asked that the free ones are not among the nearest of any kind.
    await m.place(await t.make.drivers(61, { online: false }), 100, 10);
    const away = { ...indexOf(() => []), nearest: () => Promise.reject(new Error("away")) };
    const [one, two] = [await m.book(), await m.book()];
    expect(await matcher({ index: away }).dispatch(one, 1)).toBe(2);
    await t.rows("UPDATE trip_offers SET status = 'expired', ended_at = now()");
    expect(await matcher({ index: indexOf(() => []) }).dispatch(two, 1)).toBe(2);
    expect((await m.asked(two)).toSorted()).toEqual(drivers.toSorted());
    expect(await t.rows("SELECT source FROM dispatch_batches GROUP BY source")).toEqual([{ source: "database" }]);
  });

  test("whom the index names is looked at in the database before being asked", async () => {
    const [offline, busy, other, free] = [
      await t.make.driver({ online: false }),
      await t.make.driver(),
      await t.make.driver({ category: "comfort" }),
      await t.make.driver(),
    ];
    await m.place([offline, busy, other, free], 300);
    await t.accept(await t.make.trip(), busy);
    const named = [offline, busy, other, free].map((driverId) => ({ driverId, ...HERE, distanceMeters: 100 }));
    const trip = await m.book();
    await matcher({ index: indexOf(() => named) }).dispatch(trip, 1);
    expect(await m.asked(trip)).toEqual([free]);
  });

  // The index forgets who is silent minutes later, and was believed to have forgotten them: they were asked for 5 min more.
  test("whom the index names is where and as old as the database says", async () => {
    const [silent = "", gone = "", fresh = ""] = await m.driversAt(3, 300);
    await t.rows("UPDATE user_last_locations SET updated_at = now() - interval '31 minutes' WHERE user_id = $1", [
      silent,
    ]);
    await m.place([gone], 9000);
    const named = [silent, gone, fresh].map((driverId) => ({ driverId, ...HERE, distanceMeters: 100 }));
    const trip = await m.book();
    await matcher({ index: indexOf(() => named) }).dispatch(trip, 1);
    expect((await m.offers(trip)).map((offer) => [offer.driver_id, offer.distance_meters])).toEqual([[fresh, 500]]);
    const [row] = await t.rows<{ excluded: object[] }>("SELECT excluded FROM dispatch_batches");
    expect(row?.excluded).toMatchObject([
      { driverId: silent, rule: "stale_position" },
      { driverId: gone, rule: "too_far" },
    ]);
  });
});

test("a driver whose connection is lost is asked until the grace has passed: the offer comes to the phone as a push, too", async () => {
  const [driver = ""] = await m.driversAt(1, 300);
  await t.rows("UPDATE driver_details SET disconnected_at = now() WHERE user_id = $1", [driver]);
  const trip = await m.book();
  await t.drain();
  expect(await m.asked(trip)).toEqual([driver]);
});

describe("an offer is revoked at once and everywhere", () => {
  /** Who was told what, and what is still on the loser's screen, once the trip is taken or cancelled. */
  async function afterEnd(end: (trip: string, winner: string) => Promise<unknown>) {
    await m.zone({ offersPerDriver: 2 });
    const [winner = "", loser = ""] = await m.driversAt(2, 300);
    const [trip, other] = [await m.book(), await m.book()];
    await t.drain();
    const told: string[] = [];
    for (const driver of [winner, loser])
      t.app.bus.subscribe(channels.offers(driver), ({ event, data }) =>
        told.push(`${driver === winner ? "winner" : "loser"} ${event} ${(data as { reason: string }).reason}`),
      );
    await end(trip, winner);
    await t.drain();
    const open = (await m.offers(trip)).filter((offer) => offer.status === "open").length;
    return { told: told.toSorted(), open, winner, others: (await m.offers(other)).map((offer) => offer.status) };
  }
  const taken = (trip: string, winner: string) => t.accept(trip, winner);
  const cancelled = async (trip: string) =>
    t.app.trips.cancel({ type: "customer", id: await customerOf(trip) }, trip, "a test");
  const customerOf = (trip: string) => t.value<string>("SELECT customer_id FROM trip_requests WHERE id = $1", [trip]);
  /** The jobs' transactions go without this statement. */
  function without(name: string): void {
    const { transaction } = t.app.db;
    const broken: Database["transaction"] = (work) =>
      transaction((tx) => {
        const query = (what: { name?: string }, values: []) =>
          what.name === name ? { rows: [], rowCount: 0 } : tx.query(what as never, values);
        return work({ query } as never);
      });
    Object.assign(t.app.db, { transaction: broken });
  }

  test("when the trip is taken, and so is what else its driver was asked for", async () => {
    const { told, open, winner, others } = await afterEnd(taken);
    expect(told).toEqual(["loser offer.ended taken", "winner offer.ended busy"]);
    expect(open).toBe(0);
    expect(await openOf(winner)).toBe(0);
    expect(others.toSorted()).toEqual(["open", "revoked"]);
  });

  test("when it is cancelled", async () => {
    const { told, open, others } = await afterEnd(cancelled);
    expect(told).toEqual(["loser offer.ended cancelled", "winner offer.ended cancelled"]);
    expect(open).toBe(0);
    expect(others).toEqual(["open", "open"]);
  });

  test.each([
    ["taken", taken],
    ["cancelled", cancelled],
  ])("mutation: without the jobs' revocation the offers of a trip that was %s stay", async (_, end) => {
    without("offers-revoke");
    const { told, open } = await afterEnd(end);
    expect(told.filter((words) => !words.includes("busy"))).toEqual([]);
    expect(open).toBeGreaterThan(0);
  });

  test("mutation: without the other half, who has a trip keeps the offers of others", async () => {
    without("offers-revoke-of-driver");
    const { winner } = await afterEnd(taken);
    expect(await openOf(winner)).toBe(1);
  });
});

describe("expiry is the database's", () => {
  const anHour = (sign: 1 | -1) => () => new Date(Date.now() + sign * 3_600_000);
  const worker = (now: () => Date) =>
    createTestApp({
      peerOf: t,
      coordination: "standalone",
      overrides: { clock: { ...t.app.clock, now, monotonicMs: () => performance.now() } },
    });

  /** A worker whose clock is an hour ahead looks: how many offers are left that have their time before them. */
  async function leftByAFastWorker(change: (sql: string) => string): Promise<number> {
    const [driver = ""] = await m.driversAt(1, 300);
    await m.book();
    await t.drain();
    const fast = await worker(anHour(1));
    const { pool } = fast.app.db;
    const query = pool.query.bind(pool);
    pool.query = ((what: { text?: string }, ...rest: []) =>
      query((what.text === undefined ? what : { ...what, text: change(what.text) }) as never, ...rest)) as never;
    try {
      await fast.app.dispatch.tick();
      return await openOf(driver);
    } finally {
      pool.query = query as typeof pool.query;
      await fast.dispose();
    }
  }

  test("a worker whose clock is ahead ends nothing before its time, and ends what is due", async () => {
    expect(await leftByAFastWorker((sql) => sql)).toBe(1);
    await t.rows("UPDATE trip_offers SET expires_at = now()");
    const slow = await worker(anHour(-1));
    await slow.app.dispatch.tick();
    await slow.dispose();
    expect(await t.value("SELECT status FROM trip_offers")).toBe("expired");
  });

  test("mutation: by the worker's own clock it would end what drivers are still looking at", async () => {
    const theirs = (sql: string) =>
      sql.replace("expires_at <= now()", `expires_at <= '${anHour(1)().toISOString()}'::timestamptz`);
    expect(await leftByAFastWorker(theirs)).toBe(0);
  });

  // It looked at its own clock, and with one that was ahead it pushed no offer to any phone.
  test("a worker whose clock is ahead pushes offers that are still open", async () => {
    await m.driversAt(1, 300);
    await m.book();
    const fast = await worker(anHour(1));
    try {
      await fast.drain();
    } finally {
      await fast.dispose();
    }
    expect(await t.value("SELECT count(*)::int FROM recorded_messages WHERE title = 'New trip'")).toBe(1);
  });
});

test("a batch is three round trips, whatever it finds", async () => {
  await m.driversAt(6, 2600);
  const trip = await m.book();
  const { pool } = t.app.db;
  const query = pool.query.bind(pool);
  const asked: unknown[] = [];
  pool.query = ((what: { name?: string }, ...rest: []) => {
    asked.push(what.name ?? what);
    return query(what as never, ...rest);
  }) as typeof pool.query;
  try {
    expect(await t.app.dispatch.dispatch(trip, 1)).toBe(5);
  } finally {
    pool.query = query as typeof pool.query;
  }
  // The relay's wake-up and the log of events belong to the booking.
  expect(asked.filter((name) => /^(dispatch|candidates|offers?)-/.test(String(name)))).toEqual([
    "dispatch-read-trip",
    "candidates-by-database",
    "offers-make",
  ]);
});

// The planner took the box around the pickup for small, and read and sorted all 5,000 drivers in it: 130 ms instead of 2.
test("among many drivers the search reads the nearest from the index, and no others", async () => {
  await m.driversAt(1500, 100, 2);
  const trip = await m.book();
  await t.rows("ANALYZE");
  const { pool } = t.app.db;
  const plans: string[] = [];
  const query = async (what: { text: string; values: unknown[] }) => {
    const { rows } = await pool.query({ text: `EXPLAIN (ANALYZE) ${what.text}`, values: what.values });
    plans.push(rows.map((row: { "QUERY PLAN": string }) => row["QUERY PLAN"]).join("\n"));
    return pool.query({ text: what.text, values: what.values });
  };
  const category = await t.value<string>("SELECT vehicle_category_id FROM trip_requests WHERE id = $1", [trip]);
  const search = {
    ...{ at: HERE, tripId: trip, categoryId: category, bidding: false, radiusMeters: 5000, offersPerDriver: 1 },
    searchBegan: new Date(Date.now() - 60_000),
  };
  const found = await readNearby({ query } as never, search, { named: null, nearest: 60, free: 20 });
  await readNearby({ query } as never, search, { named: found.slice(0, 40), nearest: 60, free: 20 });
  expect(found).toHaveLength(60);
  for (const plan of plans) {
    expect(plan).toContain("Index Scan using idx_location_point");
    expect(plan).not.toMatch(/Bitmap Heap Scan on user_last_locations|Seq Scan on user_last_locations/);
    for (const [, rows] of plan.matchAll(/idx_location_point on .*actual time=\S+ rows=(\d+)/g))
      expect(Number(rows)).toBeLessThanOrEqual(60);
  }
});
