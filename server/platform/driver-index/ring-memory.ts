import type { Coordinates } from "#server/contracts/geo.ts";
import type { NearDriver } from "#server/platform/driver-index/driver-index.ts";

/** Metres of a first search where none was made before. */
const FIRST_METERS = 400;
const LEAST_METERS = 40;
/** Cells remembered; the ones learnt longest ago are forgotten first. */
const MAX_CELLS = 20_000;
/** Cells a degree: about a kilometre. */
const CELLS_PER_DEGREE = 100;
/** How much further than the last of those found one looks the next time: density changes within a cell. */
const SPARE = 1.3;

/** How far one had to look for enough drivers, by the place where one looked. */
export class RingMemory {
  readonly #meters = new Map<string, number>();

  startFor(categoryId: string, at: Coordinates): number {
    return this.#meters.get(cellOf(categoryId, at)) ?? FIRST_METERS;
  }

  learn(
    categoryId: string,
    at: Coordinates,
    search: { readonly found: readonly NearDriver[]; readonly limit: number; readonly radius: number },
  ): void {
    const last = search.found[search.limit - 1];
    // Too few in all: the whole way at once the next time, in halves back when there are more.
    const meters = last === undefined ? search.radius : Math.max(LEAST_METERS, last.distanceMeters * SPARE);
    const cell = cellOf(categoryId, at);
    this.#meters.delete(cell);
    this.#meters.set(cell, meters);
    if (this.#meters.size > MAX_CELLS) this.#meters.delete(this.#meters.keys().next().value ?? "");
  }

  /** The next radius, by how many the last one held: twice the area for half of what is wanted, at most four times as far. */
  static wider(radius: number, found: number, limit: number): number {
    const factor = found === 0 ? 4 : Math.sqrt((limit / found) * SPARE);
    return radius * Math.min(4, Math.max(SPARE, factor));
  }
}

const cellOf = (categoryId: string, at: Coordinates): string =>
  `${categoryId}:${Math.floor(at.lat * CELLS_PER_DEGREE)}:${Math.floor(at.lng * CELLS_PER_DEGREE)}`;
