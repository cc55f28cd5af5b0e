import { EventEmitter, on } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import type { LiveDriver, LiveTrip } from "#server/contracts/console.ts";
import type { FleetFrame, MapView } from "#server/contracts/fleet.ts";
import { positionsSchema, topics, tripIdsSchema } from "#server/contracts/realtime.ts";
import * as index from "#server/domain/matching/driver-index-store.ts";
import { type FleetDriver, type FleetModel, FleetView } from "#server/domain/ops/fleet-view.ts";
import { readDriverPage, readDrivers, readTrips, readZones, STALE_MS } from "#server/domain/ops/live-map-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";
import { Turns } from "#server/platform/turns.ts";

const FRAME_MS = 1000;
/** What changed in the database is asked for this often, in case its news was lost. */
const CATCH_UP_MS = 15_000;
/** All is read again this often: whatever no version tells is put right. */
const RESYNC_MS = 5 * 60_000;
/** Drivers read at once: the others' requests have their turn in between. */
const PAGE = 2000;
/** Versions may be committed after higher ones. */
const OVERLAP_VERSIONS = 500;

/**
 * The fleet as maps show it, kept once per process while someone watches: news from the bus marks what changed, and once a
 * second each map is told what of it is in its view. Positions come with the news; states are read from the database, for
 * the changed ids only.
 */
export class LiveMap {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #rounds = new EventEmitter().setMaxListeners(0);
  readonly #turns = new Turns();
  readonly #drivers = new Map<string, FleetDriver>();
  readonly #trips = new Map<string, { readonly trip: LiveTrip; readonly changed: number }>();
  readonly #dirtyDrivers = new Set<string>();
  readonly #dirtyTrips = new Set<string>();
  #round = 0;
  #watchers = 0;
  #stop: (() => void) | null = null;
  #loaded: Promise<void> | null = null;
  #syncedAtMs = 0;
  #caughtUpAtMs = 0;
  #version = 0;

