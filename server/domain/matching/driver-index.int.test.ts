import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "#prisma/seed/places.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import { topics } from "#server/contracts/realtime.ts";
import { upsertLocations } from "#server/domain/drivers/location-store.ts";
import type { DriverIndexSync } from "#server/domain/matching/driver-index-sync.ts";
import { IndexNotBuilt } from "#server/platform/driver-index/driver-index.ts";
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

  test("with nobody about answers nobody", async () => {
    await follow();
    expect(await near()).toEqual([]);
  });
});

describe("in step with the database", () => {
  beforeEach(() => serve("redis"));

  /** All that is this test's: others share the server. */
  async function flush(): Promise<void> {
    const keys = (await t.app.redis?.commands.keys(`${t.env.REDIS_PREFIX}*`)) ?? [];
    await t.app.redis?.commands.del(...keys);
  }
  const indexOf = () => {
    if (t.app.redis === null) throw new Error("no Redis");
    return new RedisDriverIndex({ redis: t.app.redis.commands, keys: redisKeys(t.env.REDIS_PREFIX ?? "") });
  };

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

  test("an older word about a driver changes nothing, in whatever order words come", async () => {
    const index = indexOf();
    const at = { categoryId: economy, ...HERE };
    const driverId = (await t.make.drivers(1))[0] ?? "";
    await follow();
    const search = async () =>
      (await index.nearest({ at: HERE, categoryId: economy, radiusMeters: 100, limit: 5 })).length;
    await index.apply([{ driverId, version: 1000, state: "taken" }]);
    await index.apply([{ driverId, version: 999, state: "free", ...at }]);
    expect(await search()).toBe(0);
    await index.apply([{ driverId, version: 1001, state: "free", ...at }]);
    await index.apply([{ driverId, version: 1000, state: "taken" }]);
    expect(await search()).toBe(1);
  });

  test("mutation: without versions the older word wins when it comes last", async () => {
    const driverId = (await t.make.drivers(1))[0] ?? "";
    const index = indexOf();
    await follow();
    // What a writer does who does not say how late its word is: the last one is believed.
    const unversioned = (state: "free" | "taken") =>
      index.apply([
        state === "taken"
          ? { driverId, version: 2000, state }
          : { driverId, version: 2000, state, categoryId: economy, ...HERE },
      ]);
    await unversioned("taken");
    await unversioned("free");
    expect(await index.nearest({ at: HERE, categoryId: economy, radiusMeters: 100, limit: 5 })).toHaveLength(1);
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

  test("flushed in the middle of a build: it is not said to be whole", async () => {
    const drivers = await t.make.drivers(2);
    await t.make.place(drivers);
    const index = indexOf();
    const page = (driverId: string, version: number) =>
      [{ driverId, version, state: "free", categoryId: economy, ...HERE }] as const;
    async function* pages() {
      yield page(drivers[0] ?? "", 1);
      await flush();
      yield page(drivers[1] ?? "", 2);
    }
    expect(await index.build("token", pages(), 2)).toBe(false);
    await expect(index.nearest({ at: HERE, categoryId: economy, radiusMeters: 100, limit: 5 })).rejects.toThrow(
      IndexNotBuilt,
    );
    expect(await near()).toHaveLength(2);
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

  test("after any sequence of changes, told in any order, it is what the database says", async () => {
    const random = seededRandom(42);
    const drivers = await t.make.drivers(30);
    await strew(drivers, random);
    await follow();
    sync().start();
    const states = [
      "availability_status = 'on_trip', under_review = false",
      "is_online = false",
      "is_online = true",
      "availability_status = 'unavailable', under_review = true",
      "availability_status = 'available', under_review = false",
    ];
    for (let round = 0; round < 12; round++) {
      await Promise.all(
        Array.from({ length: 25 }, async () => {
          const id = drivers[Math.floor(random() * drivers.length)] ?? "";
          await setDriver(id, states[Math.floor(random() * states.length)] ?? "");
          if (random() < 0.5) t.app.bus.publish(topics.drivers, "changed", { ids: [id] });
          if (random() < 0.2) await follow();
        }),
      );
    }
    await sync().drain();
    await follow();
    expect(await near(HERE, 100, 60_000)).toHaveLength((await bruteForce(HERE, 100, 60_000)).length);
    expect(await fromRedis()).toBe(1);
  });
});
