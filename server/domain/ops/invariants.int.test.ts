import { v7 } from "uuid";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import { checkInvariants } from "#server/domain/ops/invariants.ts";
import type { TripLock } from "#server/platform/locks/trip-lock.ts";
import { noLock } from "#server/testing/engine.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

const sql = (text: string, values: readonly unknown[] = []) => t.app.db.pool.query(text, [...values]);
/** A trip that a driver has, with its side effects done. */
async function accepted(): Promise<{ trip: string; driver: string }> {
  const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
  expect((await t.accept(trip, driver)).accepted).toBe(true);
  await t.drain();
  return { trip, driver };
}

/**
 * Reliability, "Assignment" 9. Each invariant is broken on purpose: where the database itself would refuse, its
 * constraint is dropped in the test's own database first. Exactly the invariant meant must turn red, and name the row.
 */
const BREAKS: Readonly<Record<string, () => Promise<string>>> = {
  async one_driver_per_live_trip() {
    const { trip, driver } = await accepted();
    await sql("ALTER TABLE trip_requests DROP CONSTRAINT trip_driver_fits_status");
    await sql("UPDATE trip_requests SET vehicle_id = NULL WHERE id = $1 AND driver_id = $2", [trip, driver]);
    return trip;
  },
  async one_live_trip_per_driver() {
    const { driver } = await accepted();
    const other = await accepted();
    await sql("DROP INDEX one_live_trip_per_driver");
    await sql("UPDATE trip_requests SET driver_id = $2 WHERE id = $1", [other.trip, driver]);
    await sql("UPDATE outbox SET payload = jsonb_set(payload, '{driverId}', to_jsonb($2::text)) WHERE trip_id = $1", [
      other.trip,
      driver,
    ]);
    await sql("UPDATE driver_details SET availability_status = 'available' WHERE user_id = $1", [other.driver]);
    await t.app.lock.releaseOwnedBy(other.trip, other.driver);
    return driver;
  },
  async no_ghost_driver() {
    const driver = await t.make.driver();
    await sql("UPDATE driver_details SET availability_status = 'on_trip' WHERE user_id = $1", [driver]);
    return driver;
  },
  async no_idle_driver_with_trip() {
    const { driver } = await accepted();
    await sql("UPDATE driver_details SET availability_status = 'available' WHERE user_id = $1", [driver]);
    return driver;
  },
  async accepted_trip_has_outbox_row() {
    const { trip } = await accepted();
    await sql("DELETE FROM outbox WHERE trip_id = $1", [trip]);
    return trip;
  },
  async one_accepted_offer_per_trip() {
    const { trip } = await accepted();
    await sql(
      "INSERT INTO trip_offers (id, trip_request_id, driver_id, batch, distance_meters, status, expires_at) VALUES ($1, $2, $3, 1, 100, 'accepted', now())",
      [newId(), trip, await t.make.driver()],
    );
    return trip;
  },
  async agreed_fare_is_of_the_bid() {
    const { trip } = await accepted();
    await sql("UPDATE trip_requests SET bidding = true, agreed_fare = 100 WHERE id = $1", [trip]);
    return trip;
  },
  async effects_done_once() {
    const { trip } = await accepted();
    await sql("DROP INDEX effects_effect_subject_key");
    await sql(
      "INSERT INTO effects (id, effect, subject, trip_id, status) SELECT gen_random_uuid(), effect, subject, trip_id, status FROM effects WHERE effect = 'otp.sms'",
    );
    return trip;
  },
  async no_search_without_end() {
    const trip = await t.make.trip();
    await sql("UPDATE trip_requests SET next_dispatch_at = NULL WHERE id = $1", [trip]);
    return trip;
  },
  async lock_owner_is_driver() {
    const { trip, driver } = await accepted();
    await t.app.lock.releaseOwnedBy(trip, driver);
    const stranger = await t.make.driver();
    await t.app.lock.acquire(trip, stranger, `${stranger}:${v7({ msecs: Date.now() - 6000 })}`);
    return trip;
  },
};

describe("each invariant turns red when it is broken, and it alone", () => {
  test.each(Object.keys(BREAKS))("%s", async (name) => {
    expect(await t.broken()).toEqual([]);
    const id = await BREAKS[name]?.();
    expect(await t.broken()).toEqual([name]);
    const { ok, results } = await checkInvariants(t.app.db, t.app.lock);
    expect(ok).toBe(false);
    expect(results.find((result) => result.name === name)?.examples.map((example) => example.id)).toEqual([id]);
  });
});

