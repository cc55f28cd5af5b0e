import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { topics } from "#server/contracts/realtime.ts";
import { SETTING_KEYS, SETTINGS, type SettingValues } from "#server/contracts/settings.ts";
import { LocationService } from "#server/domain/drivers/location-service.ts";
import { MovementWatch } from "#server/domain/drivers/movement-watch.ts";
import { LocalBus } from "#server/platform/bus.ts";
import { systemClock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import { createLogger } from "#server/platform/logger.ts";
import { createMetrics } from "#server/platform/metrics.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A database that answers when told to. */
function hangingDatabase() {
  const writes: { readonly drivers: string[]; readonly lats: number[]; answer(): void; fail(): void }[] = [];
  const query = ({ name, values }: { name: string; values: [string[], number[]] }) => {
    if (name === "zone-areas-all") return Promise.resolve({ rows: [] });
    return new Promise<void>((resolve, reject) => {
      const [drivers, lats] = values;
      writes.push({ drivers, lats, answer: resolve, fail: () => reject(new Error("away")) });
    });
  };
  return { db: { pool: { query } } as unknown as Database, writes };
}

function open(db: Database) {
  const bus = new LocalBus(systemClock);
  const metrics = createMetrics({ processMetrics: false });
  const settings = Object.fromEntries(SETTING_KEYS.map((key) => [key, SETTINGS[key].fallback])) as SettingValues;
  const movements = new MovementWatch({ settings: () => settings, raise: () => undefined });
  return {
    bus,
    locations: new LocationService({
      ...{ db, bus, clock: systemClock, metrics, logger: createLogger("silent"), movements },
      minIntervalMs: 3000,
    }),
  };
}

test("while the database hangs the newest position of each driver waits, one, and is written next", async () => {
  const { db, writes } = hangingDatabase();
  const { locations, bus } = open(db);
  let told = 0;
  bus.subscribe(topics.locations, () => told++);
  for (let lat = 1; lat <= 10; lat++) {
    expect(locations.accept("a", { lat, lng: 0 })).toBe(true);
    if (lat > 1) expect(locations.accept("b", { lat, lng: 0 })).toBe(true);
    await vi.advanceTimersByTimeAsync(3000);
  }
  expect(writes.map(({ drivers, lats }) => [drivers, lats])).toEqual([[["a"], [1]]]);
  expect(told, "the map does not wait for the database").toBe(10);
  writes[0]?.answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(writes.slice(1).map(({ drivers, lats }) => [drivers, lats])).toEqual([
    [
      ["a", "b"],
      [10, 10],
    ],
  ]);
  locations.accept("a", { lat: 11, lng: 0 });
  const drained = locations.drain();
  writes[1]?.fail();
  await vi.advanceTimersByTimeAsync(0);
  writes[2]?.answer();
  await drained;
  expect(writes[2]?.lats).toEqual([11]);
});

test("who was heard of is forgotten after the interval, whichever way they came", async () => {
  const { locations } = open(hangingDatabase().db);
  const deleted = vi.spyOn(Map.prototype, "delete");
  for (let n = 0; n < 100; n++) locations.accept(`driver-${n}`, { lat: 0, lng: 0 });
  expect(locations.accept("driver-7", { lat: 1, lng: 0 })).toBe(false);
  await vi.advanceTimersByTimeAsync(3000);
  locations.accept("another", { lat: 1, lng: 0 });
  const forgotten = deleted.mock.calls.filter(([key]) => String(key).startsWith("driver-"));
  deleted.mockRestore();
  expect(forgotten).toHaveLength(100);
});

test("a position recorded before the driver's last one is not taken; of a clock that cannot be right, each is", async () => {
  const { locations } = open(hangingDatabase().db);
  const send = async (agoMs: number) => {
    await vi.advanceTimersByTimeAsync(3000);
    return locations.accept("a", { lat: 1, lng: 0, recordedAt: new Date(Date.now() - agoMs).toISOString() });
  };
  expect(await send(0)).toBe(true);
  expect(await send(10_000)).toBe(false);
  expect(await send(0)).toBe(true);
  expect(await send(3_600_000)).toBe(true);
  expect(await send(20_000)).toBe(true);
});
