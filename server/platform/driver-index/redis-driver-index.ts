import type { Redis } from "ioredis";
import type { Coordinates } from "#server/contracts/geo.ts";
import {
  type DriverIndex,
  type IndexedDriver,
  IndexNotBuilt,
  type NearDriver,
  type NearSearch,
} from "#server/platform/driver-index/driver-index.ts";
import { RingMemory } from "#server/platform/driver-index/ring-memory.ts";
import type { RedisKeys } from "#server/platform/redis-keys.ts";
import { haversineMeters } from "#server/platform/routing.ts";

/** Drivers in one command: Redis serves nobody else meanwhile. */
const CHUNK = 500;
/** Redis keeps no position nearer to a pole. */
const MAX_LATITUDE = 85.05;
/** The index counts as whole for this long after it was last followed. */
const BUILT_MS = 15_000;
/** Who builds and is not heard of for this long has died. */
const BUILDING_MS = 30_000;

/**
 * A search of an index that is whole, in one piece: of two commands the first could look at one half built, and the second
 * see it finished. False: it is not whole.
 */
const SEARCH = `if redis.call('EXISTS', KEYS[2]) == 0 then return false end
return redis.call('GEOSEARCH', KEYS[1], 'FROMLONLAT', ARGV[1], ARGV[2], 'BYRADIUS', ARGV[3], 'm', 'ASC', 'COUNT', ARGV[4], 'WITHCOORD')`;
/**
 * State of drivers, each with its version: an older one than what is known changes nothing, in whatever order they come.
 * NX with news: whoever is there already is where their phone last said, which is later than what the database knows. When
 * all is read again they are put where the database has them: a move that was lost would otherwise stay lost.
 */
