import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger, Timed } from "#scripts/replay/ledger.ts";
import type { Pace } from "#scripts/replay/pace.ts";
import type { ReplayDriver } from "#scripts/replay/people.ts";
import { type Answer, isPassing, type Send } from "#scripts/simulator/api-client.ts";
import { AppSocket } from "#scripts/simulator/app-socket.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import type { Trip } from "#server/contracts/trips.ts";

/** The server takes one position per 3 s and drops faster ones. */
const FRAME_EVERY_MS = 3200;
/** A phone that stands still says so now and then, or it counts as gone. */
const STILL_HERE_EVERY_MS = 30_000;
/** An event may be missed: a free driver asks for open offers so often. */
const LOOK_EVERY_MS = 10_000;
const TRIES = 8;
const RETRY_MS = 500;

interface Offer {
  readonly tripId: string;
  readonly trip: Trip;
  readonly distanceMeters: number;
}

/** A driver who takes each offer that comes while free, drives it to the end, and is free again at the drop-off. */
export class FleetDriver {
  readonly id: string;
  readonly #token: string;
  readonly #send: Send;
  readonly #ledger: Ledger;
  readonly #pace: Pace;
  readonly #random: () => number;
  readonly #codeOf: (trip: Trip) => Promise<string | null>;
  readonly #socket: AppSocket;
  #at: Coordinates;
  #told: Coordinates | null = null;
  #toldAt = 0;
  #lookAt: number;
  #busy = false;
  #closed = false;

  constructor(
    person: ReplayDriver,
    options: {
      baseUrl: string;
      send: Send;
      ledger: Ledger;
      pace: Pace;
      random: () => number;
      /** The rider reads the code out; null when they cannot. */
      codeOf: (trip: Trip) => Promise<string | null>;
    },
  ) {
    this.id = person.id;
    this.#token = person.token;
    this.#at = person.at;
    this.#send = options.send;
    this.#ledger = options.ledger;
    this.#pace = options.pace;
    this.#random = options.random;
    this.#codeOf = options.codeOf;
    this.#lookAt = Date.now() + LOOK_EVERY_MS * options.random();
    this.#socket = new AppSocket({
      baseUrl: options.baseUrl,
      token: () => this.#token,
      random: options.random,
      onEvent: ({ event, data }) => {
        if (event === "offer.created") void this.#take(data as Offer);
      },
      onReady: () => {
        this.#told = null;
      },
      onRefused: () => undefined,
    });
  }

  get ready(): boolean {
    return this.#socket.ready;
  }

  get free(): boolean {
    return !this.#busy;
  }

  /** Called every second. `now` in epoch milliseconds. */
  tick(now: number): void {
    this.#socket.tick(now);
    const silentMs = now - this.#toldAt;
    if ((this.#told !== this.#at && silentMs >= FRAME_EVERY_MS) || silentMs >= STILL_HERE_EVERY_MS)
      this.#tellPlace(now);
    if (this.#busy || now < this.#lookAt) return;
    this.#lookAt = now + LOOK_EVERY_MS;
    void this.#lookForOffers();
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
  }

  /** Goes off line, as a driver does at the end of the day. */
  async signOff(): Promise<boolean> {
    return (await this.#insist(() => this.#post("/api/v1/drivers/me/availability", { online: false }))).ok;
  }

  /** Ends what an interrupted replay left on this driver. */
  async endLeftover(): Promise<void> {
    const answer = await this.#call("GET", "/api/v1/trips?status=accepted,arrived,ongoing&limit=1");
    const [trip] = answer.ok ? (answer.body as { items: Trip[] }).items : [];
    if (trip === undefined) return;
    const [action, body] = trip.status === "ongoing" ? ["complete", {}] : ["cancel", { reason: "replay interrupted" }];
    await this.#post(`/api/v1/trips/${trip.id}/${action}`, body);
  }

  #tellPlace(now: number): void {
    const { lat, lng } = this.#at;
    if (!this.#socket.send({ type: "location", lat, lng, accuracy: 8 })) return;
    this.#told = this.#at;
    this.#toldAt = now;
  }

  async #lookForOffers(): Promise<void> {
    const answer = await this.#call("GET", "/api/v1/rides/pending");
    const [offer] = answer.ok ? (answer.body as { items: Offer[] }).items : [];
    if (offer !== undefined) await this.#take(offer);
  }

  async #take(offer: Offer): Promise<void> {
    if (this.#busy || this.#closed) return;
    this.#busy = true;
    try {
      await sleep(this.#pace.thinksMs(this.#random));
      const path = `/api/v1/trips/${offer.tripId}`;
      const won = await this.#insist(() => this.#timed("accept", `${path}/accept`, {}));
      if (won.ok) await this.#drive((won.body as { trip: Trip }).trip, offer.distanceMeters);
    } finally {
      this.#busy = false;
    }
  }

  async #drive(trip: Trip, metresToPickup: number): Promise<void> {
    const path = `/api/v1/trips/${trip.id}`;
    await sleep(this.#pace.toPickupMs(metresToPickup));
    this.#at = trip.pickup;
    if (!(await this.#insist(() => this.#timed("arrive", `${path}/arrive`, {}))).ok) return;
    await sleep(this.#pace.boardingMs());
    const otp = await this.#codeOf(trip);
    if (otp === null) return;
    if (!(await this.#insist(() => this.#timed("start", `${path}/start`, { otp }))).ok) return;
    await sleep(this.#pace.rideMs(trip.estimatedDurationSeconds));
    // Told before the end of the trip frees the driver, so that the next offer goes by the new place.
    this.#at = trip.destination;
    const now = Date.now();
    if (now - this.#toldAt >= FRAME_EVERY_MS) this.#tellPlace(now);
    const distanceMeters = trip.estimatedDistanceMeters;
    await this.#insist(() => this.#timed("complete", `${path}/complete`, { distanceMeters }));
  }

  /** Repeats what fails in passing; each of these calls is answered the same when it had counted already. */
  async #insist(call: () => Promise<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await call();
      if (!isPassing(answer) || attempt >= TRIES || this.#closed) return answer;
      await sleep((answer.retryAfterMs ?? RETRY_MS) * (0.75 + this.#random() / 2));
    }
  }

  async #timed(call: Timed, path: string, body: object): Promise<Answer> {
    return this.#ledger.take(call, await this.#post(path, body));
  }

  #post(path: string, body: object): Promise<Answer> {
    return this.#send({ method: "POST", path, body, token: this.#token });
  }

  #call(method: "GET", path: string): Promise<Answer> {
    return this.#send({ method, path, token: this.#token });
  }
}