  constructor(options: { db: Database; bus: EventBus; clock: Clock; logger: Logger }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** What is in view first, in as many frames as it takes, then what changed, at most once a second. */
  async *watch(view: MapView, signal: AbortSignal): AsyncGenerator<FleetFrame> {
    this.#watchers++;
    if (this.#watchers === 1) this.#start();
    // Before the first await: a round that ends meanwhile must not be missed.
    const rounds = on(this.#rounds, "round", { signal });
    try {
      await this.#loaded;
      const map = new FleetView(view, await this.#zoneOf(view));
      await this.#turns.next();
      let told = this.#round;
      yield* map.frames(this.#model());
      for await (const _ of rounds) {
        // Who is slow to take frames has rounds waiting: the newest tells all of them.
        if (told === this.#round) continue;
        await this.#turns.next();
        told = this.#round;
        yield* map.frames(this.#model());
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#watchers--;
      if (this.#watchers === 0) this.#end();
    }
  }

  async #zoneOf({ zoneId }: MapView) {
    if (zoneId === undefined) return null;
    return (await readZones(this.#db.pool)).find((zone) => zone.id === zoneId) ?? null;
  }

  #model(): FleetModel {
    return { round: this.#round, at: this.#clock.now().toISOString(), drivers: this.#drivers, trips: this.#trips };
  }

  #start(): void {
    const leave = [
      this.#bus.subscribe(topics.locations, ({ data }) => this.#onMoved(data)),
      this.#bus.subscribe(topics.drivers, ({ data }) => mark(this.#dirtyDrivers, data)),
      this.#bus.subscribe(topics.trips, ({ data }) => mark(this.#dirtyTrips, data)),
    ];
    this.#loaded = this.#resync().then(() => {
      this.#round++;
    });
    this.#loaded.catch(() => undefined);
    let ticking = false;
    const timer = setInterval(async () => {
      if (ticking) return;
      ticking = true;
      await this.#tick().catch((error: Error) => this.#logger.warn({ err: error }, "map frame skipped"));
      ticking = false;
    }, FRAME_MS);
    this.#stop = () => {
      clearInterval(timer);
      for (const go of leave) go();
    };
  }

  #end(): void {
    this.#stop?.();
    this.#stop = null;
    this.#loaded = null;
    this.#drivers.clear();
    this.#trips.clear();
  }

  #onMoved(data: unknown): void {
    const parsed = positionsSchema.safeParse(data);
    if (!parsed.success) return;
    const moved = this.#round + 1;
    for (const { id, lat, lng, heading, speed, at } of parsed.data.drivers) {
      const known = this.#drivers.get(id);
      if (known === undefined) {
        this.#dirtyDrivers.add(id);
        continue;
      }
      if (known.driver.state === "stale") this.#dirtyDrivers.add(id);
      const driver = { ...known.driver, lat, lng, heading, speed, updatedAt: at };
      this.#drivers.set(id, { driver, facts: known.facts, moved });
    }
  }

  async #tick(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#syncedAtMs > RESYNC_MS) await this.#resync();
    else {
      if (nowMs - this.#caughtUpAtMs > CATCH_UP_MS) await this.#catchUp();
      await this.#readTrips();
      await this.#readDrivers();
    }
    const now = this.#clock.now().getTime();
    for (const { driver } of this.#drivers.values()) {
      const aged = withAge(driver, now);
      if (aged !== driver) this.#put(driver, now);
    }
    this.#round++;
    this.#rounds.emit("round");
  }

  async #readTrips(): Promise<void> {
    const tripIds = [...this.#dirtyTrips];
    this.#dirtyTrips.clear();
    if (tripIds.length === 0) return;
    const trips = await readTrips(this.#db.pool, tripIds);
    // A trip's change is its driver's change too, on trip or free again: whose it was, and whose it is.
    for (const id of tripIds) this.#dirtyDrivers.add(this.#trips.get(id)?.trip.driverId ?? "");
    for (const trip of trips) this.#dirtyDrivers.add(trip.driverId ?? "");
    this.#dirtyDrivers.delete("");
    const live = new Set(trips.map((trip) => trip.id));
    for (const trip of trips) this.#trips.set(trip.id, { trip, changed: this.#round + 1 });
    for (const id of tripIds) if (!live.has(id)) this.#trips.delete(id);
  }

  async #readDrivers(): Promise<void> {
    const ids = [...this.#dirtyDrivers];
    this.#dirtyDrivers.clear();
    const now = this.#clock.now().getTime();
    for (let from = 0; from < ids.length; from += PAGE) {
      const some = ids.slice(from, from + PAGE);
      const found = new Map(shown(await readDrivers(this.#db.pool, some)).map((driver) => [driver.id, driver]));
      for (const id of some) {
        const driver = found.get(id);
        if (driver === undefined) this.#drivers.delete(id);
        else this.#put(driver, now);
      }
    }
  }

  /** Takes what was read, with the newer of both positions; who and what they are counts as changed only if it is. */
  #put(read: LiveDriver, now: number): void {
    const known = this.#drivers.get(read.id);
    const driver = withAge(keepNewerPosition(read, known?.driver), now);
    const same = known !== undefined && factsOf(known.driver) === factsOf(driver);
    const still = known !== undefined && known.driver.lat === driver.lat && known.driver.lng === driver.lng;
    const next = this.#round + 1;
    this.#drivers.set(driver.id, {
      driver,
      facts: same ? known.facts : next,
      moved: still && known.driver.updatedAt === driver.updatedAt ? known.moved : next,
    });
  }

  async #catchUp(): Promise<void> {
    this.#caughtUpAtMs = this.#clock.monotonicMs();
    const changed = await index.readChanged(this.#db.pool, this.#version - OVERLAP_VERSIONS, 10 * PAGE);
    for (const { driverId } of changed) this.#dirtyDrivers.add(driverId);
    this.#version = changed.at(-1)?.version ?? this.#version;
    const trips = await readTrips(this.#db.pool, null);
    const live = new Map(trips.map((trip) => [trip.id, trip]));
    for (const id of new Set([...this.#trips.keys(), ...live.keys()])) {
      const known = this.#trips.get(id)?.trip;
      const now = live.get(id);
      if (known?.status !== now?.status || known?.driverId !== now?.driverId) this.#dirtyTrips.add(id);
    }
  }

  /** Reads everything, a page at a time, and forgets who is not among it. */
  async #resync(): Promise<void> {
    const round = this.#round;
    this.#syncedAtMs = this.#clock.monotonicMs();
    this.#caughtUpAtMs = this.#syncedAtMs;
    this.#dirtyDrivers.clear();
    this.#dirtyTrips.clear();
    this.#version = await index.lastVersion(this.#db.pool);
    const seen = new Set<string>();
    for (let after: string | null = null; ; ) {
      const page: readonly LiveDriver[] = await readDriverPage(this.#db.pool, after, PAGE);
      const now = this.#clock.now().getTime();
      for (const driver of shown(page)) {
        seen.add(driver.id);
        this.#put(driver, now);
      }
      after = page.at(-1)?.id ?? null;
      if (page.length < PAGE) break;
      await turn();
    }
    for (const [id, { facts }] of this.#drivers) if (!seen.has(id) && facts <= round) this.#drivers.delete(id);
    const trips = await readTrips(this.#db.pool, null);
    const live = new Set(trips.map((trip) => trip.id));
    for (const id of this.#trips.keys()) if (!live.has(id)) this.#trips.delete(id);
    for (const trip of trips) {
      const known = this.#trips.get(trip.id);
      if (JSON.stringify(known?.trip) !== JSON.stringify(trip)) this.#trips.set(trip.id, { trip, changed: round + 1 });
    }
  }
}

const shown = (drivers: readonly LiveDriver[]): LiveDriver[] => drivers.filter((driver) => driver.state !== "offline");

/** All of a driver that is not where they are. */
const factsOf = ({ name, phone, plate, category, state, tripId }: LiveDriver): string =>
  `${state}|${tripId}|${category}|${plate}|${phone}|${name}`;

function mark(dirty: Set<string>, data: unknown): void {
  const parsed = tripIdsSchema.safeParse(data);
  if (parsed.success) for (const id of parsed.data.ids) dirty.add(id);
}

/** An idle driver not heard of for 30 s is stale: where they are is a guess. */
function withAge(driver: LiveDriver, now: number): LiveDriver {
  const idle = driver.state === "available" || driver.state === "offered";
  return idle && now - Date.parse(driver.updatedAt) > STALE_MS ? { ...driver, state: "stale" } : driver;
}

/** The database is written in batches: what came over the bus may be newer. */
function keepNewerPosition(read: LiveDriver, known: LiveDriver | undefined): LiveDriver {
  if (known === undefined || known.updatedAt <= read.updatedAt) return read;
  const { lat, lng, heading, speed, updatedAt } = known;
  return { ...read, lat, lng, heading, speed, updatedAt };
}
