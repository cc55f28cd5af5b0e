import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call, tally } from "#server/testing/http-calls.ts";
import { type Seeded, withSeed } from "#server/testing/seeded.ts";
import { allAtOnce } from "#server/testing/wait.ts";

const ROUNDS = 60;
interface Row {
  readonly current_status: string;
  readonly driver_id: string | null;
  readonly version: number;
}

/** Starts all in an order of chance, some a few turns of the event loop later, so that every interleaving has its turn. */
async function race<T extends readonly (() => Promise<unknown>)[]>(
  random: Seeded,
  calls: T,
): Promise<{ [K in keyof T]: Awaited<ReturnType<T[K]>> }> {
  const answers: Promise<unknown>[] = [];
  for (const n of random.shuffle(calls.map((_, i) => i))) {
    for (let turns = random.below(12); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    answers[n] = (calls[n] as () => Promise<unknown>)();
  }
  return (await Promise.all(answers)) as never;
}

/** Reliability, "Assignment" 7: after each race the rows, the drivers and the answers tell one story in one order. */
describe.each(COORDINATIONS)("races on %s", (coordination) => {
  let t: TestApp;
  beforeAll(async () => {
    t = await createTestApp({ coordination });
  });
  afterAll(() => t.dispose());

  const rowOf = async (trip: string): Promise<Row> =>
    (await t.rows<Row>("SELECT current_status, driver_id, version FROM trip_requests WHERE id = $1", [trip]))[0] as Row;
  const stateOf = (driver: string) =>
    t.value<string>("SELECT availability_status FROM driver_details WHERE user_id = $1", [driver]);
  const jobsOf = async (trip: string) =>
    (
      await t.rows<{ topic: string }>("SELECT topic FROM outbox WHERE trip_id = $1 ORDER BY created_at, topic", [trip])
    ).map((row) => row.topic);

  test("a trip's id in two spellings is one trip: one driver has it, and the other is told so", async () => {
    const url = await t.listen();
    for (let round = 0; round < 10; round++) {
      const [trip, drivers] = [await t.make.trip(), await t.make.drivers(2)];
      const tokens = await Promise.all(drivers.map((driver) => t.token("driver", driver)));
      const answers = await allAtOnce(2, (n) =>
        call(`${url}/api/v1/trips/${n === 0 ? trip : trip.toUpperCase()}/accept`, { token: tokens[n], body: {} }),
      );
      expect(tally(answers)).toEqual({ 200: 1, 409: 1 });
    }
    expect(await t.broken()).toEqual([]);
  });

  test("two accepts and a cancel", () =>
    withSeed(async (random) => {
      const seen = new Set<string>();
      for (let round = 0; round < ROUNDS; round++) {
        const customer = await t.make.customer();
        const [trip, [a, b]] = await Promise.all([t.make.trip({ customerId: customer }), t.make.drivers(2)]);
        if (a === undefined || b === undefined) throw new Error("two drivers");
        const [first, second, cancelled] = await race(random, [
          () => t.accept(trip, a),
          () => t.accept(trip, b),
          () => t.app.trips.cancel({ type: "customer", id: customer }, trip, "changed my mind"),
        ] as const);
        expect(cancelled.status).toBe("cancelled");
        expect(first.accepted && second.accepted, "both were told that the trip is theirs").toBe(false);
        const winner = first.accepted ? a : second.accepted ? b : null;
        expect(await rowOf(trip)).toEqual({
          current_status: "cancelled",
          driver_id: winner,
          version: winner === null ? 1 : 2,
        });
        expect([await stateOf(a), await stateOf(b)]).toEqual(["available", "available"]);
        expect((await jobsOf(trip)).sort()).toEqual(
          winner === null ? ["trip-ended"] : ["process-trip-acceptance", "trip-ended"],
        );
        seen.add(winner === null ? "cancel first" : "accept first");
      }
      expect([...seen].sort(), "the rounds saw both orders").toEqual(["accept first", "cancel first"]);
      expect(await t.broken()).toEqual([]);
    }));

  test("a release and an accept by another", () =>
    withSeed(async (random) => {
      for (let round = 0; round < ROUNDS; round++) {
        const [trip, [a, b]] = await Promise.all([t.make.trip(), t.make.drivers(2)]);
        if (a === undefined || b === undefined) throw new Error("two drivers");
        expect((await t.accept(trip, a)).accepted).toBe(true);
        const [, second] = await race(random, [
          () => t.app.trips.release({ type: "operator", id: a }, trip, "broke down", null),
          () => t.accept(trip, b),
        ] as const);
        if (second.accepted) {
          expect(await rowOf(trip)).toEqual({ current_status: "accepted", driver_id: b, version: 3 });
          expect([await stateOf(a), await stateOf(b)]).toEqual(["available", "on_trip"]);
        } else {
          expect(second.code).toBe("TRIP_ALREADY_ASSIGNED");
          expect(await rowOf(trip)).toEqual({ current_status: "pending", driver_id: null, version: 2 });
          expect([await stateOf(a), await stateOf(b)]).toEqual(["available", "available"]);
          expect((await t.accept(trip, b)).accepted, "the released trip can be had").toBe(true);
        }
        expect((await t.app.lock.get(trip))?.ownerDriverId).toBe(b);
      }
      expect(await t.broken()).toEqual([]);
    }));

  test("going off line and an accept", () =>
    withSeed(async (random) => {
      const seen = new Set<boolean>();
      for (let round = 0; round < ROUNDS; round++) {
        const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
        const [accept, offline] = await race(random, [
          () => t.accept(trip, driver),
          () => t.app.drivers.setAvailability(driver, { online: false, availability: "unavailable" }),
        ] as const);
        expect(offline).toMatchObject({ online: false, availability: "unavailable" });
        expect(offline.releasedTripIds).toEqual(accept.accepted ? [trip] : []);
        if (!accept.accepted) expect(accept.code).toBe("DRIVER_NOT_AVAILABLE");
        expect(await rowOf(trip)).toEqual({
          current_status: "pending",
          driver_id: null,
          version: accept.accepted ? 2 : 0,
        });
        expect(await stateOf(driver)).toBe("unavailable");
        seen.add(accept.accepted);
      }
      expect(seen.size, "the rounds saw both orders").toBe(2);
      expect(await t.broken()).toEqual([]);
    }));

  test("a cancel, a release, going off line and accepts, all of one trip", () =>
    withSeed(async (random) => {
      for (let round = 0; round < ROUNDS; round++) {
        const customer = await t.make.customer();
        const [trip, [a, b, c]] = await Promise.all([t.make.trip({ customerId: customer }), t.make.drivers(3)]);
        if (a === undefined || b === undefined || c === undefined) throw new Error("three drivers");
        await t.accept(trip, a);
        const quiet = (work: Promise<unknown>) => work.catch((error: Error) => error);
        await race(random, [
          () => t.accept(trip, b),
          () => quiet(t.app.trips.release({ type: "operator", id: a }, trip, "late", null)),
          () => t.app.drivers.setAvailability(a, { online: false, availability: "unavailable" }),
          () => t.accept(trip, c),
          () => t.accept(trip, a),
          () => quiet(t.app.trips.cancel({ type: "customer", id: customer }, trip, "late")),
        ] as const);
        expect((await rowOf(trip)).current_status).toBe("cancelled");
        expect([await stateOf(a), await stateOf(b), await stateOf(c)]).toEqual([
          "unavailable",
          "available",
          "available",
        ]);
      }
      expect(await t.broken()).toEqual([]);
    }));
});
