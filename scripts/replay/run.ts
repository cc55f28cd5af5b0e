import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { polygonsOf, randomPlace } from "#prisma/seed/places.ts";
import { FleetDriver } from "#scripts/replay/driver.ts";
import { Ledger } from "#scripts/replay/ledger.ts";
import { type Timings, TripWatch } from "#scripts/replay/outcomes.ts";
import { paceOf } from "#scripts/replay/pace.ts";
import { enlist, type Person } from "#scripts/replay/people.ts";
import type { Pickup } from "#scripts/replay/pickups.ts";
import { type RequestOutcome, requestTrips } from "#scripts/replay/requests.ts";
import type { Target } from "#scripts/services/running.ts";
import { StartupError } from "#scripts/services/startup-error.ts";
import { createSend } from "#scripts/simulator/api-client.ts";
import { pick } from "#scripts/simulator/city.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import type { Trip } from "#server/contracts/trips.ts";
import type { ZoneCollection } from "#server/domain/zones/zone-import.ts";

/** Riders may ask 10 times a minute: so many that nobody comes near it. */
const REQUESTS_PER_RIDER = 8;
const FEWEST_RIDERS = 20;
const REQUESTS_AT_ONCE = 16;
/** Share of the drivers who stand where people are really picked up; the others anywhere in the zones. */
const AT_PICKUPS = 0.8;
const WATCH_EVERY_MS = 500;
const PROGRESS_EVERY_MS = 5000;
const CONNECT_WITHIN_MS = 60_000;
/** The search of the last request takes at most 3 minutes; then rides must end. */
const LAST_TRIPS_MS = 4 * 60_000;
const LONGEST_RIDE_SECONDS = 3 * 3600;
const SIGN_OFFS_AT_ONCE = 8;

export interface RunResult {
  readonly outcomes: readonly (RequestOutcome | undefined)[];
  readonly watch: TripWatch;
  readonly timings: Timings;
  readonly ledger: Ledger;
  readonly riders: number;
  readonly overdue: number;
  /** Milliseconds from the first request to the last answer, and to the last trip's end. */
  readonly requestingMs: number;
  readonly tookMs: number;
}

export interface RunOptions {
  readonly client: pg.Client;
  readonly target: Target;
  readonly zones: ZoneCollection;
  readonly pickups: readonly Pickup[];
  /** The pickups that lie inside the zones: where drivers stand and rides end. */
  readonly inside: readonly Coordinates[];
  readonly drivers: number;
  readonly speed: number;
  readonly random: () => number;
  readonly say: (line: string) => void;
  readonly stopped: () => boolean;
}