const APPLY = `
for i = 3, #ARGV, 5 do
  local id, version, category = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local known, knownVersion, knownCategory = redis.call('HGET', KEYS[1], id), -1, ''
  if known then
    local colon = string.find(known, ':', 1, true)
    knownVersion, knownCategory = tonumber(string.sub(known, 1, colon - 1)), string.sub(known, colon + 1)
  end
  if version >= knownVersion then
    if knownCategory ~= '' and knownCategory ~= category then redis.call('ZREM', ARGV[1] .. knownCategory, id) end
    if category == '?' then
      if known then redis.call('HDEL', KEYS[1], id) end
    else
      if category ~= '' and ARGV[2] == 'all' then redis.call('GEOADD', ARGV[1] .. category, ARGV[i + 3], ARGV[i + 4], id)
      elseif category ~= '' then redis.call('GEOADD', ARGV[1] .. category, 'NX', ARGV[i + 3], ARGV[i + 4], id) end
      redis.call('HSET', KEYS[1], id, ARGV[i + 1] .. ':' .. category)
    end
  end
end`;
/** All that is in the index was flushed with the token: then what was written before is gone, and it is not whole. */
const FINISH = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[2], '1', 'PX', ARGV[2]) return 1`;
const EXTEND = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

type Scripted = Redis & {
  searchDrivers(
    nearKey: string,
    builtKey: string,
    ...args: readonly [lng: number, lat: number, meters: number, limit: number]
  ): Promise<[id: string, [lng: string, lat: string]][] | null>;
  applyDrivers(stateKey: string, nearPrefix: string, read: "news" | "all", ...args: (string | number)[]): Promise<null>;
  finishDriverIndex(building: string, built: string, token: string, builtMs: number): Promise<number>;
  extendDriverIndex(building: string, token: string, buildingMs: number): Promise<number>;
};

/**
 * Free drivers in one geo set a category. A search asks a small circle first: one of 5 km in a city holds thousands, whom
 * Redis would all sort to find ten. It begins with the radius that last sufficed thereabouts and widens while too few are
 * found; what it answers is the same as that of the whole circle.
 */
export class RedisDriverIndex implements DriverIndex {
  readonly #redis: Scripted;
  readonly #keys: RedisKeys;
  readonly #rings = new RingMemory();

  constructor(options: { redis: Redis; keys: RedisKeys }) {
    options.redis.defineCommand("searchDrivers", { numberOfKeys: 2, lua: SEARCH });
    options.redis.defineCommand("applyDrivers", { numberOfKeys: 1, lua: APPLY });
    options.redis.defineCommand("finishDriverIndex", { numberOfKeys: 2, lua: FINISH });
    options.redis.defineCommand("extendDriverIndex", { numberOfKeys: 1, lua: EXTEND });
    this.#redis = options.redis as Scripted;
    this.#keys = options.keys;
  }

  /** Throws `IndexNotBuilt` while it does not follow the database, and whatever Redis throws. */
  async nearest({ at, categoryId, radiusMeters, limit }: NearSearch): Promise<NearDriver[]> {
    if (!isKept(at)) throw new IndexNotBuilt("Redis keeps nobody there");
    if (limit < 1) return [];
    const key = this.#keys.driversNear(categoryId);
    let radius = Math.min(this.#rings.startFor(categoryId, at), radiusMeters);
    for (;;) {
      const found = await this.#search(key, at, radius, limit);
      if (found.length >= limit || radius >= radiusMeters) {
        this.#rings.learn(categoryId, at, { found, limit, radius });
        return found.filter((driver) => driver.distanceMeters <= radiusMeters);
      }
      radius = Math.min(RingMemory.wider(radius, found.length, limit), radiusMeters);
    }
  }

  async #search(key: string, at: Coordinates, radiusMeters: number, limit: number): Promise<NearDriver[]> {
    const rows = await this.#redis.searchDrivers(
      ...([key, this.#keys.driversBuilt, at.lng, at.lat, reach(radiusMeters), limit] as const),
    );
    if (rows === null) throw new IndexNotBuilt("the index is being built");
    const found = rows.map(([driverId, [lng, lat]]) => {
      const where = { lat: Number(lat), lng: Number(lng) };
      return { driverId, ...where, distanceMeters: haversineMeters(at, where) };
    });
    return found.sort((a, b) => a.distanceMeters - b.distanceMeters);
  }

  /** What the database says of these drivers. */
  async apply(drivers: readonly IndexedDriver[], read: "news" | "all" = "news"): Promise<void> {
    for (let from = 0; from < drivers.length; from += CHUNK) {
      const args = drivers.slice(from, from + CHUNK).flatMap((driver) => {
        const { driverId, version, state } = driver;
        if (state === "taken") return [driverId, version, "", 0, 0];
        // Where Redis cannot keep them they are nowhere: PostgreSQL answers there.
        if (state === "lost" || !isKept(driver)) return [driverId, version, "?", 0, 0];
        return [driverId, version, driver.categoryId, driver.lng, driver.lat];
      });
      await this.#redis.applyDrivers(this.#keys.driversState, this.#keys.driversNear(""), read, ...args);
    }
  }

  /**
   * Moves those that are in the index; XX: whoever was taken out meanwhile stays out. Answers whom it has never heard of.
   */
  async move(drivers: readonly ({ readonly driverId: string } & Coordinates)[]): Promise<string[]> {
    const unknown: string[] = [];
    for (let from = 0; from < drivers.length; from += CHUNK) {
      const chunk = drivers.slice(from, from + CHUNK);
      const states = await this.#redis.hmget(this.#keys.driversState, ...chunk.map((driver) => driver.driverId));
      const byCategory = new Map<string, (string | number)[]>();
      for (const [i, { driverId, lat, lng }] of chunk.entries()) {
        const state = states[i];
        if (state === null || state === undefined) unknown.push(driverId);
        const category = state?.slice(state.indexOf(":") + 1) ?? "";
        if (category === "" || !isKept({ lat, lng })) continue;
        const moves = byCategory.get(category) ?? [];
        byCategory.set(category, moves);
        moves.push(lng, lat, driverId);
      }
      const writes = [...byCategory].map(([category, moves]) =>
        this.#redis.call("GEOADD", this.#keys.driversNear(category), "XX", ...moves),
      );
      await Promise.all(writes);
    }
    return unknown;
  }

  /** Whether it follows the database now; says that it does, if so. */
  async stillFollowed(): Promise<boolean> {
    return (await this.#redis.pexpire(this.#keys.driversBuilt, BUILT_MS)) === 1;
  }

  /**
   * Builds it whole from `pages` while nobody else does; false when somebody does, or when it was flushed in the middle.
   * What is in it and in none of the pages is thrown out, except what came in since (`sinceVersion`).
   */
  async build(token: string, pages: AsyncIterable<readonly IndexedDriver[]>, sinceVersion: number): Promise<boolean> {
    const { driversBuilding, driversBuilt } = this.#keys;
    if ((await this.#redis.set(driversBuilding, token, "PX", BUILDING_MS, "NX")) === null) return false;
    try {
      const seen = new Set<string>();
      for await (const page of pages) {
        for (const { driverId } of page) seen.add(driverId);
        await this.apply(page, "all");
        if ((await this.#redis.extendDriverIndex(driversBuilding, token, BUILDING_MS)) === 0) return false;
      }
      await this.#dropUnseen(seen, sinceVersion);
      return (await this.#redis.finishDriverIndex(driversBuilding, driversBuilt, token, BUILT_MS)) === 1;
    } catch (error) {
      // Nobody has to wait until it is taken for dead.
      await this.#redis.extendDriverIndex(driversBuilding, token, 0).catch(() => undefined);
      throw error;
    }
  }

  async #dropUnseen(seen: ReadonlySet<string>, sinceVersion: number): Promise<void> {
    let cursor = "0";
    do {
      const [next, entries] = await this.#redis.hscan(this.#keys.driversState, cursor, "COUNT", CHUNK);
      cursor = next;
      const gone: IndexedDriver[] = [];
      for (let i = 0; i < entries.length; i += 2) {
        const [driverId = "", state = ""] = [entries[i], entries[i + 1]];
        const version = Number(state.slice(0, state.indexOf(":")));
        if (!seen.has(driverId) && version <= sinceVersion) gone.push({ driverId, version, state: "lost" });
      }
      await this.apply(gone);
    } while (cursor !== "0");
  }

  /** How many free drivers it holds of a category. */
  async size(categoryId: string): Promise<number> {
    return this.#redis.zcard(this.#keys.driversNear(categoryId));
  }
}

/** Whether Redis can keep such a position; one that it refuses would undo all that is written with it. */
const isKept = ({ lat, lng }: Coordinates) => Math.abs(lat) <= MAX_LATITUDE && Math.abs(lng) <= 180;
/** Redis measures on a slightly larger earth and rounds positions to half a metre: a bit further, so that nobody at the edge is lost. */
const reach = (meters: number) => meters * 1.0005 + 1;
