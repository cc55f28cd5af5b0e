import { describe, expect, test } from "vitest";
import { seededRandom } from "#prisma/seed/places.ts";
import type { DriverMapState, LiveDriver, LiveTrip, ZoneOutline } from "#server/contracts/console.ts";
import { type FleetFrame, MAX_FRAME_BYTES, MAX_SINGLES, type MapView } from "#server/contracts/fleet.ts";
import { newId } from "#server/contracts/ids.ts";
import { clusterDrivers } from "#server/domain/ops/driver-clusters.ts";
import { type FleetModel, FleetView } from "#server/domain/ops/fleet-view.ts";
import { MAP_FILTERS, type MapFilters } from "#server/domain/ops/map-filters.ts";

const STATES = ["available", "offered", "on_trip", "stale"] as const satisfies readonly DriverMapState[];
const random = seededRandom(3);
const driver = (wish: Partial<LiveDriver> = {}): LiveDriver => ({
  id: newId(),
  name: "Karim Hassan",
  phone: "+201000000001",
  plate: "ABC 1234",
  category: "economy",
  lat: 30 + random() * 0.2,
  lng: 31.2 + random() * 0.2,
  heading: 90,
  speed: 8,
  state: STATES[Math.floor(random() * STATES.length)] ?? "available",
  tripId: null,
  updatedAt: new Date().toISOString(),
  ...wish,
});
const fleet = (count: number, wish: Partial<LiveDriver> = {}) => Array.from({ length: count }, () => driver(wish));
const trip = (wish: Partial<LiveTrip> = {}): LiveTrip => ({
  id: newId(),
  refId: "T4K7M2P9QX",
  status: "pending",
  pickup: { lat: 30.1, lng: 31.3 },
  destination: { lat: 30.12, lng: 31.32 },
  driverId: null,
  driverName: null,
  zoneId: null,
  createdAt: new Date().toISOString(),
  ...wish,
});

/** A model that one changes, round by round. */
function modelOf(drivers: readonly LiveDriver[], trips: readonly LiveTrip[] = []) {
  const known = new Map(drivers.map((one) => [one.id, { driver: one, facts: 0, moved: 0 }]));
  const model = {
    round: 0,
    at: new Date().toISOString(),
    drivers: known,
    trips: new Map(trips.map((one) => [one.id, { trip: one, changed: 0 }])),
  };
  return {
    model: model as FleetModel,
    next: () => void model.round++,
    move(id: string, lat: number) {
      const one = known.get(id);
      if (one) known.set(id, { ...one, driver: { ...one.driver, lat }, moved: model.round + 1 });
    },
    change(id: string, part: Partial<LiveDriver>) {
      const one = known.get(id);
      if (one) known.set(id, { ...one, driver: { ...one.driver, ...part }, facts: model.round + 1 });
    },
    remove: (id: string) => known.delete(id),
  };
}
const view = (wish: Partial<MapView> = {}): MapView => ({ zoom: 11, ...wish });
/** What a map knows after these frames. */
function seen(frames: readonly FleetFrame[], before = new Map<string, LiveDriver>()): Map<string, LiveDriver> {
  let known = new Map(before);
  for (const frame of frames) {
    if (frame.whole) known = new Map();
    for (const id of frame.goneDrivers) known.delete(id);
    for (const one of frame.drivers) known.set(one.id, one);
    for (const [id, lat, lng, heading, speed, updatedAt] of frame.moves) {
      const one = known.get(id);
      if (one) known.set(id, { ...one, lat, lng, heading, speed, updatedAt });
    }
  }
  return known;
}

describe("up to 2,000 drivers in view", () => {
  test("come singly, all of them, then only what changed, as little as tells it", () => {
    const drivers = fleet(MAX_SINGLES);
    const { model, next, move, change, remove } = modelOf(drivers);
    const map = new FleetView(view(), null);
    let known = seen(map.frames(model));
    expect(known.size).toBe(MAX_SINGLES);
    const [moved = "", changed = "", gone = ""] = drivers.map(({ id }) => id);
    move(moved, 30.05);
    change(changed, { state: "on_trip", tripId: newId() });
    remove(gone);
    next();
    const [frame, ...more] = map.frames(model);
    expect(more).toEqual([]);
    expect([
      frame?.whole,
      frame?.moves.map(([id]) => id),
      frame?.drivers.map(({ id }) => id),
      frame?.goneDrivers,
    ]).toEqual([false, [moved], [changed], [gone]]);
    known = seen([frame as FleetFrame], known);
    expect([...known.keys()].toSorted()).toEqual([...model.drivers.keys()].toSorted());
    for (const [id, one] of known) expect(one).toEqual(model.drivers.get(id)?.driver);
    next();
    expect(map.frames(model)).toEqual([]);
  });

  test("a zone that does not exist holds nobody", () => {
    const { model } = modelOf([driver()]);
    expect([...seen(new FleetView(view({ zoneId: newId() }), null).frames(model)).keys()]).toEqual([]);
  });

  test("what changes twice between two rounds is told as it is at the end", () => {
    const { model, next, change } = modelOf([driver({ state: "available" })]);
    const [id = ""] = model.drivers.keys();
    change(id, { state: "offered" });
    // A map that opens in mid-round.
    const map = new FleetView(view(), null);
    let known = seen(map.frames(model));
    change(id, { state: "on_trip" });
    next();
    known = seen(map.frames(model), known);
    expect(known.get(id)?.state).toBe("on_trip");
  });

  test("who drives out of view is gone, and back when they return", () => {
    const { model, next, move } = modelOf([driver({ lat: 30.05 })]);
    const [id = ""] = model.drivers.keys();
    const map = new FleetView(view({ bounds: [31, 30, 32, 30.1] }), null);
    map.frames(model);
    move(id, 30.3);
    next();
    expect(map.frames(model)[0]?.goneDrivers).toEqual([id]);
    move(id, 30.06);
    next();
    expect(map.frames(model)[0]?.drivers.map((one) => one.id)).toEqual([id]);
  });
});

