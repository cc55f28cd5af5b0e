import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BusMessage, channels, topics } from "#server/contracts/realtime.ts";
import { mayListen } from "#server/realtime/channels.ts";
import { DriverPositions } from "#server/realtime/driver-positions.ts";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { waitUntil } from "#server/testing/wait.ts";

let t: TestApp;
/** What the clock of durations is ahead. */
let aheadMs: number;
afterEach(() => t.dispose());
async function begin(coordination: "redis" | "standalone"): Promise<void> {
  aheadMs = 0;
  const clock = { now: () => new Date(), monotonicMs: () => performance.now() + aheadMs };
  t = await createTestApp({ coordination, overrides: { clock } });
}

interface Rider {
  readonly heard: BusMessage[];
  leave(): void;
}
async function follow(positions: DriverPositions, tripId: string): Promise<Rider> {
  const heard: BusMessage[] = [];
  return { heard, leave: await positions.follow(tripId, (message) => heard.push(message)) };
}

let lat = 30;
/** The driver moves; where to. A driver's first position is never throttled, and `forget` makes each the first. */
async function move(driverId: string): Promise<number> {
  lat += 0.0001;
  t.app.locations.forget(driverId);
  t.app.locations.accept(driverId, { lat, lng: 31.25, heading: 90, speed: 8 });
  await t.app.locations.drain();
  return lat;
}
/** Moves until the rider hears of it, or stops hearing. */
async function untilHeard(rider: Rider, driverId: string, expected = true): Promise<void> {
  await waitUntil(`the rider ${expected ? "sees" : "loses sight of"} the driver`, async () => {
    const before = rider.heard.length;
    await move(driverId);
    return rider.heard.length > before === expected;
  });
}

describe.each(COORDINATIONS)("a driver's positions, on %s", (coordination) => {
  beforeEach(() => begin(coordination));

  test("reach who follows the driver's live trip, as the contract has them, and nobody else", async () => {
    const [one = "", two = ""] = await t.make.trips(2);
    const [driver = "", other = ""] = await t.make.drivers(2);
    await t.accept(one, driver);
    await t.accept(two, other);
    const positions = new DriverPositions(t.app, "epoch");
    const [rider, stranger] = [await follow(positions, one), await follow(positions, two)];
    const at = await move(driver);
    expect(rider.heard).toEqual([
      {
        ...{ epoch: expect.any(String), offset: 1 },
        event: "driver.moved",
        epoch: "epoch",
        offset: 1,
        at: expect.any(String),
        data: { tripId: one, lat: at, lng: 31.25, heading: 90, speed: 8, at: expect.stringMatching(/Z$/) },
      },
    ]);
    expect(stranger.heard).toEqual([]);
    rider.leave();
    rider.leave();
    await move(driver);
    expect(rider.heard.length).toBe(1);
    await move(other);
    expect(stranger.heard.length).toBe(1);
  });

  test("begin when the trip is accepted, change with its driver, and end with it", async () => {
    const trip = await t.make.trip();
    const [first = "", second = ""] = await t.make.drivers(2);
    const rider = await follow(new DriverPositions(t.app, "epoch"), trip);
    await move(first);
    expect(rider.heard).toEqual([]);
    await t.accept(trip, first);
    await t.drain();
    await untilHeard(rider, first);
    await t.app.trips.release({ type: "driver", id: first }, trip, "flat tyre", null);
    await t.drain();
    await untilHeard(rider, first, false);
    await t.accept(trip, second);
    await t.drain();
    await untilHeard(rider, second);
    await t.app.trips.cancel({ type: "operator", id: second }, trip, "test");
    await t.drain();
    await untilHeard(rider, second, false);
  });

  test("end within half a minute when the news of the end was lost", async () => {
    const [trip, driver] = [await t.make.trip(), await t.make.driver()];
    await t.accept(trip, driver);
    const rider = await follow(new DriverPositions(t.app, "epoch"), trip);
    await t.app.trips.release({ type: "driver", id: driver }, trip, "no news of it", null);
    aheadMs = 31_000;
    await untilHeard(rider, driver, false);
  });
});

test("the topic of all positions, and a trip's news, are listened to only while somebody follows", async () => {
  await begin("redis");
  const trips = await t.make.trips(2);
  const listeners = async () => {
    const keys = [topics.locations, ...trips.map(channels.trip)].map((name) => `${t.env.REDIS_PREFIX}bus:${name}`);
    const answer = (await t.app.redis?.commands.pubsub("NUMSUB", ...keys)) as (string | number)[];
    return answer.filter((_, n) => n % 2 === 1).join();
  };
  const positions = new DriverPositions(t.app, "epoch");
  const riders = await Promise.all([...trips, ...trips].map((trip) => follow(positions, trip)));
  await waitUntil("listening", async () => (await listeners()) === "1,1,1");
  for (const rider of riders.slice(1)) rider.leave();
  await waitUntil("one is left", async () => (await listeners()) === "1,1,0");
  riders[0]?.leave();
  await waitUntil("none is left", async () => (await listeners()) === "0,0,0");
  await expect(follow(positions, "0199aaaa-0000-7000-8000-00000000dead")).rejects.toThrow("no such trip");
  await waitUntil("nothing for a trip that is not", async () => (await listeners()) === "0,0,0");
});

test("a trip's rider and operators may follow its driver; other riders and drivers may not", async () => {
  await begin("standalone");
  const [customerId, driverId] = [await t.make.customer(), await t.make.driver()];
  const trip = await t.make.trip({ customerId });
  await t.accept(trip, driverId);
  const may = (actor: Parameters<typeof mayListen>[1]) => mayListen(t.app, actor, channels.driverLocation(trip));
  expect(await may({ type: "customer", id: customerId })).toBe(true);
  expect(await may({ type: "operator", id: await t.make.operator("viewer"), role: "viewer", name: "" })).toBe(true);
  expect(await may({ type: "customer", id: await t.make.customer() })).toBe(false);
  expect(await may({ type: "driver", id: driverId })).toBe(false);
});
