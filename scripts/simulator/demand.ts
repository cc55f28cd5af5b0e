import { between } from "#scripts/simulator/city.ts";
import type { Random } from "#scripts/simulator/road-walker.ts";

/** Milliseconds between two requests in a city that is not yet busy. */
const INTERVAL_MS = { from: 5000, to: 8000 };
/** From this many trips under way on, people ask less often, the more the fewer: it settles at about 25… */
const BUSY_FROM = 12;
/** …until nobody asks at this many. Rides last minutes, so the interval alone would put every driver on a trip. */
const FULL_AT = 32;

/** When the next rider asks: keeps the city lively without flooding it. */
export class Demand {
  readonly #random: Random;
  #nextAt: number | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  /** True when somebody asks now. `underWay`: trips that wait, drive or ride. */
  due(now: number, underWay: number): boolean {
    this.#nextAt ??= now + between(0, INTERVAL_MS.from, this.#random);
    if (now < this.#nextAt || underWay >= FULL_AT) return false;
    const slack = Math.min(1, (FULL_AT - underWay) / (FULL_AT - BUSY_FROM));
    this.#nextAt = now + between(INTERVAL_MS.from, INTERVAL_MS.to, this.#random) / slack;
    return true;
  }
}
