import { randomUUID } from "node:crypto";
import { type Answer, isPassing, type Send } from "#scripts/simulator/api-client.ts";
import { categoryWanted, type Patience, patienceOf } from "#scripts/simulator/choices.ts";
import { between, type City } from "#scripts/simulator/city.ts";
import type { Random } from "#scripts/simulator/road-walker.ts";
import type { Tally } from "#scripts/simulator/tally.ts";
import type { Place } from "#server/contracts/geo.ts";
import type { Trip } from "#server/contracts/trips.ts";

/** Milliseconds between two looks at one's trip. */
const POLL_MS = { from: 3000, to: 5000 };
/** A request that cannot be placed for so long is given up. */
const GIVES_UP_AFTER_MS = 120_000;
/** A driver who has not started by then will not come: left over from another run, or lost. */
const LONGEST_WAIT_MS = 30 * 60_000;
const OPEN = "pending,accepted,arrived,ongoing";

type Errand =
  | { readonly kind: "none" }
  /** Asking for a trip: the same key until there is an answer, so that a retry never books twice. */
  | { readonly kind: "asking"; readonly key: string; readonly body: TripRequest; readonly since: number }
  | { readonly kind: "following"; readonly tripId: string; readonly since: number; readonly patience: Patience };

interface TripRequest {
  readonly pickup: Place;
  readonly destination: Place;
  readonly vehicleCategory: string;
  readonly paymentMethod: string;
}

/** A customer: asks for a trip when told to, follows it, tells the driver the code, sometimes leaves. */
export class Rider {
  readonly #send: Send;
  readonly #city: City;
  readonly #random: Random;
  readonly #tally: Tally;
  #errand: Errand = { kind: "none" };
  /** The last that was seen of the trip followed, and since when it has a driver. */
  #status: Trip["status"] | null = null;
  #acceptedAt: number | null = null;
  #nextAt = 0;
  #busy = false;
  /** Trips of an earlier run are looked for first. */
  #settled = false;

  constructor(options: { send: Send; city: City; random: Random; tally: Tally }) {
    this.#send = options.send;
    this.#city = options.city;
    this.#random = options.random;
    this.#tally = options.tally;
  }

  /** Ready to ask for a trip. */
  get free(): boolean {
    return this.#settled && this.#errand.kind === "none";
  }

  /** Of the trip under way; null when there is none. */
  get status(): Trip["status"] | "asking" | null {
    if (this.#errand.kind === "none") return null;
    return this.#errand.kind === "asking" ? "asking" : this.#status;
  }

  /** Decides on a trip; the next tick asks for it. */
  wantTrip(now: number): void {
    const body = {
      ...this.#city.ride(this.#random),
      vehicleCategory: categoryWanted(this.#random),
      paymentMethod: this.#random() < 0.75 ? "cash" : "card",
    };
    this.#errand = { kind: "asking", key: randomUUID(), body, since: now };
    this.#nextAt = now;
    this.#tally.count("requested");
  }

  /** One step, if one is due. `now` in epoch milliseconds. Resolves when the step's calls are answered. */
  async tick(now: number): Promise<void> {
    if (this.#busy || now < this.#nextAt) return;
    this.#busy = true;
    try {
      if (!this.#settled) await this.#lookForLeftovers(now);
      else if (this.#errand.kind === "asking") await this.#ask(this.#errand, now);
      else if (this.#errand.kind === "following") await this.#follow(this.#errand, now);
    } finally {
      this.#busy = false;
    }
  }

  async #lookForLeftovers(now: number): Promise<void> {
    const answer = await this.#send({ method: "GET", path: `/api/v1/trips?status=${OPEN}&limit=1` });
    if (!answer.ok) return this.#pause(answer, now);
    const [trip] = (answer.body as { items: Trip[] }).items;
    if (trip !== undefined) this.#startFollowing(trip, now, { kind: "stays" });
    this.#settled = true;
  }

  async #ask(errand: Errand & { kind: "asking" }, now: number): Promise<void> {
    const answer = await this.#send({
      method: "POST",
      path: "/api/v1/trips",
      body: errand.body,
      idempotencyKey: errand.key,
    });
    if (answer.ok) return this.#startFollowing(answer.body as Trip, now, patienceOf(this.#random));
    if ((isPassing(answer) || answer.status === 401) && now - errand.since < GIVES_UP_AFTER_MS) {
      this.#tally.count("retries");
      return this.#pause(answer, now);
    }
    this.#tally.count("refused");
    this.#tally.problem(answer.code);
    this.#errand = { kind: "none" };
  }

  #startFollowing(trip: Trip, now: number, patience: Patience): void {
    this.#errand = { kind: "following", tripId: trip.id, since: now, patience };
    this.#status = trip.status;
    this.#acceptedAt = null;
    this.#nextAt = now + between(POLL_MS.from, POLL_MS.to, this.#random) / 2;
  }

  async #follow(errand: Errand & { kind: "following" }, now: number): Promise<void> {
    const path = `/api/v1/trips/${errand.tripId}`;
    const leave = this.#wantsToLeave(errand, now);
    const answer = leave
      ? await this.#send({ method: "POST", path: `${path}/cancel`, body: { reason: leave } })
      : await this.#send({ method: "GET", path });
    if (answer.ok) this.#see(answer.body as Trip, now);
    else if (answer.status === 404) this.#forget();
    else if (answer.code === "INVALID_TRANSITION") {
      // Too late to leave: the ride has started or is over. Stays then.
      this.#errand = { ...errand, patience: { kind: "stays" }, since: now };
    } else this.#tally.problem(answer.code);
    this.#pause(answer, now);
  }

  /** The reason, or null. */
  #wantsToLeave(errand: Errand & { kind: "following" }, now: number): string | null {
    const { patience, since } = errand;
    if (this.#status === "pending" && patience.kind === "leaves-while-waiting" && now - since >= patience.afterMs)
      return "I don't need the ride any more";
    if (this.#status !== "accepted" && this.#status !== "arrived") return null;
    if (now - since >= LONGEST_WAIT_MS) return "The driver does not come";
    const waited = now - (this.#acceptedAt ?? now);
    return patience.kind === "leaves-after-acceptance" && waited >= patience.afterMs ? "I found another way" : null;
  }

  #see(trip: Trip, now: number): void {
    this.#status = trip.status;
    if (trip.driverId === null) this.#acceptedAt = null;
    else this.#acceptedAt ??= now;
    // Read from the app's screen and told to whoever drives: another driver has another code.
    if (trip.otp !== undefined) this.#city.codes.set(trip.id, trip.otp);
    if (trip.status === "completed" || trip.status === "cancelled" || trip.status === "expired") {
      this.#tally.count(trip.status);
      this.#forget();
    }
  }

  #forget(): void {
    if (this.#errand.kind === "following") this.#city.codes.delete(this.#errand.tripId);
    this.#errand = { kind: "none" };
    this.#status = null;
    this.#settled = false; // anything else of an earlier run?
  }

  #pause(answer: Answer, now: number): void {
    const wait = answer.ok || answer.status === 404 ? POLL_MS : { from: 1500, to: 4000 };
    this.#nextAt = now + (answer.retryAfterMs ?? 0) + between(wait.from, wait.to, this.#random);
  }
}
