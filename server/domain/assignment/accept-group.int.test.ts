import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { type AcceptRequest, AssignmentStore, type Decision } from "#server/domain/assignment/assignment-store.ts";
import { StatementGroup } from "#server/platform/statement-group.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
let store: AssignmentStore;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  store = new AssignmentStore(t.app.db.pool);
});
afterAll(() => t.dispose());

const request = (tripId: string, driverId: string): AcceptRequest => ({
  attemptId: newId(),
  tripId,
  driverId,
  expectedVersion: null,
});

/** A group over the real store (or another `decide`) that remembers what it put together. */
function grouping(
  decide: (group: readonly AcceptRequest[]) => Promise<Decision[]> = (g) => store.decide(g),
  maxInFlight = 2,
) {
  const groups: (readonly AcceptRequest[])[] = [];
  let retries = 0;
  const group = new StatementGroup({
    run: (requests: readonly AcceptRequest[]) => {
      groups.push(requests);
      return decide(requests);
    },
    keysOf: (one) => [one.tripId, one.driverId],
    maxRows: 64,
    maxInFlight,
    maxWaitMs: 500,
    monotonicMs: () => performance.now(),
    onRetry: () => retries++,
  });
  return { decide: (one: AcceptRequest) => group.ask(one), groups, retries: () => retries };
}
const kinds = (decisions: readonly { answer: Decision }[]) => decisions.map(({ answer }) => answer.kind);

test("what waits at one moment shares a statement, up to 64, each trip and driver once", async () => {
  const [trips, drivers] = await Promise.all([t.make.trips(100), t.make.drivers(100)]);
  const g = grouping();
  const decisions = await Promise.all(trips.map((trip, n) => g.decide(request(trip, drivers[n] ?? ""))));
  expect(kinds(decisions)).toEqual(Array(100).fill("won"));
  expect(g.groups.map((group) => group.length)).toEqual([64, 36]);
});

test("the same trip twice: the second waits for the next statement and sees what the first did", async () => {
  const [trip, [a = "", b = ""]] = await Promise.all([t.make.trip(), t.make.drivers(2)]);
  const g = grouping(undefined, 1);
  const decisions = await Promise.all([a, b, a].map((driver) => g.decide(request(trip, driver))));
  expect(kinds(decisions)).toEqual(["won", "taken", "already_yours"]);
  expect(g.groups.every((group) => new Set(group.map((one) => one.tripId)).size === group.length)).toBe(true);
});

test("the same driver twice: one trip is theirs, the other waits on", async () => {
  const [[one = "", two = ""], driver] = await Promise.all([t.make.trips(2), t.make.driver()]);
  const decisions = await Promise.all([one, two].map((trip) => grouping().decide(request(trip, driver))));
  expect(kinds(decisions).sort()).toEqual(["driver_unavailable", "won"]);
  const g = grouping();
  const again = await Promise.all([one, two].map((trip) => g.decide(request(trip, driver))));
  expect(kinds(again).sort()).toEqual(["already_yours", "driver_unavailable"]);
});

test("one bad row fails its own accept and changes no verdict of the others in its statement", async () => {
  const [trips, drivers, [bad = ""], [live = "", wanted = ""]] = await Promise.all([
    t.make.trips(20),
    t.make.drivers(20),
    t.make.drivers(1),
    t.make.trips(2),
  ]);
  // Data that should not be: a driver counted free who has a live trip. The index refuses the second, and so the whole statement.
  expect(kinds([await grouping().decide(request(live, bad))])).toEqual(["won"]);
  await t.app.db.pool.query("UPDATE driver_details SET availability_status = 'available' WHERE user_id = $1", [bad]);
  const requests = trips.map((trip, n) => request(trip, drivers[n] ?? ""));
  requests.splice(7, 0, request(wanted, bad));
  requests.push(
    request(newId(), await t.make.driver()),
    request(await t.make.trip(), await t.make.driver({ online: false })),
  );
  const g = grouping();
  const settled = await Promise.allSettled(requests.map((one) => g.decide(one)));
  expect(g.groups[0]).toHaveLength(23);
  expect(settled[7]).toMatchObject({
    status: "rejected",
    reason: { code: "23505", constraint: "one_live_trip_per_driver" },
  });
  const others = settled.flatMap((one, n) => (one.status === "fulfilled" && n !== 7 ? [one.value.answer.kind] : []));
  expect(others).toEqual([...Array(20).fill("won"), "trip_not_found", "driver_unavailable"]);
  expect(await t.value("SELECT current_status FROM trip_requests WHERE id = $1", [wanted])).toBe("pending");
  expect(await t.broken()).toEqual(["no_idle_driver_with_trip"]);
  await t.app.db.pool.query("UPDATE driver_details SET availability_status = 'on_trip' WHERE user_id = $1", [bad]);
});