/** Puts the fleet on the streets, requests all trips, waits until each has ended, sends the fleet home. */
export async function runReplay(options: RunOptions): Promise<RunResult> {
  const { client, target, zones, pickups, inside, random, say, stopped } = options;
  const polygons = polygonsOf(zones);
  const stands = Array.from({ length: options.drivers }, () =>
    random() < AT_PICKUPS ? pick(inside, random) : randomPlace(polygons, random),
  );
  const riderCount = Math.max(FEWEST_RIDERS, Math.ceil(pickups.length / REQUESTS_PER_RIDER));
  const people = await enlist(client, { authSecret: target.authSecret, stands, riders: riderCount });
  say(`✓ ${people.drivers.length} drivers and ${people.riders.length} riders enlisted`);

  const ledger = new Ledger();
  const watch = new TripWatch(client);
  const send = createSend(target.baseUrl, 30_000);
  const pace = paceOf(options.speed);
  const riderById = new Map(people.riders.map((rider) => [rider.id, rider]));
  const codeOf = async (trip: Trip): Promise<string | null> => {
    watch.accepted(trip.id);
    const token = riderById.get(trip.customerId)?.token;
    if (token === undefined) return null;
    const answer = ledger.take("code", await send({ method: "GET", path: `/api/v1/trips/${trip.id}`, token }));
    return answer.ok ? ((answer.body as Trip).otp ?? null) : null;
  };
  const fleet = people.drivers.map(
    (person) => new FleetDriver(person, { baseUrl: target.baseUrl, send, ledger, pace, random, codeOf }),
  );
  const ticker = setInterval(() => {
    for (const driver of fleet) driver.tick(Date.now());
  }, 1000);
  try {
    await connect(fleet, say);
    const startedAt = performance.now();
    const outcomes: (RequestOutcome | undefined)[] = pickups.map(() => undefined);
    const riderOf = new Map<string, Person>();
    let answered = 0;
    const progress = () =>
      say(
        `  ${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${answered}/${pickups.length} requested, ${watch.waiting} waiting, ` +
          `${watch.openIds.length - watch.waiting} riding, ${watch.ended("completed")} completed, ${watch.ended("expired")} expired`,
      );
    let watching = true;
    const watcher = (async () => {
      for (let saidAt = performance.now(); watching; ) {
        await watch.refresh();
        if (performance.now() - saidAt >= PROGRESS_EVERY_MS) {
          saidAt = performance.now();
          progress();
        }
        await sleep(WATCH_EVERY_MS);
      }
    })();
    await requestTrips({
      pickups,
      destinations: pickups.map(() => pick(inside, random)),
      riders: people.riders,
      speed: options.speed,
      concurrency: REQUESTS_AT_ONCE,
      send,
      ledger,
      hasRoom: () => watch.waiting < fleet.length,
      stopped,
      onOutcome: (index, outcome) => {
        outcomes[index] = outcome;
        answered++;
        if (outcome.kind !== "booked") return;
        watch.add(outcome.tripId);
        riderOf.set(outcome.tripId, outcome.rider);
      },
    });
    const requestingMs = performance.now() - startedAt;
    const longest = options.speed === Number.POSITIVE_INFINITY ? 0 : (LONGEST_RIDE_SECONDS * 1000) / options.speed;
    const deadline = performance.now() + LAST_TRIPS_MS + longest;
    while (watch.openIds.length > 0 && performance.now() < deadline && !stopped()) await sleep(WATCH_EVERY_MS);
    const overdue = watch.openIds.length;
    for (const tripId of watch.openIds) {
      const body = { reason: "the replay ends" };
      await send({
        method: "POST",
        path: `/api/v1/trips/${tripId}/cancel`,
        body,
        token: riderOf.get(tripId)?.token ?? "",
      });
    }
    // Rides under way cannot be cancelled; their drivers end them.
    if (overdue > 0) await Promise.all(fleet.map((driver) => driver.endLeftover()));
    watching = false;
    await watcher;
    await watch.refresh();
    progress();
    const tookMs = performance.now() - startedAt;
    return {
      outcomes,
      watch,
      timings: await watch.timings(),
      ledger,
      riders: riderCount,
      overdue,
      requestingMs,
      tookMs,
    };
  } finally {
    clearInterval(ticker);
    await sendHome(fleet, say);
  }
}

async function connect(fleet: readonly FleetDriver[], say: (line: string) => void): Promise<void> {
  const deadline = Date.now() + CONNECT_WITHIN_MS;
  const ready = () => fleet.filter((driver) => driver.ready).length;
  while (ready() < fleet.length && Date.now() < deadline) await sleep(100);
  if (ready() === 0) throw new StartupError("no driver's WebSocket was accepted: is BASE_URL the platform's?");
  // What an interrupted replay left would keep its drivers from taking trips.
  await Promise.all(fleet.map((driver) => driver.endLeftover()));
  say(`✓ ${ready()} of ${fleet.length} drivers connected`);
}

async function sendHome(fleet: readonly FleetDriver[], say: (line: string) => void): Promise<void> {
  const queue = [...fleet];
  let home = 0;
  const work = async (): Promise<void> => {
    for (let driver = queue.pop(); driver !== undefined; driver = queue.pop()) {
      if (await driver.signOff()) home++;
      driver.close();
    }
  };
  await Promise.all(Array.from({ length: SIGN_OFFS_AT_ONCE }, work));
  say(`✓ ${home} of ${fleet.length} drivers off line again`);
}
