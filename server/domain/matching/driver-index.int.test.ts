import type { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "#prisma/seed/places.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import { topics } from "#server/contracts/realtime.ts";
import { upsertLocations } from "#server/domain/drivers/location-store.ts";
import { PostgresDriverIndex } from "#server/domain/matching/driver-index-store.ts";
import { DriverIndexSync } from "#server/domain/matching/driver-index-sync.ts";
import { type IndexedDriver, IndexNotBuilt } from "#server/platform/driver-index/driver-index.ts";
import { FallbackDriverIndex } from "#server/platform/driver-index/fallback-driver-index.ts";
import { RedisDriverIndex } from "#server/platform/driver-index/redis-driver-index.ts";
import { redisKeys } from "#server/platform/redis-keys.ts";
import { haversineMeters } from "#server/platform/routing.ts";
import { HERE } from "#server/testing/factories.ts";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
afterEach(() => t.dispose());

const RADIUS_METERS = 5000;
let economy = "";
async function serve(coordination: (typeof COORDINATIONS)[number]): Promise<void> {
  t = await createTestApp({ coordination });
  economy = await t.value<string>("SELECT id FROM vehicle_categories WHERE code = 'economy'");
}

async function placeAt(places: readonly (Coordinates & { readonly userId: string })[]): Promise<void> {
  const recordedAt = new Date();
  await upsertLocations(
    t.app.db.pool,
    places.map((place) => ({ ...place, heading: null, speed: null, accuracy: null, recordedAt })),
  );
}

/** Drivers strewn around HERE, most of them in the middle. */
async function strew(driverIds: readonly string[], random: () => number): Promise<void> {
  const off = () => (random() - 0.5) * 0.2 * random();
  await placeAt(driverIds.map((userId) => ({ userId, lat: HERE.lat + off(), lng: HERE.lng + off() })));
}

const sync = (): DriverIndexSync => {
  if (t.app.driverIndexSync === null) throw new Error("standalone has no index to follow");
  return t.app.driverIndexSync;
};
const follow = async () => t.app.driverIndexSync?.tick();
const near = async (at: Coordinates = HERE, limit = 10, radiusMeters = RADIUS_METERS) =>
  (await t.app.driverIndex.nearest({ at, categoryId: economy, radiusMeters, limit })).map((driver) => driver.driverId);
/** Searches answered by Redis so far. */
const fromRedis = async () =>
  (await t.app.metrics.driverSearches.get()).values.find(({ labels }) => labels.source === "redis")?.value ?? 0;
const setDriver = (id: string, columns: string) =>
  t.rows(`UPDATE driver_details SET ${columns} WHERE user_id = $1`, [id]);

/** By the definition, over every driver. */
async function bruteForce(at: Coordinates, limit: number, radiusMeters: number): Promise<number[]> {
  const rows = await t.rows<{ lat: number; lng: number }>(
    `SELECT l.location[1] AS lat, l.location[0] AS lng FROM user_last_locations l JOIN driver_details d USING (user_id)
     JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active AND v.category_id = $1
     WHERE d.is_online AND d.availability_status = 'available' AND NOT d.under_review`,
    [economy],
  );
  const meters = rows.map((row) => haversineMeters(at, row)).filter((distance) => distance <= radiusMeters);
  return meters.sort((a, b) => a - b).slice(0, limit);
}

describe.each(COORDINATIONS)("nearest, %s", (coordination) => {
  beforeEach(() => serve(coordination));

  test("is what looking at every driver finds, wherever one stands, however many are wanted", async () => {
    const random = seededRandom(7);
    const drivers = await t.make.drivers(400);
    await strew(drivers, random);
    await strew(await t.make.drivers(60, { online: false }), random);
    await strew(await t.make.drivers(60, { category: "comfort" }), random);
    for (const id of drivers.slice(0, 40)) await setDriver(id, "availability_status = 'on_trip'");
    for (const id of drivers.slice(40, 60))
      await setDriver(id, "availability_status = 'unavailable', under_review = true");
    await follow();
    for (let n = 0; n < 120; n++) {
      const at = { lat: HERE.lat + (random() - 0.5) * 0.3, lng: HERE.lng + (random() - 0.5) * 0.3 };
      const [limit, radiusMeters] = [1 + Math.floor(random() * 30), 200 + random() * 6000];
      const found = await t.app.driverIndex.nearest({ at, categoryId: economy, radiusMeters, limit });
      const meters = found.map((driver) => driver.distanceMeters);
      const expected = await bruteForce(at, limit, radiusMeters);
      // Redis keeps positions to about half a metre: at the very edge of the circle one may be in or out.
      expect(Math.abs(meters.length - expected.length)).toBeLessThanOrEqual(
        expected.some((m) => m > radiusMeters - 1) ? 1 : 0,
      );
      for (const [i, distance] of meters.entries())
        expect(Math.abs(distance - (expected[i] ?? distance))).toBeLessThan(1.5);
    }
    expect(await fromRedis()).toBe(coordination === "redis" ? 120 : 0);
  });

  test("names nobody whose last position is old, and nobody without one", async () => {
    const [fresh = "", old = ""] = await t.make.drivers(3);
    await t.make.place([fresh, old]);
    await t.rows("UPDATE user_last_locations SET updated_at = now() - interval '31 minutes' WHERE user_id = $1", [old]);
    await follow();
    expect(await near()).toEqual([fresh]);
  });

  test.each([
    ["across the antimeridian", { lat: -16.8, lng: 179.98 }, 6000],
    ["across it from the other side", { lat: -16.8, lng: -179.99 }, 6000],
    ["far in the north, where degrees of longitude are short", { lat: 69.6, lng: 18.9 }, 50_000],
    ["beside a pole", { lat: 89.9, lng: 10 }, 30_000],
  ])("%s it is the same", async (_, middle, radiusMeters) => {
    const random = seededRandom(11);
    const drivers = await t.make.drivers(80);
    const shrink = Math.cos((Math.min(middle.lat, 89.7) * Math.PI) / 180);
    const degrees = (radiusMeters / 111_195) * 1.3;
    const around = () => {
      const lng = middle.lng + ((random() - 0.5) * 2 * degrees) / shrink;
      const lat = Math.min(90, middle.lat + (random() - 0.5) * 2 * degrees);
      return { lat, lng: lng > 180 ? lng - 360 : lng < -180 ? lng + 360 : lng };
    };
    await placeAt(drivers.map((userId) => ({ userId, ...around() })));
    await follow();
    for (const limit of [1, 5, 20, 100]) {
      const search = { at: middle, categoryId: economy, radiusMeters, limit };
      const meters = (await t.app.driverIndex.nearest(search)).map((driver) => driver.distanceMeters);
      const expected = await bruteForce(middle, limit, radiusMeters);
      expect(meters).toHaveLength(expected.length);
      for (const [i, distance] of meters.entries()) expect(Math.abs(distance - (expected[i] ?? 0))).toBeLessThan(1.5);
    }
  });

  test("with nobody about answers nobody", async () => {
    await follow();
    expect(await near()).toEqual([]);
  });
});

describe("in step with the database", () => {
  beforeEach(() => serve("redis"));
  const connections: Redis[] = [];
  afterEach(() => {
    for (const redis of connections.splice(0)) redis.disconnect();
  });

  /** All that is this test's: others share the server. */
  async function flush(): Promise<void> {
    const all = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end";
    await t.app.redis?.commands.eval(all, 0, `${t.env.REDIS_PREFIX}*`);
  }
  const indexOf = () => {
    if (t.app.redis === null) throw new Error("no Redis");
    return new RedisDriverIndex({ redis: t.app.redis.commands, keys: redisKeys(t.env.REDIS_PREFIX ?? "") });
  };

  /** An index with something else in its scripts, on a connection of its own. */
  function mutant(from: string, to: string): RedisDriverIndex {
    const redis = t.app.redis?.commands.duplicate();
    if (redis === undefined) throw new Error("no Redis");
    connections.push(redis);
    let applied = false;
    const define = redis.defineCommand.bind(redis);
    redis.defineCommand = (name, definition) => {
      applied ||= definition.lua.includes(from);
      define(name, { ...definition, lua: definition.lua.replace(from, to) });
    };
    const index = new RedisDriverIndex({ redis, keys: redisKeys(t.env.REDIS_PREFIX ?? "") });
    if (!applied) throw new Error("the mutation does not apply any more");
    return index;
  }

  test("who is assigned, goes off line or is reviewed leaves; who is free again comes back; lost news is made up for", async () => {
    const [one = "", two = "", three = ""] = await t.make.drivers(3);
    await t.make.place([one, two, three]);
    await follow();
    expect((await near()).toSorted()).toEqual([one, two, three].toSorted());
    const trip = await t.make.trip();
    await t.accept(trip, one);
    await t.app.drivers.setAvailability(two, { online: false, availability: "unavailable" });
    await setDriver(three, "availability_status = 'unavailable', under_review = true");
    await follow();
    expect(await near()).toEqual([]);
    await t.app.trips.release({ type: "operator", id: one }, trip, "a test", null);
    await follow();
    expect(await near()).toEqual([one]);
    expect(await fromRedis()).toBe(3);
  });

  test("another vehicle's category, a closed account: the database's own triggers tell", async () => {
    const [one = "", two = "", three = ""] = await t.make.drivers(3);
    await t.make.place([one, two, three]);
    await follow();
    await t.rows(
      "UPDATE vehicles SET category_id = (SELECT id FROM vehicle_categories WHERE code = 'comfort') WHERE driver_id = $1",
      [one],
    );
    await t.rows("UPDATE users SET is_active = false WHERE id = $1", [two]);
    await t.rows("UPDATE vehicles SET is_active = false WHERE driver_id = $1", [three]);
    await follow();
    expect(await near()).toEqual([]);
    const comfort = await t.value<string>("SELECT id FROM vehicle_categories WHERE code = 'comfort'");
    const found = await t.app.driverIndex.nearest({ at: HERE, categoryId: comfort, radiusMeters: 100, limit: 5 });
    expect(found.map((driver) => driver.driverId)).toEqual([one]);
  });

  test("news is followed at once, without a tick", async () => {
    const [driver = ""] = await t.make.drivers(1);
    await t.make.place([driver]);
    await follow();
    sync().start();
    await setDriver(driver, "is_online = false");
    t.app.bus.publish(topics.drivers, "changed", { ids: [driver] });
    await waitUntil("the driver has left", async () => (await near()).length === 0, 1000);
  });

  test("positions move who is in the index; whoever was taken out stays out", async () => {
    const [free = "", busy = ""] = await t.make.drivers(2);
    await t.make.place([free, busy]);
    await setDriver(busy, "availability_status = 'on_trip'");
    await follow();
    const there = { lat: HERE.lat + 0.03, lng: HERE.lng };
    for (const id of [free, busy]) t.app.locations.accept(id, there);
    await t.app.locations.drain();
    await sync().drain();
    expect(await near(HERE, 10, 1000)).toEqual([]);
    expect(await near(there, 10, 1000)).toEqual([free]);
  });

  test("a driver nobody knew where is found once they are heard of", async () => {
    const [driver = ""] = await t.make.drivers(1);
    await follow();
    expect(await near()).toEqual([]);
    t.app.locations.accept(driver, HERE);
    await t.app.locations.drain();
    await waitUntil("the driver is found", async () => (await near())[0] === driver, 6000);
    expect(await fromRedis()).toBeGreaterThan(0);
  });

  /** An older word comes last, twice; answers how often the driver was found meanwhile. */
  async function olderWords(index: RedisDriverIndex): Promise<number[]> {
    const driverId = (await t.make.drivers(1))[0] ?? "";
    await follow();
    const free = { driverId, state: "free", categoryId: economy, ...HERE } as const;
    const found: number[] = [];
    const say = async (word: IndexedDriver) => {
      await index.apply([word]);
      found.push((await index.nearest({ at: HERE, categoryId: economy, radiusMeters: 100, limit: 5 })).length);
    };
    await say({ driverId, version: 1000, state: "taken" });
    await say({ ...free, version: 999 });
    await say({ ...free, version: 1001 });
    await say({ driverId, version: 1000, state: "taken" });
    return found;
  }

  test("an older word about a driver changes nothing, in whatever order words come", async () => {
    expect(await olderWords(indexOf())).toEqual([0, 0, 1, 1]);
  });

  test("mutation: without versions the older word wins when it comes last", async () => {
    expect(await olderWords(mutant("version >= knownVersion", "true"))).toEqual([0, 1, 1, 0]);
  });

  /** Another category's vehicle; answers how many are found in the old category, and in the new one. */
  async function changedCategory(index: RedisDriverIndex): Promise<number[]> {
    const driverId = (await t.make.drivers(1))[0] ?? "";
    const comfort = await t.value<string>("SELECT id FROM vehicle_categories WHERE code = 'comfort'");
    await follow();
    const free = { driverId, state: "free", ...HERE } as const;
    await index.apply([{ ...free, version: 1000, categoryId: economy }]);
    await index.apply([{ ...free, version: 1001, categoryId: comfort }]);
    const found = [economy, comfort].map((categoryId) =>
      index.nearest({ at: HERE, categoryId, radiusMeters: 100, limit: 5 }),
    );
    return (await Promise.all(found)).map((drivers) => drivers.length);
  }

  test("a driver whose vehicle is of another category stands in that one only", async () => {
    expect(await changedCategory(indexOf())).toEqual([0, 1]);
  });

  test("mutation: without the move from one category to another, a driver stands in both", async () => {
    const stays = mutant("redis.call('ZREM', ARGV[1] .. knownCategory, id)", "local _ = id");
    expect(await changedCategory(stays)).toEqual([1, 1]);
  });

  test("flushed: not a gap, the database answers until it is whole again", async () => {
    const drivers = await t.make.drivers(3);
    await t.make.place(drivers);
    await follow();
    expect(await near()).toHaveLength(3);
    await flush();
    expect(await near()).toHaveLength(3);
    // One word that comes before it is built must not make it look whole.
    sync().refreshSoon(drivers.slice(0, 1));
    await sync().drain();
    expect(await near()).toHaveLength(3);
    const before = await fromRedis();
    await follow();
    expect(await near()).toHaveLength(3);
    expect(await fromRedis()).toBe(before + 1);
  });

  // A search looked, then asked whether the index was whole: it was, by then.
  test("a build that ends while one searches does not make half an index look whole", async () => {
    const drivers = await t.make.drivers(1);
    await t.make.place(drivers);
    const { commands } = t.app.redis ?? {};
    if (commands === undefined) throw new Error("no Redis");
    let sent = 0;
    const interrupted = new Proxy(commands, {
      get: (target, name) => {
        const value = Reflect.get(target, name);
        if (typeof value !== "function" || name === "defineCommand") return value.bind?.(target) ?? value;
        return async (...args: unknown[]) => {
          if (sent++ > 0) await follow();
          return value.apply(target, args);
        };
      },
    });
    const index = new RedisDriverIndex({ redis: interrupted, keys: redisKeys(t.env.REDIS_PREFIX ?? "") });
    await expect(index.nearest({ at: HERE, categoryId: economy, radiusMeters: 100, limit: 5 })).rejects.toThrow(
      IndexNotBuilt,
    );
  });

  test("a build that failed does not keep the next one waiting", async () => {
    const index = indexOf();
    async function* broken() {
      yield [];
      throw new Error("the database is away");
    }
    await expect(index.build("one", broken(), 0)).rejects.toThrow("away");
    async function* nobody() {}
    expect(await index.build("two", nobody(), 0)).toBe(true);
  });

  test("a place that Redis refuses keeps nobody else out", async () => {
    const [odd = "", other = ""] = await t.make.drivers(2);
    await follow();
    await indexOf().apply([
      { driverId: odd, version: 9000, state: "free", categoryId: economy, lat: Number.NaN, lng: 31 },
      { driverId: other, version: 9000, state: "free", categoryId: economy, ...HERE },
    ]);
    await indexOf().move([
      { driverId: other, lat: 1, lng: 181 },
      { driverId: other, ...HERE },
    ]);
    expect(await near()).toEqual([other]);
    expect(await fromRedis()).toBe(1);
  });

  // Redis came back with what it had saved before; that we had told it more since was remembered here.
  test("a Redis that was restarted and knows what it last saved is read anew", async () => {
    const [driver = ""] = await t.make.drivers(1);
    await t.make.place([driver]);
    await setDriver(driver, "is_online = false");
    await follow();
    const { commands } = t.app.redis ?? {};
    const { driversState } = redisKeys(t.env.REDIS_PREFIX ?? "");
    const saved = (await commands?.hget(driversState, driver)) ?? "";
    await setDriver(driver, "is_online = true");
    await follow();
    expect(await near()).toEqual([driver]);
    commands?.disconnect(true);
    await waitUntil("it is connected again", () => t.app.redis?.timesConnected() === 2);
    await commands?.hset(driversState, driver, saved);
    await commands?.zrem(redisKeys(t.env.REDIS_PREFIX ?? "").driversNear(economy), driver);
    await follow();
    expect(await near()).toEqual([driver]);
    expect(await fromRedis()).toBe(2);
  });

  test("while all is read again, changes are followed and the index stays whole", async () => {
    let monotonicMs = 1e6;
    const clock = { ...t.app.clock, now: () => new Date(), monotonicMs: () => monotonicMs };
    const [driver = ""] = await t.make.drivers(1);
    await t.make.place([driver]);
    const index = indexOf();
    const { driversBuilt } = redisKeys(t.env.REDIS_PREFIX ?? "");
    const redis = t.app.redis;
    if (redis === null) throw new Error("no Redis");
    const seen: (string[] | number)[] = [];
    /** A slow build: after its first page time passes, and the driver goes off line. */
    const slow = {
      apply: index.apply.bind(index),
      move: index.move.bind(index),
      stillFollowed: index.stillFollowed.bind(index),
      build: async (token: string, pages: AsyncIterable<readonly IndexedDriver[]>, since: number) =>
        index.build(
          token,
          (async function* () {
            for await (const page of pages) {
              yield page;
              if (monotonicMs < 2e6) continue;
              await setDriver(driver, "is_online = false");
              await redis.commands.pexpire(driversBuilt, 5000);
              monotonicMs += 10_000;
            }
            seen.push(await near(), await redis.commands.pttl(driversBuilt));
          })(),
          since,
        ),
    };
    const { db, bus, logger } = t.app;
    const follower = new DriverIndexSync({ db, bus, logger, clock, redis, index: slow, onBuilt: () => undefined });
    await follower.tick();
    monotonicMs = 2e6;
    await follower.tick();
    expect(seen).toEqual([[driver], expect.any(Number), [], expect.any(Number)]);
    expect(seen[3]).toBeGreaterThan(10_000);
  });

  test("a move that was lost is made up for when all is read again", async () => {
    const [driver = ""] = await t.make.drivers(1);
    await t.make.place([driver]);
    await follow();
    const there = { lat: HERE.lat + 0.03, lng: HERE.lng };
    await placeAt([{ userId: driver, ...there }]);
    await t.app.redis?.commands.del(redisKeys(t.env.REDIS_PREFIX ?? "").driversBuilt);
    await follow();
    expect(await near(there, 10, 1000)).toEqual([driver]);
    expect(await fromRedis()).toBe(1);
  });

  test("positions that come while others are written wait, and are not lost", async () => {
    const [one = "", two = ""] = await t.make.drivers(2);
    await t.make.place([one, two]);
    await follow();
    const there = { lat: HERE.lat + 0.03, lng: HERE.lng };
    const moved = (userId: string, at: Coordinates) => [
      { userId, ...at, heading: null, speed: null, accuracy: null, recordedAt: new Date(), receivedAt: new Date() },
    ];
    sync().sink(moved(one, there));
    sync().sink(moved(two, HERE));
    sync().sink(moved(two, there));
    await sync().drain();
    expect((await near(there, 10, 1000)).toSorted()).toEqual([one, two].toSorted());
  });

  test("a Redis that is silent is waited for once a second, not by every search", async () => {
    const [driver = ""] = await t.make.drivers(1);
    await t.make.place([driver]);
    let asked = 0;
    let monotonicMs = 0;
    const silent = new FallbackDriverIndex({
      primary: {
        nearest: () => {
          asked++;
          return new Promise(() => undefined);
        },
      },
      secondary: new PostgresDriverIndex(t.app.db.pool),
      isReady: () => true,
      monotonicMs: () => monotonicMs,
      onSearch: () => undefined,
      onTrouble: () => undefined,
    });
    const search = () => silent.nearest({ at: HERE, categoryId: economy, radiusMeters: 100, limit: 5 });
    for (let n = 0; n < 4; n++) expect(await search()).toHaveLength(1);
    expect(asked).toBe(1);
    monotonicMs += 1000;
    await Promise.all([search(), search(), search()]);
    expect(asked).toBe(2);
  });

  async function flushedWhileBuilding(index: RedisDriverIndex): Promise<boolean> {
    const drivers = await t.make.drivers(2);
    await t.make.place(drivers);
    const page = (driverId: string, version: number) =>
      [{ driverId, version, state: "free", categoryId: economy, ...HERE }] as const;
    async function* pages() {
      yield page(drivers[0] ?? "", 1);
      yield page(drivers[1] ?? "", 2);
      // After the last look at the token.
      await flush();
    }
    return index.build("token", pages(), 2);
  }

  test("flushed in the middle of a build: it is not said to be whole", async () => {
    expect(await flushedWhileBuilding(indexOf())).toBe(false);
    await expect(indexOf().nearest({ at: HERE, categoryId: economy, radiusMeters: 100, limit: 5 })).rejects.toThrow(
      IndexNotBuilt,
    );
    expect(await near()).toHaveLength(2);
  });

  test("mutation: without its token an index that was flushed passes for whole, and nobody is found", async () => {
    expect(await flushedWhileBuilding(mutant("~= ARGV[1] then return 0", "== '?' then return 0"))).toBe(true);
    expect(await near()).toEqual([]);
  });

  test("nobody follows it: after 15 s it is not believed", async () => {
    await follow();
    const ttl = await t.app.redis?.commands.pttl(redisKeys(t.env.REDIS_PREFIX ?? "").driversBuilt);
    expect(ttl).toBeGreaterThan(10_000);
    expect(ttl).toBeLessThanOrEqual(15_000);
    await t.app.redis?.commands.del(redisKeys(t.env.REDIS_PREFIX ?? "").driversBuilt);
    const [driver = ""] = await t.make.drivers(1);
    await t.make.place([driver]);
    expect(await near()).toEqual([driver]);
    expect(await fromRedis()).toBe(0);
  });

  test("what is in no row any more is thrown out when all is read again", async () => {
    const index = indexOf();
    await follow();
    await index.apply([
      { driverId: "0199bbbb-0000-7000-8000-000000000001", version: 0, state: "free", categoryId: economy, ...HERE },
    ]);
    expect(await near()).toHaveLength(1);
    await t.app.redis?.commands.del(redisKeys(t.env.REDIS_PREFIX ?? "").driversBuilt);
    await follow();
    expect(await near()).toHaveLength(0);
    expect(await fromRedis()).toBe(2);
  });

  /** Two processes follow while all sorts of things change, news is lost and Redis flushed. Drivers whom the index has wrong. */
  async function afterAnything(seed: number): Promise<string[]> {
    const random = seededRandom(seed);
    const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
    const drivers = await t.make.drivers(30);
    await strew(drivers, random);
    const comfort = await t.value<string>("SELECT id FROM vehicle_categories WHERE code = 'comfort'");
    const peer = await createTestApp({ peerOf: t, coordination: "redis" });
    const { redis } = t.app;
    if (redis === null) throw new Error("no Redis");
    const mine = sync();
    const followers = [mine, peer.app.driverIndexSync ?? mine];
    const changes = [
      ...["available", "on_trip", "unavailable", "on_bidding"].map(
        (status) => `UPDATE driver_details SET availability_status = '${status}' WHERE user_id = $1`,
      ),
      "UPDATE driver_details SET is_online = NOT is_online WHERE user_id = $1",
      ...[comfort, economy].map((id) => `UPDATE vehicles SET category_id = '${id}' WHERE driver_id = $1`),
      "UPDATE users SET is_active = NOT is_active WHERE id = $1",
    ];
    try {
      for (const each of followers) {
        each.start();
        await each.tick();
      }
      for (let round = 0; round < 15; round++) {
        const busy = Array.from({ length: 25 }, async () => {
          const id = one(drivers);
          await t.rows(one(changes), [id]);
          if (random() < 0.4) t.app.bus.publish(topics.drivers, "changed", { ids: [id] });
          if (random() < 0.2) await one(followers).tick();
          if (random() < 0.2) {
            const at = { lat: HERE.lat + random() / 10, lng: HERE.lng };
            const when = { recordedAt: new Date(), receivedAt: new Date() };
            one(followers).sink([{ userId: id, ...at, heading: null, speed: null, accuracy: null, ...when }]);
          }
        });
        if (random() < 0.2) busy.push(flush());
        await Promise.all(busy);
      }
      // Whoever built last ends it; what was heard of is followed, and what was not is found by its version.
      for (const each of [...followers, ...followers]) {
        await each.drain();
        await each.tick();
      }
      const held = await Promise.all(
        [economy, comfort].map((id) =>
          redis.commands.zrange(redisKeys(t.env.REDIS_PREFIX ?? "").driversNear(id), "0", "-1"),
        ),
      );
      const free = await Promise.all(
        [economy, comfort].map((id) =>
          t.rows<{ id: string }>(
            `SELECT d.user_id AS id FROM driver_details d JOIN users u ON u.id = d.user_id AND u.is_active
             JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active AND v.category_id = $1
             WHERE d.is_online AND d.availability_status IN ('available', 'on_bidding')`,
            [id],
          ),
        ),
      );
      expect(await redis.commands.exists(redisKeys(t.env.REDIS_PREFIX ?? "").driversBuilt)).toBe(1);
      const words = (ids: readonly string[], category: number) => ids.map((id) => `${category} ${id}`);
      const [is, should] = [
        new Set(held.flatMap(words)),
        new Set(
          free.flatMap((rows, i) =>
            words(
              rows.map((row) => row.id),
              i,
            ),
          ),
        ),
      ];
      return [...[...is].filter((each) => !should.has(each)), ...[...should].filter((each) => !is.has(each))];
    } finally {
      mine.close();
      await peer.dispose();
    }
  }

  test.each([1, 2, 3, 4])(
    "after any sequence of changes, told in any order by two processes, it is what the database says (%s)",
    async (seed) => {
      expect(await afterAnything(seed)).toEqual([]);
    },
  );
});