test("a deadlock is tried again, and only the one that lost it", async () => {
  const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
  // The other side takes driver before trip, which nothing in the product does.
  const other = await t.app.db.pool.connect();
  await other.query("BEGIN; SET LOCAL deadlock_timeout = '10s'");
  await other.query("SELECT 1 FROM driver_details WHERE user_id = $1 FOR UPDATE", [driver]);
  const g = grouping();
  const accept = g.decide(request(trip, driver));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await other.query("SELECT 1 FROM trip_requests WHERE id = $1 FOR UPDATE", [trip]);
  await other.query("COMMIT");
  other.release();
  expect((await accept).answer.kind).toBe("won");
  expect(g.retries()).toBeGreaterThan(0);
  expect(await t.broken()).toEqual([]);
});

test("a failure that does not pass is given up after five retries", async () => {
  const deadlock = Object.assign(new Error("deadlock detected"), { code: "40P01" });
  const g = grouping(() => Promise.reject(deadlock));
  await expect(g.decide(request(newId(), newId()))).rejects.toBe(deadlock);
  expect(g.retries()).toBe(5);
});

test("while the database is away a group fails as one, not one connection time-out after another", async () => {
  const away = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const g = grouping(() => Promise.reject(away));
  const settled = await Promise.allSettled(Array.from({ length: 64 }, () => g.decide(request(newId(), newId()))));
  expect(settled.every((one) => one.status === "rejected" && one.reason === away)).toBe(true);
  expect(g.groups.map((group) => group.length)).toEqual([64, 1]);
});

test("a statement that does not come back: its accepts fail with it, those that wait are refused undone, in good time", async () => {
  const timeout = new Error("Query read timeout");
  const g = grouping(() => new Promise((_, reject) => setTimeout(() => reject(timeout), 900)), 1);
  const started = performance.now();
  const inFlight = Array.from({ length: 64 }, () => g.decide(request(newId(), newId())));
  const settled = Promise.allSettled(inFlight);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await expect(g.decide(request(newId(), newId()))).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  expect((await settled).every((one) => one.status === "rejected" && one.reason === timeout)).toBe(true);
  expect(performance.now() - started).toBeLessThan(1500);
  expect(g.groups.map((group) => group.length)).toEqual([64]);
});

test("a statement whose connection broke is asked again one by one: nobody is turned away for it", async () => {
  const [trips, drivers] = await Promise.all([t.make.trips(10), t.make.drivers(10)]);
  let broken = false;
  const g = grouping(async (group) => {
    const decisions = await store.decide(group);
    if (broken) return decisions;
    broken = true;
    throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  });
  const decisions = await Promise.all(trips.map((trip, n) => g.decide(request(trip, drivers[n] ?? ""))));
  expect(kinds(decisions), "the first statement had been committed").toEqual(Array(10).fill("already_yours"));
});

describe("mutation: without one accept per trip and per driver in a group", () => {
  test("a driver is left on_trip with nothing, and two are told the trip is theirs", async () => {
    const [trip, drivers] = await Promise.all([t.make.trip(), t.make.drivers(8)]);
    const decisions = await store.decide(drivers.map((driver) => request(trip, driver)));
    expect(decisions.filter((decision) => decision.kind === "won").length).toBeGreaterThan(1);
    expect(await t.broken()).toContain("no_ghost_driver");
  });
});
