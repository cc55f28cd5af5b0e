import type { DriverMapState, LiveDriver, LiveTrip, ZoneOutline } from "#server/contracts/console.ts";
import {
  type DriverMove,
  type FleetFrame,
  MAX_FRAME_BYTES,
  MAX_SINGLES,
  type MapView,
} from "#server/contracts/fleet.ts";
import { clusterDrivers } from "#server/domain/ops/driver-clusters.ts";
import { MAP_FILTERS, type MapFilters } from "#server/domain/ops/map-filters.ts";

/** Live trips shown at once, the newest; all of them are in the Trips room. */
const MAX_TRIPS = 300;
/** What is around a frame's items: its names, braces, time. */
const FRAME_OVERHEAD_BYTES = 2048;

/** A driver as the model has them: `facts` and `moved` are the rounds in which who they are, and where, last changed. */
export interface FleetDriver {
  readonly driver: LiveDriver;
  readonly facts: number;
  readonly moved: number;
}

/** All there is, as of one round. */
export interface FleetModel {
  readonly round: number;
  readonly at: string;
  readonly drivers: ReadonlyMap<string, FleetDriver>;
  readonly trips: ReadonlyMap<string, { readonly trip: LiveTrip; readonly changed: number }>;
}

const sizeOf = (item: unknown): number => Buffer.byteLength(JSON.stringify(item)) + 1;

type Parts = {
  -readonly [K in "drivers" | "moves" | "trips" | "goneDrivers" | "goneTrips"]: FleetFrame[K][number][];
};
const noParts = (): Parts => ({ drivers: [], moves: [], trips: [], goneDrivers: [], goneTrips: [] });

/** A small thing that is told whole, and only when it is another. */
class Told {
  #text = "";

  ifNew<T>(value: T): T | null {
    const text = JSON.stringify(value);
    if (text === this.#text) return null;
    this.#text = text;
    return value;
  }
}

/**
 * What one map has been told of the fleet, and the frames that tell it the rest. One walk over all drivers a second and
 * map: 50,000 are a few milliseconds, and no index has to be kept in step.
 */
export class FleetView {
  readonly #view: MapView;
  readonly #zone: ZoneOutline | null;
  readonly #driverFilters: readonly MapFilters["drivers"][keyof MapFilters["drivers"]][];
  readonly #tripFilters: readonly MapFilters["trips"][keyof MapFilters["trips"]][];
  readonly #drivers = new Map<string, number>();
  readonly #trips = new Map<string, number>();
  #round = -1;
  #crowded = false;
  readonly #clusters = new Told();
  readonly #counts = new Told();
  readonly #categories = new Told();

  /** `zone`: of `view.zoneId`; null with one means that there is no such zone, and so nothing to see. */
  constructor(view: MapView, zone: ZoneOutline | null, filters: MapFilters = MAP_FILTERS) {
    this.#view = view;
    this.#zone = zone;
    this.#driverFilters = Object.values(filters.drivers);
    this.#tripFilters = Object.values(filters.trips);
  }

