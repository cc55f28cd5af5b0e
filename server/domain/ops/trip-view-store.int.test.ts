import { afterEach, beforeEach, expect, test } from "vitest";
import { listDrivers } from "#server/domain/ops/driver-view-store.ts";
import { listTrips, readEvents } from "#server/domain/ops/trip-view-store.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

test("a crowd's retries push nothing else off a trip's page", async () => {
  const [trip, driver] = [await t.make.trip(), await t.make.driver()];
  const add = (kind: string, seconds: number, data: string, times = 1) =>
    t.rows(
      `INSERT INTO trip_events (id, trip_request_id, kind, actor_type, actor_id, data, at)
       SELECT gen_random_uuid(), $1, $2, 'driver', $3, $4::jsonb, now() + make_interval(secs => $5 + n * 0.001) FROM generate_series(1, $6) n`,
      [trip, kind, driver, data, seconds, times],
    );
  await add("offer.sent", 0, JSON.stringify({ driverId: driver }));
  await add("offer.sent", 1, JSON.stringify({ driverId: "no id" }));
  await add("accept.attempt", 2, '{"verdict":"won"}');
  await add("accept.attempt", 3, '{"verdict":"lost"}', 1500);
  await add("trip.arrived", 10, "{}");
  await add("trip.completed", 11, "{}");
  const events = await readEvents(t.app.db.pool, trip);
  expect(events.map(({ kind }) => kind).filter((kind) => kind !== "accept.attempt")).toEqual([
    "offer.sent",
    "offer.sent",
    "trip.arrived",
    "trip.completed",
  ]);
  expect(events.slice(0, 2).map(({ subject_name }) => subject_name)).toEqual(["Test driver", null]);
  const attempts = events.filter(({ kind }) => kind === "accept.attempt");
  expect(attempts).toHaveLength(1001);
  expect(attempts[0]?.data).toEqual({ verdict: "won" });
});

test("one status and several list the same trips, the newest first", async () => {
  const trips = await t.make.trips(5);
  const ids = async (status: readonly ("pending" | "accepted")[] | null) =>
    (
      await listTrips(t.app.db.pool, { status, q: null, zoneId: null, sort: "newest", cursor: null, limit: 3 })
    ).items.map(({ id }) => id);
  const newest = [...trips].sort().reverse().slice(0, 3);
  expect(await ids(null)).toEqual(newest);
  expect(await ids(["pending"])).toEqual(newest);
  expect(await ids(["pending", "accepted"])).toEqual(newest);
  expect(await ids(["accepted"])).toEqual([]);
});

test("a search finds trips by the start of a number, a phone or a name, whatever its capitals, and no wildcard", async () => {
  const [one, other] = await t.make.trips(2);
  await t.rows(
    `UPDATE users SET first_name = 'Zahra', last_name = 'Under_score', phone = '+20155500001'
     WHERE id = (SELECT customer_id FROM trip_requests WHERE id = $1)`,
    [one],
  );
  await t.rows("UPDATE trip_requests SET customer_id = $2 WHERE id = $1", [other, await t.make.customer()]);
  const ref = await t.value<string>("SELECT ref_id FROM trip_requests WHERE id = $1", [one]);
  const found = async (q: string) =>
    (
      await listTrips(t.app.db.pool, { status: null, q, zoneId: null, sort: "newest", cursor: null, limit: 9 })
    ).items.map(({ id }) => id);
  for (const q of ["zahra", "ZAH", "zahra under", "under_", "+201555", ref, ref.toLowerCase().slice(0, 7)])
    expect(await found(q), q).toEqual([one]);
  for (const q of ["ahra", "zahra%under", "und%", "_nder", "\\"]) expect(await found(q), q).toEqual([]);
  expect(await found("  ")).toHaveLength(2);
});

test("a search reads no table of people or trips from end to end", async () => {
  const client = await t.app.db.pool.connect();
  try {
    // As if the tables were large: PostgreSQL reads a small one whole, index or not.
    await client.query("SET enable_seqscan = off");
    const plans: string[] = [];
    const explained = {
      query: async (config: { text: string; values: unknown[] }) => {
        const plan = await client.query(`EXPLAIN ${config.text}`, config.values);
        plans.push(plan.rows.map((row) => row["QUERY PLAN"]).join("\n"));
        return { rows: [] };
      },
    } as never;
    await listTrips(explained, { status: null, q: "Ahm", zoneId: null, sort: "newest", cursor: null, limit: 9 });
    await listDrivers(explained, { q: "Ahm", state: null, cursor: null, limit: 9 });
    expect(plans).toHaveLength(2);
    for (const plan of plans) expect(plan).not.toMatch(/Seq Scan on (users|trip_requests|vehicles|driver_details)/);
  } finally {
    client.release(true);
  }
});
