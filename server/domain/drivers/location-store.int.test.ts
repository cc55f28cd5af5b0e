import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { upsertLocations } from "#server/domain/drivers/location-store.ts";
import { readDrivers } from "#server/domain/ops/live-map-store.ts";
import { findZoneAt } from "#server/domain/zones/zone-store.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
let driver: string;
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  driver = await t.make.driver();
});
afterEach(() => t.dispose());

const HOUR_MS = 3_600_000;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
async function send(lat: number, recordedAt?: string) {
  t.app.locations.forget(driver);
  t.app.locations.accept(driver, { lat, lng: 31.24, ...(recordedAt === undefined ? {} : { recordedAt }) });
  await t.app.locations.drain();
  const [row] = await t.rows<{ lat: number; off: number; age: number }>(
    `SELECT location[1] AS lat, EXTRACT(EPOCH FROM recorded_at - updated_at)::float8 AS off,
       EXTRACT(EPOCH FROM now() - updated_at)::float8 AS age FROM user_last_locations WHERE user_id = $1`,
    [driver],
  );
  return row;
}

test("positions are ordered by when they reached us, whatever the phone's clock says", async () => {
  expect(await send(30.01)).toMatchObject({ lat: 30.01 });
  // Set back an hour: none of its positions was taken any more.
  expect(await send(30.02, inMs(-HOUR_MS))).toMatchObject({ lat: 30.02, off: 0 });
  expect(await send(30.03, inMs(HOUR_MS))).toMatchObject({ lat: 30.03, off: 0 });
  const slow = await send(30.04, inMs(-40_000));
  expect(slow?.lat).toBe(30.04);
  expect(slow?.off).toBeCloseTo(-40, 0);
  expect(slow?.age, "fresh, though the phone is 40 s slow").toBeLessThan(10);
  expect(await readDrivers(t.app.db.pool, [driver])).toMatchObject([{ id: driver, state: "available" }]);
});

test("a batch that is written late does not overwrite what was received after it", async () => {
  const at = (lat: number, ago: number) => ({
    userId: driver,
    lat,
    lng: 31.24,
    heading: null,
    speed: null,
    accuracy: null,
    recordedAt: new Date(),
    receivedAt: new Date(Date.now() - ago),
  });
  const lat = () => t.value("SELECT location[1] FROM user_last_locations WHERE user_id = $1", [driver]);
  await upsertLocations(t.app.db.pool, [at(30.01, 5000)]);
  await upsertLocations(t.app.db.pool, [at(30.02, 8000)]);
  expect(await lat()).toBe(30.01);
  await upsertLocations(t.app.db.pool, [at(30.03, -HOUR_MS)]);
  await upsertLocations(t.app.db.pool, [{ ...at(30.04, 0), receivedAt: new Date(Date.now() + HOUR_MS) }]);
  expect(await lat(), "a server whose clock is ahead blocks nobody").toBe(30.04);
  await upsertLocations(t.app.db.pool, [at(30.05, HOUR_MS)]);
  expect(await lat(), "nor is one whose clock is behind, or was set back, not heard").toBe(30.05);
});

test("a position is in the zone that a trip from there would be in: holes, inactive zones and priority", async () => {
  const zone = async (code: string, priority: number, active: boolean, box: string, hole?: string) => {
    const id = newId();
    await t.rows("INSERT INTO zones (id, code, name, priority, is_active) VALUES ($1, $2, $2, $3, $4)", [
      id,
      code,
      priority,
      active,
    ]);
    for (const [area, isHole] of [[box, false] as const, ...(hole === undefined ? [] : [[hole, true] as const])])
      await t.rows("INSERT INTO zone_areas (id, zone_id, part, is_hole, area) VALUES ($1, $2, 1, $3, $4)", [
        newId(),
        id,
        isHole,
        area,
      ]);
    return id;
  };
  const box = (w: number, s: number, e: number, n: number) => `((${w},${s}),(${e},${s}),(${e},${n}),(${w},${n}))`;
  const ring = await zone("ring", 0, true, box(10, 10, 14, 14), box(11, 11, 13, 13));
  const inner = await zone("inner", 5, true, box(10, 10, 10.5, 10.5));
  await zone("closed", 9, false, box(10, 10, 14, 14));
  const at = async (lat: number, lng: number) => {
    await upsertLocations(t.app.db.pool, [
      { userId: driver, lat, lng, heading: null, speed: null, accuracy: null, recordedAt: new Date() },
    ]);
    const stored = await t.value<string | null>("SELECT zone_id FROM user_last_locations WHERE user_id = $1", [driver]);
    expect(stored).toBe((await findZoneAt(t.app.db.pool, { lat, lng }))?.id ?? null);
    return stored;
  };
  expect(await at(10.8, 10.8)).toBe(ring);
  expect(await at(12, 12), "in the hole").toBeNull();
  expect(await at(10.2, 10.2), "by priority").toBe(inner);
  expect(await at(20, 20)).toBeNull();
});