  /** None when nothing that this map shows has changed. */
  frames(model: FleetModel): FleetFrame[] {
    const whole = this.#round < 0;
    const { singles, clusters, counts, categories } = this.#look(model);
    const parts = noParts();
    for (const [id, { driver, facts, moved }] of singles) {
      if ((this.#drivers.get(id) ?? -1) < facts) parts.drivers.push(driver);
      else if (moved > this.#round) parts.moves.push(toMove(driver));
      // What changed since the round ended may change again before the next does.
      this.#drivers.set(id, Math.min(facts, model.round));
    }
    for (const id of this.#drivers.keys()) if (!singles.has(id)) parts.goneDrivers.push(id);
    for (const id of parts.goneDrivers) this.#drivers.delete(id);
    this.#lookAtTrips(model, parts);
    this.#round = model.round;
    const once = {
      clusters: this.#clusters.ifNew(clusters),
      counts: this.#counts.ifNew(counts),
      categories: this.#categories.ifNew(categories),
    };
    return this.#pack(model.at, parts, once, whole);
  }

  #look(model: FleetModel) {
    const seen: FleetDriver[] = [];
    const counts: Partial<Record<DriverMapState, number>> = {};
    const codes = new Set<string>();
    for (const one of model.drivers.values()) {
      if (one.driver.category !== null) codes.add(one.driver.category);
      if (!this.#shows(one.driver)) continue;
      seen.push(one);
      counts[one.driver.state] = (counts[one.driver.state] ?? 0) + 1;
    }
    // Once clustered, singles come back when there are clearly fewer: one car in and out must not tell 2,000 anew.
    const crowded = seen.length > (this.#crowded ? MAX_SINGLES * 0.9 : MAX_SINGLES);
    this.#crowded = crowded;
    const singles = new Map((crowded ? [] : seen).map((one) => [one.driver.id, one]));
    const clusters = crowded ? clusterDrivers(seen, this.#view) : [];
    const selected = this.#view.driverId === undefined ? undefined : model.drivers.get(this.#view.driverId);
    if (selected !== undefined) singles.set(selected.driver.id, selected);
    return { singles, clusters, counts, categories: [...codes].sort() };
  }

  #shows(driver: LiveDriver): boolean {
    for (const passes of this.#driverFilters) if (!passes(driver, this.#view, this.#zone)) return false;
    return true;
  }

  #lookAtTrips({ trips, round }: FleetModel, parts: Parts): void {
    const { tripId, driverId } = this.#view;
    const chosen = ({ id, driverId: driver }: LiveTrip) => id === tripId || (driver !== null && driver === driverId);
    const shown = new Map<string, number>();
    for (const [id, { trip, changed }] of trips) {
      const isWanted =
        shown.size < MAX_TRIPS && this.#tripFilters.every((passes) => passes(trip, this.#view, this.#zone));
      if (!isWanted && !chosen(trip)) continue;
      shown.set(id, changed);
      if ((this.#trips.get(id) ?? -1) < changed) parts.trips.push(trip);
      this.#trips.set(id, Math.min(changed, round));
    }
    for (const id of this.#trips.keys()) if (!shown.has(id)) parts.goneTrips.push(id);
    for (const id of parts.goneTrips) this.#trips.delete(id);
  }

  /** As many frames as it takes, each within its size. */
  #pack(
    at: string,
    parts: Parts,
    once: Pick<FleetFrame, "clusters" | "counts" | "categories">,
    whole: boolean,
  ): FleetFrame[] {
    const frames: FleetFrame[] = [];
    let filling = noParts();
    let left = MAX_FRAME_BYTES - FRAME_OVERHEAD_BYTES - sizeOf(once);
    const close = () => {
      const isFirst = frames.length === 0;
      const extras = isFirst ? once : { clusters: null, counts: null, categories: null };
      frames.push({ at, whole: whole && isFirst, last: false, ...filling, ...extras });
      filling = noParts();
      left = MAX_FRAME_BYTES - FRAME_OVERHEAD_BYTES;
    };
    for (const name of ["goneDrivers", "goneTrips", "trips", "drivers", "moves"] as const) {
      for (const item of parts[name]) {
        const size = sizeOf(item);
        if (size > left) close();
        left -= size;
        (filling[name] as unknown[]).push(item);
      }
    }
    const isEmpty = Object.values(filling).every((items) => items.length === 0);
    const saysSomething = once.clusters !== null || once.counts !== null || once.categories !== null;
    if (!isEmpty || (frames.length === 0 && (whole || saysSomething))) close();
    return frames.map((frame, i) => (i === frames.length - 1 ? { ...frame, last: true } : frame));
  }
}

const toMove = ({ id, lat, lng, heading, speed, updatedAt }: LiveDriver): DriverMove => [
  id,
  lat,
  lng,
  heading,
  speed,
  updatedAt,
];
