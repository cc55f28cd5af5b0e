import type { MapDriver } from "./map-types.ts";

/** A driver as drawn at one instant. */
export type DrawnDriver = Pick<MapDriver, "id" | "name" | "lat" | "lng" | "heading" | "state">;

type Leg = { driver: MapDriver; fromLat: number; fromLng: number; fromHeading: number | null; startMs: number };

/** A farther hop than this (degrees, some 3 km) is a correction, not a drive: gliding across the city would be a lie. */
const TELEPORT_DEGREES = 0.03;

/**
 * Moves drivers from where they are drawn to where they were last reported. Positions come about once a second; a driver is drawn
 * gliding for that long, so the map trails the truth by one update and never guesses ahead of it. Pure: the clock is passed in.
 */
export class DriverMotion {
  readonly #glideMs: number;
  #legs = new Map<string, Leg>();
  #movingUntilMs = 0;

  /** `glideMs`: how long one update is spread over; 0 draws each position as it comes. */
  constructor(glideMs: number) {
    this.#glideMs = glideMs;
  }

  /** Takes the newest positions. A driver not among them is gone. */
  update(drivers: readonly MapDriver[], nowMs: number): void {
    const next = new Map<string, Leg>();
    for (const driver of drivers) {
      const before = this.#legs.get(driver.id);
      if (before && samePlace(before.driver, driver)) {
        next.set(driver.id, { ...before, driver });
        continue;
      }
      const from = before ? this.#at(before, nowMs) : driver;
      const glides =
        before !== undefined &&
        Math.abs(from.lat - driver.lat) < TELEPORT_DEGREES &&
        Math.abs(from.lng - driver.lng) < TELEPORT_DEGREES;
      const start = glides ? from : driver;
      if (glides) this.#movingUntilMs = nowMs + this.#glideMs;
      next.set(driver.id, {
        driver,
        fromLat: start.lat,
        fromLng: start.lng,
        fromHeading: start.heading ?? null,
        startMs: glides ? nowMs : Number.NEGATIVE_INFINITY,
      });
    }
    this.#legs = next;
  }

  /** Whether anyone is still gliding. */
  isMoving(nowMs: number): boolean {
    return nowMs < this.#movingUntilMs;
  }

  /** Everyone, where they are to be drawn. */
  frame(nowMs: number): DrawnDriver[] {
    return Array.from(this.#legs.values(), (leg) => this.#at(leg, nowMs));
  }

  #at({ driver, fromLat, fromLng, fromHeading, startMs }: Leg, nowMs: number): DrawnDriver {
    const share = this.#glideMs > 0 ? Math.min(1, Math.max(0, (nowMs - startMs) / this.#glideMs)) : 1;
    return {
      id: driver.id,
      name: driver.name,
      state: driver.state,
      lat: fromLat + (driver.lat - fromLat) * share,
      lng: fromLng + (driver.lng - fromLng) * share,
      // Turning in the first third of the glide looks like steering; turning all along it looks like drifting.
      heading: turn(fromHeading, driver.heading ?? null, Math.min(1, share * 3)),
    };
  }
}

/** The heading `share` of the way from one to the other, the short way round. */
export function turn(from: number | null, to: number | null, share: number): number | null {
  if (from === null || to === null) return to;
  const difference = ((to - from + 540) % 360) - 180;
  return (from + difference * share + 360) % 360;
}

function samePlace(a: MapDriver, b: MapDriver): boolean {
  return a.lat === b.lat && a.lng === b.lng && a.heading === b.heading;
}
