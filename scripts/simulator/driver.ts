import { type Answer, isPassing, type Send } from "#scripts/simulator/api-client.ts";
import type { AppEvent, DriverLink } from "#scripts/simulator/app-socket.ts";
import { answerToOffer, misheard, type OfferAnswer } from "#scripts/simulator/choices.ts";
import { between, type City } from "#scripts/simulator/city.ts";
import type { Driving } from "#scripts/simulator/driving.ts";
import type { Random } from "#scripts/simulator/road-walker.ts";
import type { Tally } from "#scripts/simulator/tally.ts";
import type { Trip } from "#server/contracts/trips.ts";

/** Milliseconds. */
const SHIFT_MS = { from: 6 * 60_000, to: 40 * 60_000 };
const BREAK_MS = { from: 60_000, to: 4 * 60_000 };
const PARKED_MS = { from: 15_000, to: 90_000 };
/** Standing at the pickup until the rider is in the car, or has not come at all. */
const BOARDING_MS = { from: 8000, to: 25_000 };
const NO_SHOW_MS = 4 * 60_000;
/** Looks at the server's view of its trip so often though no event came: one may have been missed. */
const LOOK_MS = { from: 40_000, to: 70_000 };
const ACCEPT_TRIES = 3;
const WRONG_CODE_CHANCE = 0.08;
const LIVE = "accepted,arrived,ongoing";

type DriverTrip = Pick<Trip, "id" | "pickup" | "destination">;

interface Offer {
  readonly tripId: string;
  readonly version: number;
  readonly answer: OfferAnswer;
  readonly answerAt: number;
  /** Accepts sent that nobody answered. */
  readonly tries: number;
}

type Duty =
  | { readonly kind: "off"; readonly until: number }
  | { readonly kind: "free"; readonly shiftEnds: number; readonly parkedUntil: number | null }
  | { readonly kind: "to-pickup"; readonly trip: DriverTrip }
  | { readonly kind: "at-pickup"; readonly trip: DriverTrip; readonly since: number; readonly startAt: number }
  | { readonly kind: "riding"; readonly trip: DriverTrip; readonly fromStart: boolean };

/** A driver: cruises, answers offers, drives trips to their end, takes breaks. One call at a time, as one thumb does. */
export class Driver {
  readonly #send: Send;
  readonly #link: DriverLink;
  readonly #car: Driving;
  readonly #city: City;
  readonly #random: Random;
  readonly #tally: Tally;
  #duty: Duty;
  #offer: Offer | null = null;
  /** Not trusted until the server was asked: at the start, after a reconnection, after an answer that surprised. */
  #lookAt = 0;
  #pausedUntil = 0;
  #busy = false;

  constructor(options: {
    send: Send;
    link: DriverLink;
    car: Driving;
    city: City;
    random: Random;
    tally: Tally;
    /** Epoch milliseconds: starts to work not before. */
    startsAt: number;
  }) {
    this.#send = options.send;
    this.#link = options.link;
    this.#car = options.car;
    this.#city = options.city;
    this.#random = options.random;
    this.#tally = options.tally;
    this.#duty = { kind: "off", until: options.startsAt };
  }

  get duty(): Duty["kind"] {
    return this.#duty.kind;
  }