const zone: ZoneOutline = {
  id: newId(),
  name: "Middle",
  coordinates: [
    [
      [
        [31.22, 30.02],
        [31.28, 30.02],
        [31.28, 30.08],
        [31.22, 30.08],
        [31.22, 30.02],
      ],
    ],
  ],
};

describe("what a map is asked for", () => {
  const asked = view({
    bounds: [31.24, 30.04, 31.34, 30.14],
    ...{ states: ["available", "offered"], category: "economy", zoneId: zone.id, tripStatuses: ["pending"] },
  });
  const fits = { lat: 30.05, lng: 31.25, state: "available", category: "economy" } as const;
  const shown = driver(fits);
  /** Each is kept out by one filter alone. */
  const drivers = {
    place: driver({ ...fits, lat: 30.03 }),
    state: driver({ ...fits, state: "on_trip" }),
    category: driver({ ...fits, category: "comfort" }),
    zone: driver({ ...fits, lng: 31.3 }),
  } satisfies Record<keyof MapFilters["drivers"], LiveDriver>;
  const [here, there] = [
    { lat: 30.05, lng: 31.25 },
    { lat: 30.03, lng: 31.23 },
  ];
  const shownTrip = trip({ pickup: there, destination: here, zoneId: zone.id });
  const trips = {
    place: trip({ pickup: there, destination: there, zoneId: zone.id }),
    status: trip({ pickup: here, destination: here, zoneId: zone.id, status: "ongoing" }),
    zone: trip({ pickup: here, destination: here, zoneId: newId() }),
  } satisfies Record<keyof MapFilters["trips"], LiveTrip>;
  const { model } = modelOf([shown, ...Object.values(drivers)], [shownTrip, ...Object.values(trips)]);
  const look = (filters?: MapFilters) => {
    const frames = new FleetView(asked, zone, filters).frames(model);
    return {
      drivers: [...seen(frames).keys()],
      trips: frames.flatMap((frame) => frame.trips.map(({ id }) => id)),
    };
  };

  test("alone is shown: of the place, the states, the category and the zone", () => {
    expect(look()).toEqual({ drivers: [shown.id], trips: [shownTrip.id] });
  });

  test.each(Object.keys(drivers) as (keyof typeof drivers)[])(
    "mutation: without the drivers' filter by %s one more is shown",
    (name) => {
      const broken = { ...MAP_FILTERS, drivers: { ...MAP_FILTERS.drivers, [name]: () => true } };
      expect(look(broken).drivers.toSorted()).toEqual([shown.id, drivers[name].id].toSorted());
    },
  );

  test.each(Object.keys(trips) as (keyof typeof trips)[])(
    "mutation: without the trips' filter by %s one more is shown",
    (name) => {
      const broken = { ...MAP_FILTERS, trips: { ...MAP_FILTERS.trips, [name]: () => true } };
      expect(look(broken).trips.toSorted()).toEqual([shownTrip.id, trips[name].id].toSorted());
    },
  );

  test("the selected driver and trip are shown whatever is asked for", () => {
    const chosen = { ...asked, driverId: drivers.category.id, tripId: trips.status.id };
    const frames = new FleetView(chosen, zone).frames(model);
    expect([...seen(frames).keys()].toSorted()).toEqual([shown.id, drivers.category.id].toSorted());
    expect(frames[0]?.trips.map(({ id }) => id).toSorted()).toEqual([shownTrip.id, trips.status.id].toSorted());
  });
});

