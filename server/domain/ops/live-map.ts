import { EventEmitter, on } from "node:events";
import type { LiveDriver, LiveTrip, MapFrame } from "#server/contracts/console.ts";
import { positionsSchema, topics, tripIdsSchema } from "#server/contracts/realtime.ts";
import { readDrivers, readTrips, STALE_MS } from "#server/domain/ops/live-map-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";

const FRAME_MS = 1000;
/** All is read again this often: whatever news was lost is put right. */
const RESYNC_MS = 15_000;

/**
 * What the map shows, kept once per process while someone watches: news from the bus marks what changed, one frame a
 * second tells the watchers. Positions come with the news; states are read from the database, for the changed ids only.
 */
export class LiveMap {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #frames = new EventEmitter().setMaxListeners(0);
  readonly #drivers = new Map<string, LiveDriver>();
  readonly #trips = new Map<string, LiveTrip>();
  readonly #dirtyDrivers = new Set<string>();
  readonly #dirtyTrips = new Set<string>();
  readonly #moved = new Set<string>();
  #watchers = 0;
  #stop: (() => void) | null = null;
  #loaded: Promise<void> | null = null;
  #syncedAt = 0;

  constructor(options: { db: Database; bus: EventBus; clock: Clock; logger: Logger }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** Everything, now. */
  async snapshot(): Promise<MapFrame> {
    if (this.#watchers > 0 && this.#loaded !== null) {
      await this.#loaded;
      return this.#whole();
    }
    const [drivers, trips] = await Promise.all([readDrivers(this.#db.pool, null), readTrips(this.#db.pool, null)]);
    const now = this.#clock.now();
    return {
      at: now.toISOString(),
      drivers: shown(drivers).map((d) => withAge(d, now.getTime())),
      trips,
      goneDrivers: [],
      goneTrips: [],
    };
  }

  /** The whole map first, then what changed, at most once a second. */
  async *watch(signal: AbortSignal): AsyncGenerator<MapFrame> {
    this.#watchers++;
    if (this.#watchers === 1) this.#start();
    // Before the first await: a frame made meanwhile must not be missed.
    const frames = on(this.#frames, "frame", { signal });
    try {
      await this.#loaded;
      yield this.#whole();
      for await (const [frame] of frames) yield frame as MapFrame;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#watchers--;
      if (this.#watchers === 0) this.#end();
    }
  }

  #start(): void {
    const leave = [
      this.#bus.subscribe(topics.locations, ({ data }) => this.#onMoved(data)),
      this.#bus.subscribe(topics.drivers, ({ data }) => mark(this.#dirtyDrivers, data)),
      this.#bus.subscribe(topics.trips, ({ data }) => mark(this.#dirtyTrips, data)),
    ];
    this.#loaded = this.#resync().then(() => undefined);
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

  #whole(): MapFrame {
    return {
      at: this.#clock.now().toISOString(),
      drivers: [...this.#drivers.values()],
      trips: [...this.#trips.values()],
      goneDrivers: [],
      goneTrips: [],
    };
  }

  #onMoved(data: unknown): void {
    const parsed = positionsSchema.safeParse(data);
    if (!parsed.success) return;
    for (const at of parsed.data.drivers) {
      const known = this.#drivers.get(at.id);
      if (known === undefined) {
        this.#dirtyDrivers.add(at.id);
        continue;
      }
      const state = known.state === "stale" ? "available" : known.state;
      if (known.state === "stale") this.#dirtyDrivers.add(at.id);
      this.#drivers.set(at.id, {
        ...known,
        lat: at.lat,
        lng: at.lng,
        heading: at.heading,
        speed: at.speed,
        state,
        updatedAt: at.at,
      });
      this.#moved.add(at.id);
    }
  }

  async #tick(): Promise<void> {
    const now = this.#clock.now().getTime();
    if (now - this.#syncedAt > RESYNC_MS) return this.#emit(await this.#resync());
    const dirtyDrivers = new Set(this.#dirtyDrivers);
    const tripIds = [...this.#dirtyTrips];
    this.#dirtyDrivers.clear();
    this.#dirtyTrips.clear();
    const changed = new Set(this.#moved);
    this.#moved.clear();
    const trips = tripIds.length === 0 ? [] : await readTrips(this.#db.pool, tripIds);
    // A trip's change is its driver's change too, on trip or free again: whose it was, and whose it is.
    for (const id of tripIds) dirtyDrivers.add(this.#trips.get(id)?.driverId ?? "");
    for (const trip of trips) dirtyDrivers.add(trip.driverId ?? "");
    dirtyDrivers.delete("");
    const driverIds = [...dirtyDrivers];
    const gone: { drivers: string[]; trips: string[] } = { drivers: [], trips: [] };
    if (driverIds.length > 0) {
      const found = new Map(shown(await readDrivers(this.#db.pool, driverIds)).map((d) => [d.id, withAge(d, now)]));
      for (const id of driverIds) {
        const driver = found.get(id);
        if (driver !== undefined) {
          this.#drivers.set(id, keepNewerPosition(driver, this.#drivers.get(id)));
          changed.add(id);
        } else if (this.#drivers.delete(id)) gone.drivers.push(id);
      }
    }
    for (const driver of this.#drivers.values()) {
      const aged = withAge(driver, now);
      if (aged.state === driver.state) continue;
      this.#drivers.set(driver.id, aged);
      changed.add(driver.id);
    }
    for (const trip of trips) this.#trips.set(trip.id, trip);
    const live = new Set(trips.map((trip) => trip.id));
    for (const id of tripIds) if (!live.has(id) && this.#trips.delete(id)) gone.trips.push(id);
    const drivers = [...changed].map((id) => this.#drivers.get(id)).filter((d) => d !== undefined);
    this.#emit({ at: new Date(now).toISOString(), drivers, trips, goneDrivers: gone.drivers, goneTrips: gone.trips });
  }

  /** Reads everything and tells what differs from what was thought. */
  async #resync(): Promise<MapFrame> {
    const now = this.#clock.now().getTime();
    this.#syncedAt = now;
    this.#dirtyDrivers.clear();
    this.#dirtyTrips.clear();
    const [allDrivers, allTrips] = await Promise.all([
      readDrivers(this.#db.pool, null),
      readTrips(this.#db.pool, null),
    ]);
    const drivers = shown(allDrivers).map((d) => keepNewerPosition(withAge(d, now), this.#drivers.get(d.id)));
    const goneDrivers = replaceAll(this.#drivers, drivers);
    const goneTrips = replaceAll(this.#trips, allTrips);
    return { at: new Date(now).toISOString(), drivers, trips: allTrips, goneDrivers, goneTrips };
  }

  #emit(frame: MapFrame): void {
    this.#frames.emit("frame", frame);
  }
}

const shown = (drivers: readonly LiveDriver[]): LiveDriver[] => drivers.filter((driver) => driver.state !== "offline");

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
  return {
    ...read,
    lat: known.lat,
    lng: known.lng,
    heading: known.heading,
    speed: known.speed,
    updatedAt: known.updatedAt,
  };
}

function replaceAll<T extends { readonly id: string }>(map: Map<string, T>, items: readonly T[]): string[] {
  const present = new Set(items.map((item) => item.id));
  const gone = [...map.keys()].filter((id) => !present.has(id));
  for (const id of gone) map.delete(id);
  for (const item of items) map.set(item.id, item);
  return gone;
}