test("a lock of an accept that is about to lose is no breach, nor one that went while the database was read", async () => {
  const { trip, driver } = await accepted();
  await t.app.lock.releaseOwnedBy(trip, driver);
  const stranger = await t.make.driver();
  const young = await t.app.lock.acquire(trip, stranger);
  expect(await t.broken()).toEqual([]);
  await t.app.lock.release(trip, young.value);
  const old = `${stranger}:${v7({ msecs: Date.now() - 6000 })}`;
  const listed = { key: "k", tripId: trip, value: old, ownerDriverId: stranger, ageMs: 6000, ttlMs: 1000 };
  const gone: TripLock = Object.assign(Object.create(t.app.lock), {
    list: async () => [listed],
    get: t.app.lock.get.bind(t.app.lock),
  });
  expect((await checkInvariants(t.app.db, gone)).ok).toBe(true);
});

test("with locks that cannot be seen the rest is checked, and it is said", async () => {
  const unseen = async () => {
    throw new DomainError("SERVICE_UNAVAILABLE", "Redis does not answer.");
  };
  const { ok, results } = await checkInvariants(t.app.db, { ...noLock, list: unseen });
  expect(ok, "what was not checked is not said to hold").toBe(false);
  expect(results.filter((result) => result.unchecked !== null)).toMatchObject([
    { name: "lock_owner_is_driver", violations: 0, unchecked: "Not checked now: Redis does not answer." },
  ]);
});

test("a look that is due long after the search ends is none", async () => {
  const trip = await t.make.trip();
  await sql(
    "UPDATE trip_requests SET search_ends_at = now(), next_dispatch_at = now() + interval '9 minutes' WHERE id = $1",
    [trip],
  );
  expect(await t.broken()).toEqual([]);
  await sql("UPDATE trip_requests SET next_dispatch_at = now() + interval '11 minutes' WHERE id = $1", [trip]);
  expect(await t.broken()).toEqual(["no_search_without_end"]);
});

test("an earlier acceptance by the same driver does not hide that the last left no outbox row", async () => {
  const { trip, driver } = await accepted();
  await t.app.trips.release({ type: "operator", id: newId() }, trip, "a test", null);
  const again = await t.accept(trip, driver);
  expect(again).toMatchObject({ accepted: true, trip: { version: 3 } });
  await t.drain();
  expect(await t.broken()).toEqual([]);
  await t.app.trips.arrive(driver, trip);
  expect(await t.broken()).toEqual([]);
  await sql("DELETE FROM outbox WHERE trip_id = $1 AND payload->>'version' = '3'", [trip]);
  expect(await t.broken()).toEqual(["accepted_trip_has_outbox_row"]);
});

test("two messages under one key count as an effect done twice", async () => {
  const { trip } = await accepted();
  await sql("DROP INDEX recorded_messages_dedupe_key_key");
  await sql(
    "INSERT INTO recorded_messages (id, channel, recipient, body, trip_id, dedupe_key) SELECT gen_random_uuid(), channel, recipient, body, trip_id, dedupe_key FROM recorded_messages WHERE trip_id = $1 AND channel = 'sms'",
    [trip],
  );
  expect(await t.broken()).toEqual(["effects_done_once"]);
});

test("every invariant there is has its break here", async () => {
  const { results } = await checkInvariants(t.app.db, t.app.lock);
  expect(results.map((result) => result.name).sort()).toEqual(Object.keys(BREAKS).sort());
});

test("the database itself refuses what its constraints forbid", async () => {
  const [one, two] = [await accepted(), await accepted()];
  const refused = (text: string, values: readonly unknown[]) =>
    expect(sql(text, values)).rejects.toMatchObject({ code: expect.stringMatching(/^23/) });
  await refused("UPDATE trip_requests SET driver_id = $2 WHERE id = $1", [two.trip, one.driver]);
  await refused("UPDATE trip_requests SET driver_id = NULL WHERE id = $1", [one.trip]);
  await refused("UPDATE trip_requests SET current_status = 'pending' WHERE id = $1", [one.trip]);
  await refused("INSERT INTO effects (id, effect, subject) SELECT $1, effect, subject FROM effects LIMIT 1", [newId()]);
  expect(await t.broken()).toEqual([]);
});