describe("more than 2,000", () => {
  const drivers = fleet(5000);
  test("come as clusters that stand for each of them once, by state", () => {
    const frames = new FleetView(view(), null).frames(modelOf(drivers).model);
    const clusters = frames[0]?.clusters ?? [];
    expect(seen(frames).size).toBe(0);
    expect(clusters.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
    for (const state of STATES)
      expect(clusters.reduce((sum, { states }) => sum + (states[state] ?? 0), 0)).toBe(
        drivers.filter((one) => one.state === state).length,
      );
    expect(frames[0]?.counts).toEqual(
      Object.fromEntries(
        STATES.map((state) => [state, drivers.filter((one) => one.state === state).length]).filter(([, n]) => n !== 0),
      ),
    );
  });

  test("the selected one comes singly all the same", () => {
    const [chosen] = drivers;
    const known = seen(new FleetView(view({ driverId: chosen?.id ?? "" }), null).frames(modelOf(drivers).model));
    expect([...known.keys()]).toEqual([chosen?.id]);
  });

  test("zoomed in to fewer, they are singles; and back", () => {
    const close = new FleetView(view({ zoom: 14, bounds: [31.2, 30, 31.24, 30.04] }), null).frames(
      modelOf(drivers).model,
    );
    expect(close[0]?.clusters).toEqual([]);
    expect(seen(close).size).toBe(drivers.filter(({ lat, lng }) => lat <= 30.04 && lng <= 31.24).length);
  });

  test("the same drivers make the same clusters, whatever else is looked at beside them", () => {
    const some = drivers.slice(0, 300).map((one) => ({ driver: one }));
    const here = clusterDrivers(some, { zoom: 11, bounds: [31.2, 30, 31.4, 30.2] });
    const shifted = clusterDrivers(some, { zoom: 11.4, bounds: [31.15, 29.95, 31.41, 30.21] });
    expect(shifted).toEqual(here);
  });
});

describe("a frame", () => {
  const sizes = (frames: readonly FleetFrame[]) => frames.map((frame) => Buffer.byteLength(JSON.stringify(frame)));
  test.each<[string, readonly LiveDriver[], Partial<MapView>]>([
    ["2,000 drivers with very long names", fleet(MAX_SINGLES, { name: "ن".repeat(255) }), {}],
    ["50,000 drivers at one spot", fleet(50_000, { lat: 30, lng: 31 }), {}],
    [
      "50,000 drivers over the whole world, seen whole",
      Array.from({ length: 50_000 }, () => driver({ lat: random() * 170 - 85, lng: random() * 360 - 180 })),
      { zoom: 22 },
    ],
    [
      "the same, by a view that reaches around the world",
      Array.from({ length: 50_000 }, () => driver({ lat: random() * 170 - 85, lng: random() * 360 - 180 })),
      { zoom: 22, bounds: [10, -90, 9.9, 90] },
    ],
  ])("is at most 100 KiB: %s", (_, drivers, wish) => {
    const { model, next, move, change } = modelOf(
      drivers,
      Array.from({ length: 400 }, () => trip()),
    );
    const map = new FleetView(view(wish), null);
    expect(Math.max(...sizes(map.frames(model)))).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    for (const { id, lat } of drivers) {
      move(id, lat + 0.001);
      change(id, { state: "on_trip" });
    }
    next();
    expect(Math.max(...sizes(map.frames(model)))).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  });

  test("mutation: one frame for all of them would be many times that", () => {
    const drivers = fleet(MAX_SINGLES);
    expect(Buffer.byteLength(JSON.stringify(drivers))).toBeGreaterThan(4 * MAX_FRAME_BYTES);
  });

  test("of several the last says so, and the first alone begins anew", () => {
    const frames = new FleetView(view(), null).frames(modelOf(fleet(MAX_SINGLES)).model);
    expect(frames.length).toBeGreaterThan(3);
    expect(frames.map(({ whole, last }) => [whole, last])).toEqual(
      frames.map((_, i) => [i === 0, i === frames.length - 1]),
    );
  });

  test("one driver in and out at 2,000 does not tell them all anew", () => {
    const extra = driver({ lat: 30.05 });
    const { model, next, move } = modelOf([...fleet(MAX_SINGLES, { lat: 30.05 }), extra]);
    const map = new FleetView(view({ bounds: [31, 30, 32, 30.1] }), null);
    expect(map.frames(model)[0]?.clusters).not.toEqual([]);
    for (let n = 0; n < 4; n++) {
      move(extra.id, n % 2 === 0 ? 30.5 : 30.05);
      next();
      expect(map.frames(model).reduce((sum, { drivers }) => sum + drivers.length, 0)).toBe(0);
    }
  });

  test("of trips holds the newest in view, and the chosen one and its driver's wherever they are", () => {
    const [far, chosen, drivers] = [
      trip({ pickup: { lat: 10, lng: 10 }, destination: { lat: 10, lng: 10 } }),
      newId(),
      newId(),
    ];
    const own = trip({ pickup: { lat: 10, lng: 10 }, destination: { lat: 10, lng: 10 }, driverId: drivers });
    const map = new FleetView(view({ bounds: [31, 30, 32, 31], tripId: far.id, driverId: drivers }), null);
    const [frame] = map.frames(
      modelOf(
        [],
        [trip({ id: chosen }), trip({ pickup: { lat: 9, lng: 9 }, destination: { lat: 9, lng: 9 } }), far, own],
      ).model,
    );
    expect(frame?.trips.map(({ id }) => id).toSorted()).toEqual([chosen, far.id, own.id].toSorted());
  });
});
