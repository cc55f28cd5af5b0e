import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MIGRATIONS_DIR } from "#prisma/migrate.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
});
afterEach(() => t.dispose());

test("what drivers did before it was counted is counted once, by its age; what came after is there already", async () => {
  const [old = "", silent = ""] = await t.make.drivers(2);
  const trip = await t.make.trip();
  const happened = (driver: string, days: number) =>
    t.rows(
      `WITH event AS (
         INSERT INTO trip_events (id, trip_request_id, kind, actor_type, actor_id, at)
         VALUES (gen_random_uuid(), $1, 'trip.accepted', 'driver', $2, now() - make_interval(days => $3))
       ), given_up AS (
         INSERT INTO conduct_events (id, user_id, kind, trip_id, at)
         VALUES (gen_random_uuid(), $2, 'trip_dropped', $1, now() - make_interval(days => $3))
       )
       INSERT INTO trip_offers (id, trip_request_id, driver_id, batch, distance_meters, expires_at, status, ended_at)
       SELECT gen_random_uuid(), $1, $2, 1, 300, now(), status, now() - make_interval(days => $3)
       FROM unnest('{rejected,expired,expired,revoked}'::text[]) AS o (status)`,
      [trip, driver, days],
    );
  await happened(old, 14);
  await happened(old, 0);
  await happened(silent, 100);
  await t.rows("INSERT INTO driver_stats (driver_id, accepted, as_of) VALUES ($1, 8, now() - interval '14 days')", [
    old,
  ]);
  const backfill = await readFile(join(MIGRATIONS_DIR, "20261127010100_driver_stats_of_before/migration.sql"), "utf8");
  await t.rows(backfill);
  const rounded = ["accepted", "declined", "ignored", "dropped"].map(
    (name) => `round(${name}::numeric, 2)::float8 AS ${name}`,
  );
  expect(await t.rows(`SELECT driver_id, ${rounded} FROM driver_stats`)).toEqual([
    { driver_id: old, accepted: 4.5, declined: 0.5, ignored: 1, dropped: 0.5 },
  ]);
});
