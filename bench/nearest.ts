import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { seededRandom } from "#prisma/seed/places.ts";
import { startRedis } from "#scripts/services/redis.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import { newId } from "#server/contracts/ids.ts";
import type { IndexedDriver } from "#server/platform/driver-index/driver-index.ts";
import { RedisDriverIndex } from "#server/platform/driver-index/redis-driver-index.ts";
import { redisKeys } from "#server/platform/redis-keys.ts";
import { haversineMeters } from "#server/platform/routing.ts";

const CAIRO = { lat: 30.05, lng: 31.24 } as const;
const FLEETS = [1000, 10_000, 100_000] as const;
const LIMIT = 10;
const RADIUS_METERS = 5000;
const AT_ONCE = 32;
const CATEGORY = "bench";
/** Answers held against every driver's distance. */
const CHECKED = 200;
/** Redis keeps positions to about half a metre. */
const TOLERANCE_METERS = 1.5;
/** Positions in one batch, as a gateway flushes them four times a second at 10,000 a second. */
const MOVES = 2500;

export interface NearestRow {
  readonly drivers: number;
  readonly perSecond: number;
  /** Plain `GEOSEARCH … BYRADIUS 5 km ASC COUNT 10` over the same drivers, right before and right after. */
  readonly plainPerSecond: number;
  readonly ratio: number;
  readonly checked: number;
  readonly movesPerSecond: number;
}
export interface NearestBench {
  readonly rows: readonly NearestRow[];
  /** How much dearer a search is among 100,000 than among 1,000. */
  readonly growth: number;
}

/** Half of a city is where everybody is: within some 3 km of its centre; the rest within some 15 km. */
function placeIn(random: () => number): Coordinates {
  const spread = random() < 0.5 ? 0.03 : 0.14;
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return { lat: CAIRO.lat + (normal() * spread) / 2, lng: CAIRO.lng + (normal() * spread) / 2 };
}

/** Calls a second with so many under way, for about `ms`. */
async function rateOf(call: (n: number) => Promise<unknown>, ms: number): Promise<number> {
  let done = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (performance.now() - started < ms) await call(done++);
    }),
  );
  return (done / (performance.now() - started)) * 1000;
}

async function measure(redis: Redis, count: number, ms: number): Promise<NearestRow> {
  await redis.flushall();
  const keys = redisKeys("bench:");
  const index = new RedisDriverIndex({ redis, keys });
  const random = seededRandom(count);
  const drivers = Array.from({ length: count }, () => ({ driverId: newId(), ...placeIn(random) }));
  async function* pages(): AsyncGenerator<IndexedDriver[]> {
    for (let from = 0; from < count; from += 2000)
      yield drivers
        .slice(from, from + 2000)
        .map((driver) => ({ ...driver, version: 1, state: "free", categoryId: CATEGORY }));
  }
  await index.build("bench", pages(), 1);
  await redis.persist(keys.driversBuilt);
  const places = Array.from({ length: 2000 }, () => placeIn(random));
  const at = (n: number): Coordinates => places[n % places.length] ?? CAIRO;
  const ours = (n: number) =>
    index.nearest({ at: at(n), categoryId: CATEGORY, radiusMeters: RADIUS_METERS, limit: LIMIT });
  const plain = (n: number) =>
    redis.geosearch(
      ...([keys.driversNear(CATEGORY), "FROMLONLAT", at(n).lng, at(n).lat, "BYRADIUS", RADIUS_METERS, "m"] as const),
      ...(["ASC", "COUNT", LIMIT] as const),
    );

  for (let n = 0; n < CHECKED; n++) {
    const found = (await ours(n)).map((driver) => driver.distanceMeters);
    const all = drivers.map((driver) => haversineMeters(at(n), driver)).filter((meters) => meters <= RADIUS_METERS);
    const expected = all.sort((a, b) => a - b).slice(0, LIMIT);
    const differs = expected.some((meters, i) => Math.abs(meters - (found[i] ?? Number.NaN)) > TOLERANCE_METERS);
    if (found.length !== expected.length || differs)
      throw new Error(`among ${count} drivers the nearest of ${JSON.stringify(at(n))} are not those of brute force`);
  }
  await rateOf(ours, ms / 4);
  const [before, perSecond, after] = [await rateOf(plain, ms), await rateOf(ours, ms), await rateOf(plain, ms)];
  const plainPerSecond = (before + after) / 2;
  const started = performance.now();
  let moved = 0;
  for (let from = 0; performance.now() - started < ms; from = (from + MOVES) % count) {
    const batch = drivers.slice(from, from + MOVES);
    await index.move(batch.map(({ driverId, lat, lng }) => ({ driverId, lat: lat + 0.0003, lng })));
    moved += batch.length;
  }
  const movesPerSecond = (moved / (performance.now() - started)) * 1000;
  return {
    drivers: count,
    perSecond,
    plainPerSecond,
    ratio: perSecond / plainPerSecond,
    checked: CHECKED,
    movesPerSecond,
  };
}

/** The nearest ten free drivers among more and more in one city, beside Redis' own search for the same. */
export async function benchNearest(size: { readonly nearestMs: number }): Promise<NearestBench> {
  const dataDir = mkdtempSync(join(tmpdir(), "smartline-bench-"));
  const service = await startRedis({ dataDir, log: () => undefined });
  if (service.kind !== "running") throw new Error("the bench of the nearest drivers needs a redis-server");
  const redis = new Redis(service.url, { enableAutoPipelining: true });
  try {
    const rows: NearestRow[] = [];
    for (const count of FLEETS) rows.push(await measure(redis, count, size.nearestMs));
    const [first, last] = [rows[0], rows.at(-1)];
    return { rows, growth: (first?.perSecond ?? 0) / (last?.perSecond ?? 1) };
  } finally {
    redis.disconnect();
    await service.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export function printNearest({ rows, growth }: NearestBench): void {
  const count = (value: number) => Math.round(value).toLocaleString("en");
  console.log("\nthe nearest ten free drivers, in a city of");
  for (const { drivers, perSecond, plainPerSecond, ratio, checked, movesPerSecond } of rows)
    console.log(
      `  ${count(drivers)}: ${count(perSecond)}/s, ${ratio.toFixed(1)} times plain GEOSEARCH within 5 km (${count(plainPerSecond)}/s); ${checked} answers as by brute force; ${count(movesPerSecond)} positions/s taken`,
    );
  console.log(`a search among the most costs ${growth.toFixed(2)} times one among the fewest`);
}
