import type { Send } from "#scripts/simulator/api-client.ts";
import { AppSocket } from "#scripts/simulator/app-socket.ts";
import { between, type City, pick } from "#scripts/simulator/city.ts";
import { Demand } from "#scripts/simulator/demand.ts";
import { Driver } from "#scripts/simulator/driver.ts";
import { Driving } from "#scripts/simulator/driving.ts";
import { Rider } from "#scripts/simulator/rider.ts";
import type { Random } from "#scripts/simulator/road-walker.ts";
import { Session, SignInDesk } from "#scripts/simulator/session.ts";
import { Tally } from "#scripts/simulator/tally.ts";

/** Milliseconds over which people sign in and drivers begin; a few take their time. */
const STARTS_WITHIN_MS = 15_000;
const LATE_SHARE = 0.08;
const LATE_MS = { from: 60_000, to: 6 * 60_000 };

/** All the people of the city, moved by one tick. */
export class Crowd {
  readonly #drivers: readonly { session: Session; socket: AppSocket; driver: Driver }[];
  readonly #riders: readonly { session: Session; rider: Rider }[];
  readonly #demand: Demand;
  readonly #random: Random;
  readonly #tally = new Tally();
  readonly #onFault: (error: unknown) => void;
  #now: number;

  constructor(options: {
    baseUrl: string;
    send: Send;
    city: City;
    random: Random;
    pace: number;
    password: string;
    /** Phones. */
    drivers: readonly string[];
    riders: readonly string[];
    /** Epoch milliseconds. */
    now: number;
    onFault: (error: unknown) => void;
  }) {
    const { baseUrl, send, city, random, password, pace } = options;
    const tally = this.#tally;
    const desk = new SignInDesk();
    const soon = () => options.now + between(0, STARTS_WITHIN_MS, random);
    this.#random = random;
    this.#now = options.now;
    this.#onFault = options.onFault;
    this.#demand = new Demand(random);
    this.#drivers = options.drivers.map((phone) => {
      const session = new Session({ phone, password, send, desk, random, startsAt: soon() });
      const car = new Driving({ city, random, pace });
      const socket = new AppSocket({
        baseUrl,
        token: () => session.token,
        random,
        onEvent: (event) => driver.hear(event, this.#now),
        onReady: () => driver.reconnected(),
        onRefused: () => session.invalidate(),
      });
      const late = random() < LATE_SHARE ? between(LATE_MS.from, LATE_MS.to, random) : 0;
      const startsAt = soon() + late;
      const driver = new Driver({ send: session.send, link: socket, car, city, random, tally, startsAt });
      return { session, socket, driver };
    });
    this.#riders = options.riders.map((phone) => {
      const session = new Session({ phone, password, send, desk, random, startsAt: soon() });
      return { session, rider: new Rider({ send: session.send, city, random, tally }) };
    });
  }

  /** `now` in epoch milliseconds; called about every second. */
  tick(now: number): void {
    this.#now = now;
    for (const { session, socket, driver } of this.#drivers) {
      this.#run(session.tick(now));
      if (session.token === null) continue;
      socket.tick(now);
      this.#run(driver.tick(now));
    }
    for (const { session, rider } of this.#riders) {
      this.#run(session.tick(now));
      if (session.token !== null) this.#run(rider.tick(now));
    }
    if (!this.#demand.due(now, this.#underWay())) return;
    const free = this.#riders.filter(({ session, rider }) => session.token !== null && rider.free);
    if (free.length > 0) pick(free, this.#random).rider.wantTrip(now);
  }

  /** One line for the log: who is where, and what happened since the last one. */
  takeStatusLine(): string {
    const on = (...kinds: string[]) => this.#drivers.filter(({ driver }) => kinds.includes(driver.duty)).length;
    const waiting = this.#riders.filter(({ rider }) => rider.status === "pending" || rider.status === "asking").length;
    const linked = this.#drivers.filter(({ socket }) => socket.ready).length;
    const signedIn = [...this.#drivers, ...this.#riders].filter(({ session }) => session.token !== null).length;
    const live = on("to-pickup", "at-pickup", "riding");
    return (
      `${new Date(this.#now).toISOString()} ${live} on a trip, ${on("free")} free, ${on("off")} off, ${waiting} riders waiting, ` +
      `${linked} sockets, ${signedIn} signed in; ${this.#tally.takeLine()}`
    );
  }

  close(): void {
    for (const { socket } of this.#drivers) socket.close();
  }

  #underWay(): number {
    return this.#riders.filter(({ rider }) => rider.status !== null).length;
  }

  #run(step: Promise<void>): void {
    step.catch(this.#onFault);
  }
}