  /** Moves, tells where it is, and does what is due. `now` in epoch milliseconds. Resolves when its calls are answered. */
  async tick(now: number): Promise<void> {
    if (this.#duty.kind !== "off") {
      this.#car.advance(now);
      const frame = this.#link.ready ? this.#car.frame(now) : null;
      if (frame !== null) this.#link.send(frame);
    }
    if (this.#busy || now < this.#pausedUntil) return;
    this.#busy = true;
    try {
      if (now >= this.#lookAt) await this.#look(now);
      else await this.#do(now);
    } finally {
      this.#busy = false;
    }
  }

  /** Events may have been missed: ask the server at the next tick. */
  reconnected(): void {
    this.#lookAt = 0;
  }

  hear({ event, data }: AppEvent, now: number): void {
    const { tripId, trip } = data as { tripId?: string; trip?: Pick<Trip, "version"> };
    if (tripId === undefined) return;
    if (event === "offer.created" && trip !== undefined) this.#consider(tripId, trip.version, now);
    else if (event === "offer.ended" || event === "trip.taken") {
      // A phone in a pocket does not hear it, and answers all the same.
      if (this.#offer?.tripId === tripId && this.#offer.answer !== "too-late") this.#offer = null;
    } else if (event === "trip.cancelled" || event === "trip.released") {
      if ("trip" in this.#duty && this.#duty.trip.id === tripId) this.#becomeFree(now);
    }
  }

  #consider(tripId: string, version: number, now: number): void {
    if (this.#duty.kind !== "free" || this.#offer !== null) return;
    const { answer, afterMs } = answerToOffer(this.#random);
    this.#offer = { tripId, version, answer, answerAt: now + afterMs, tries: 0 };
  }

  async #do(now: number): Promise<void> {
    const duty = this.#duty;
    switch (duty.kind) {
      case "off":
        return now >= duty.until ? this.#setOnline(true, now) : undefined;
      case "free":
        if (this.#offer !== null) return now >= this.#offer.answerAt ? this.#answer(this.#offer, now) : undefined;
        return now >= duty.shiftEnds ? this.#setOnline(false, now) : this.#cruise(duty, now);
      case "to-pickup":
        return this.#car.arrived ? this.#arrive(duty.trip, now) : undefined;
      case "at-pickup":
        return now >= duty.startAt ? this.#start(duty, now) : undefined;
      case "riding":
        return this.#car.arrived ? this.#complete(duty, now) : undefined;
    }
  }

  #cruise(duty: Duty & { kind: "free" }, now: number): void {
    if (!this.#car.arrived) return;
    if (duty.parkedUntil === null) {
      this.#duty = { ...duty, parkedUntil: now + between(PARKED_MS.from, PARKED_MS.to, this.#random) };
    } else if (now >= duty.parkedUntil) {
      this.#car.wander();
      this.#duty = { ...duty, parkedUntil: null };
    }
  }

  async #setOnline(online: boolean, now: number): Promise<void> {
    const answer = await this.#send({ method: "POST", path: "/api/v1/drivers/me/availability", body: { online } });
    if (!answer.ok) return this.#stumble(answer, now);
    // The server knows best: a trip may have been given to this driver in the meantime.
    if ((answer.body as { availability: string }).availability === "on_trip") this.#lookAt = 0;
    else if (online) this.#becomeFree(now);
    else this.#duty = { kind: "off", until: now + between(BREAK_MS.from, BREAK_MS.to, this.#random) };
  }

  async #answer(offer: Offer, now: number): Promise<void> {
    const path = `/api/v1/trips/${offer.tripId}`;
    this.#offer = null;
    if (offer.answer === "ignore") return this.#tally.count("ignored");
    if (offer.answer === "reject") {
      const answer = await this.#send({ method: "POST", path: `${path}/reject`, body: {} });
      if (answer.ok) this.#tally.count("rejected");
      else if (isPassing(answer)) this.#stumble(answer, now);
      return;
    }
    const accept = () =>
      this.#send({ method: "POST", path: `${path}/accept`, body: { expectedVersion: offer.version } });
    const answers = await Promise.all(offer.answer === "accept-twice" ? [accept(), accept()] : [accept()]);
    const won = answers.find((answer) => answer.ok);
    const passing = answers.find(isPassing);
    if (won !== undefined) {
      this.#tally.count("accepted");
      this.#begin((won.body as { trip: Trip }).trip);
    } else if (passing !== undefined) {
      this.#tally.count("retries");
      // Nobody knows whether it counted: the same again, which is answered the same.
      if (offer.tries + 1 < ACCEPT_TRIES) this.#offer = { ...offer, tries: offer.tries + 1 };
      else this.#lookAt = 0;
      this.#stumble(passing, now);
    } else {
      this.#tally.count("lost");
      if (answers.some((answer) => answer.code === "DRIVER_NOT_AVAILABLE")) this.#lookAt = 0;
    }
  }

  async #arrive(trip: DriverTrip, now: number): Promise<void> {
    const answer = await this.#send({ method: "POST", path: `/api/v1/trips/${trip.id}/arrive`, body: {} });
    if (answer.ok) this.#wait(trip, now);
    else this.#stumble(answer, now);
  }

  #wait(trip: DriverTrip, now: number): void {
    const startAt = now + between(BOARDING_MS.from, BOARDING_MS.to, this.#random);
    this.#duty = { kind: "at-pickup", trip, since: now, startAt };
  }

  async #start(duty: Duty & { kind: "at-pickup" }, now: number): Promise<void> {
    const { trip } = duty;
    const path = `/api/v1/trips/${trip.id}`;
    const code = this.#city.codes.get(trip.id);
    if (code === undefined) {
      // The rider is not one of ours, or gone.
      if (now - duty.since < NO_SHOW_MS) return;
      const body = { reason: "The rider did not come" };
      const answer = await this.#send({ method: "POST", path: `${path}/cancel`, body });
      if (answer.ok) this.#becomeFree(now);
      else this.#stumble(answer, now);
      return;
    }
    const otp = this.#random() < WRONG_CODE_CHANCE ? misheard(code, this.#random) : code;
    const answer = await this.#send({ method: "POST", path: `${path}/start`, body: { otp } });
    if (answer.ok) this.#ride(trip, true);
    else if (answer.code === "VALIDATION_FAILED") {
      this.#tally.count("wrongCodes");
      // Right for an earlier driver, perhaps: the rider reads it out again.
      if (otp === code) this.#city.codes.delete(trip.id);
      this.#duty = { ...duty, startAt: now + between(3000, 7000, this.#random) };
    } else this.#stumble(answer, now);
  }

  #ride(trip: DriverTrip, fromStart: boolean): void {
    this.#duty = { kind: "riding", trip, fromStart };
    this.#car.resetMetres();
    this.#car.goTo(trip.destination);
  }

