import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { matchingOf } from "#server/testing/matching.ts";

let t: TestApp;
let m: ReturnType<typeof matchingOf>;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  m = matchingOf(t);
});
afterEach(() => t.dispose());

const why = async (trip: string, driver: string) => {
  const { verdict, sentence, from } = await t.app.explainer.whyNot(trip, driver);
  return { verdict, sentence, from };
};

test("each who was near and not asked has the rule that decided, from the record, whatever they do later", async () => {
  const [asked = "", busy = "", review = "", stale = "", declined = "", shown = ""] = await m.driversAt(6, 300);
  const comfort = await t.make.driver({ category: "comfort" });
  const offline = await t.make.driver({ online: false });
  const far = (await m.driversAt(1, 3900))[0] ?? "";
  const farther = (await m.driversAt(1, 9000))[0] ?? "";
  await m.place([comfort, offline], 950);
  await t.accept(await t.make.trip(), busy);
  await t.rows(
    "UPDATE driver_details SET under_review = true, availability_status = 'unavailable' WHERE user_id = $1",
    [review],
  );
  await t.rows("UPDATE user_last_locations SET updated_at = now() - interval '40 minutes' WHERE user_id = $1", [stale]);
  const trip = await m.book();
  const offer = (tripId: string, driver: string, status: string) =>
    t.rows(
      `INSERT INTO trip_offers (id, trip_request_id, driver_id, batch, distance_meters, expires_at, status, offered_at)
       VALUES (gen_random_uuid(), $1, $2, 1, 300, now() + interval '1 minute', $3, now() - interval '1 hour')`,
      [tripId, driver, status],
    );
  await offer(trip, declined, "rejected");
  await offer(await t.make.trip(), shown, "open");
  await t.drain();
  expect(await m.asked(trip)).toContain(asked);

  // What follows must not change what the record says.
  await t.rows(
    "UPDATE driver_details SET is_online = false, availability_status = 'unavailable' WHERE availability_status <> 'on_trip'",
  );
  expect(await why(trip, busy)).toEqual({
    verdict: "on_trip",
    sentence: "Batch 1: On another trip, 400 m away.",
    from: "record",
  });
  expect(await why(trip, review)).toMatchObject({ verdict: "under_review", from: "record" });
  expect(await why(trip, stale)).toMatchObject({
    verdict: "stale_position",
    sentence: "Batch 1: The last position was 40 min old; after 30 min nobody is asked.",
  });
  expect(await why(trip, shown)).toMatchObject({ verdict: "offer_on_screen", from: "record" });
  expect(await why(trip, comfort)).toMatchObject({ verdict: "other_category", from: "record" });
  expect(await why(trip, offline)).toMatchObject({ verdict: "offline", from: "record" });
  expect(await why(trip, far)).toMatchObject({
    verdict: "too_far",
    sentence: "Batch 1: Was 3.9 km away; the search went to 2.0 km.",
  });
  expect(await why(trip, asked)).toMatchObject({ verdict: "asked", from: "record" });
  expect((await why(trip, declined)).sentence).toMatch(/was asked .* and declined/);
  expect(await why(trip, farther)).toMatchObject({ from: "as_far_as_known" });
  expect((await why(trip, farther)).sentence).toMatch(
    /^Not among the nearest who were looked at\. As far as known now: /,
  );
});

test("who was passed over has the numbers; the record stays small, and counts all", async () => {
  await m.zone({ driversPerBatch: 2 });
  const drivers = await m.driversAt(4, 300);
  const busy = await m.driversAt(45, 1000, 10);
  await t.rows("UPDATE driver_details SET availability_status = 'unavailable' WHERE user_id = ANY($1)", [busy]);
  const trip = await m.book();
  await t.drain();
  const [, second = "", third = ""] = drivers;
  const score = async (driver: string) =>
    t.value<number>("SELECT score_seconds FROM trip_offers WHERE driver_id = $1", [driver]);
  expect(await why(trip, third)).toMatchObject({
    verdict: "outscored",
    sentence: expect.stringContaining(`the last who was asked had ${await score(second)} s`),
  });
  const [row] = await t.rows<{ kept: number; rules: object; asked: number; bytes: number }>(
    "SELECT jsonb_array_length(excluded) AS kept, rules, asked, pg_column_size(excluded) AS bytes FROM dispatch_batches",
  );
  expect(row).toMatchObject({ asked: 2, rules: { not_available: 45, outscored: 2 } });
  expect(row?.kept).toBeLessThanOrEqual(50);
  expect(row?.bytes).toBeLessThan(8000);
});

test("before any search: nobody was asked; no such driver or trip: not found", async () => {
  const [driver = ""] = await m.driversAt(1, 300);
  const trip = await t.make.trip();
  expect(await why(trip, driver)).toMatchObject({ verdict: "never_looked", from: "as_far_as_known" });
  await expect(why(trip, trip)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(why(driver, driver)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a batch that finds nobody looks again, and is one row", async () => {
  const trip = await m.book();
  await t.drain();
  await m.nextBatch(trip);
  await m.nextBatch(trip);
  expect(await t.rows("SELECT batch, looks, asked, radius_meters FROM dispatch_batches")).toEqual([
    { batch: 1, looks: 3, asked: 0, radius_meters: 5000 },
  ]);
});
