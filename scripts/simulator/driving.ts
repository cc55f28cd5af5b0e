import { between, type City } from "#scripts/simulator/city.ts";
import type { GeoPoint } from "#scripts/simulator/road-graph.ts";
import { type Random, RoadWalker, type WalkerPosition } from "#scripts/simulator/road-walker.ts";
import { haversineMeters } from "#server/platform/routing.ts";

/** Milliseconds between two position frames; the server takes one per 3 s. */
const FRAME_EVERY_MS = { from: 4000, to: 5000 };
/** Metres of a phone's GPS in streets. */
const ACCURACY_METRES = { from: 4, to: 14 };

/** A car on the streets: where it is, how far it has come, and when it says so. */
export class Driving {
  readonly #city: City;
  readonly #random: Random;
  readonly #pace: number;
  #walker: RoadWalker;
  #at: WalkerPosition;
  #metres = 0;
  #movedAt: number | null = null;
  #frameAt = 0;

  /** @param pace how many times faster than the streets' own speed the cars go */
  constructor(options: { city: City; random: Random; pace: number }) {
    this.#city = options.city;
    this.#random = options.random;
    this.#pace = options.pace;
    this.#walker = new RoadWalker(this.#city.graph, this.#city.somewhere(this.#random), this.#random);
    this.#at = this.#walker.position();
  }

  get arrived(): boolean {
    return this.#at.arrived;
  }

  get at(): GeoPoint {
    return this.#at;
  }

  /** Metres driven since `resetMetres`. */
  get metres(): number {
    return Math.round(this.#metres);
  }

  resetMetres(): void {
    this.#metres = 0;
  }

  goTo(to: GeoPoint): void {
    this.#walker.goTo(to);
    this.#at = this.#walker.position();
  }

  wander(): void {
    this.goTo(this.#city.somewhere(this.#random));
  }

  /** For a trip of an earlier run, whose car's place nobody remembers. */
  appearNear(point: GeoPoint): void {
    const stray = () => between(-0.006, 0.006, this.#random);
    this.#walker = new RoadWalker(
      this.#city.graph,
      { lat: point.lat + stray(), lng: point.lng + stray() },
      this.#random,
    );
    this.#at = this.#walker.position();
  }

  /** `now` in epoch milliseconds. */
  advance(now: number): void {
    const elapsed = this.#movedAt === null ? 0 : Math.min(10, Math.max(0, (now - this.#movedAt) / 1000));
    this.#movedAt = now;
    if (this.#at.arrived) return;
    const before = this.#at;
    this.#at = this.#walker.advance(elapsed * this.#pace);
    this.#metres += haversineMeters(before, this.#at);
  }

  /** A position frame when one is due, else null. */
  frame(now: number): object | null {
    if (now < this.#frameAt) return null;
    this.#frameAt = now + between(FRAME_EVERY_MS.from, FRAME_EVERY_MS.to, this.#random);
    const { lat, lng, headingDegrees, speedMps } = this.#at;
    const round = (value: number, digits: number) => Number(value.toFixed(digits));
    return {
      type: "location",
      lat: round(lat, 6),
      lng: round(lng, 6),
      heading: round(headingDegrees, 0) % 360,
      speed: round(speedMps * this.#pace, 1),
      accuracy: round(between(ACCURACY_METRES.from, ACCURACY_METRES.to, this.#random), 1),
    };
  }
}