  async #complete(duty: Duty & { kind: "riding" }, now: number): Promise<void> {
    // Picked up in the middle by a new run, the distance is unknown: then the estimate counts.
    const body = duty.fromStart ? { distanceMeters: this.#car.metres } : {};
    const answer = await this.#send({ method: "POST", path: `/api/v1/trips/${duty.trip.id}/complete`, body });
    if (answer.ok) this.#becomeFree(now);
    else this.#stumble(answer, now);
  }

  #begin(trip: Trip): void {
    this.#duty = { kind: "to-pickup", trip };
    this.#offer = null;
    this.#car.goTo(trip.pickup);
  }

  #becomeFree(now: number): void {
    const shiftEnds = now + between(SHIFT_MS.from, SHIFT_MS.to, this.#random);
    this.#duty = { kind: "free", shiftEnds, parkedUntil: null };
    this.#offer = null;
  }

  /** Holds its own view against the server's; while free, asks for offers that no event told of. */
  async #look(now: number): Promise<void> {
    const answer = await this.#send({ method: "GET", path: `/api/v1/trips?status=${LIVE}&limit=1` });
    if (!answer.ok) return this.#stumble(answer, now);
    this.#lookAt = now + between(LOOK_MS.from, LOOK_MS.to, this.#random);
    const [trip] = (answer.body as { items: Trip[] }).items;
    if (trip !== undefined) return this.#takeUp(trip, now);
    if ("trip" in this.#duty) this.#becomeFree(now);
    if (this.#duty.kind !== "free" || this.#offer !== null) return;
    const pending = await this.#send({ method: "GET", path: "/api/v1/rides/pending" });
    if (!pending.ok) return this.#stumble(pending, now);
    const [offer] = (pending.body as { items: { tripId: string; trip: Trip }[] }).items;
    if (offer !== undefined) this.#consider(offer.tripId, offer.trip.version, now);
  }

  /** A trip this driver has by the server's account: of an earlier run, given by an operator, or won without hearing so. */
  #takeUp(trip: Trip, now: number): void {
    const duty = this.#duty;
    const known = "trip" in duty && duty.trip.id === trip.id;
    const expected = { accepted: "to-pickup", arrived: "at-pickup", ongoing: "riding" } as const;
    if (known && duty.kind === expected[trip.status as keyof typeof expected]) return;
    if (!known && duty.kind === "off") this.#car.appearNear(trip.pickup);
    if (trip.status === "accepted") this.#begin(trip);
    else if (trip.status === "arrived") this.#wait(trip, now);
    else this.#ride(trip, false);
  }

  /** Something did not work: a pause if it passes, a look at the server's view if it was refused. */
  #stumble(answer: Answer, now: number): void {
    if (isPassing(answer) || answer.status === 401) {
      this.#pausedUntil = now + (answer.retryAfterMs ?? 0) + between(1000, 4000, this.#random);
      return;
    }
    if (answer.code !== "NOT_FOUND" && answer.code !== "INVALID_TRANSITION") this.#tally.problem(answer.code);
    this.#pausedUntil = now + between(1000, 3000, this.#random);
    this.#lookAt = 0;
  }
}
