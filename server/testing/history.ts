import { setTimeout as delay } from "node:timers/promises";
import { checkLinearizable } from "#server/testing/linearizability.ts";
import type { Seeded } from "#server/testing/seeded.ts";
import { type TripInput, type TripOperation, type TripOutput, tripModel } from "#server/testing/trip-register.ts";

/** How a client reaches the platform. Throws when it learnt nothing: no answer, or one that does not say what happened. */
export interface TripClient {
  accept(trip: string, driver: string): Promise<TripOutput>;
  release(trip: string): Promise<TripOutput>;
  cancel(trip: string): Promise<TripOutput>;
  read(trip: string): Promise<TripOutput>;
}

export interface Workload {
  readonly random: Seeded;
  readonly seconds: number;
  readonly clients: readonly TripClient[];
  readonly drivers: readonly string[];
  readonly newTrip: () => Promise<string>;
  /** Trips in play at a time. */
  readonly openTrips: number;
  /** After so many operations another trip takes its place: the search for an order must stay small. */
  readonly operationsPerTrip: number;
}

export type Histories = ReadonlyMap<string, readonly TripOperation[]>;

/** Clients that do one thing after another, all at once, on a few trips; what each saw and when. */
export async function runWorkload(workload: Workload): Promise<Histories> {
  const { random, clients, drivers, openTrips, operationsPerTrip } = workload;
  const histories = new Map<string, TripOperation[]>();
  const open: string[] = [];
  const started = new Map<string, number>();
  const addTrip = async () => {
    const trip = await workload.newTrip();
    histories.set(trip, []);
    started.set(trip, 0);
    open.push(trip);
  };
  while (open.length < openTrips) await addTrip();
  const until = performance.now() + workload.seconds * 1000;

  /** False when nothing was learnt. */
  async function perform(client: TripClient, trip: string, input: TripInput): Promise<boolean> {
    const calledAt = performance.now();
    let output: TripOutput | null = null;
    try {
      if (input.op === "accept") output = await client.accept(trip, input.driver);
      else output = await client[input.op](trip);
    } catch {
      // Unknown: it may have happened, may happen yet, or never.
    }
    const answeredAt = output === null ? Number.POSITIVE_INFINITY : performance.now();
    // A read that was not answered tells nothing and changes nothing.
    if (output !== null || input.op !== "read") histories.get(trip)?.push({ input, output, calledAt, answeredAt });
    return output !== null;
  }

  async function work(client: TripClient): Promise<void> {
    while (performance.now() < until) {
      const trip = random.pick(open);
      const dice = random.next();
      const input: TripInput =
        dice < 0.6
          ? { op: "accept", driver: random.pick(drivers) }
          : dice < 0.75
            ? { op: "release" }
            : dice < 0.77
              ? { op: "cancel" }
              : { op: "read" };
      const count = (started.get(trip) ?? 0) + 1;
      started.set(trip, count);
      await perform(client, trip, input);
      if (count === operationsPerTrip) {
        open.splice(open.indexOf(trip), 1);
        await addTrip();
        // Its driver is needed elsewhere.
        for (let tries = 0; tries < 3 && !(await perform(client, trip, { op: "cancel" })); tries++) await delay(100);
      }
      await delay(random.below(8));
    }
  }
  await Promise.all(clients.map(work));
  // Whoever holds a driver at the end is read by all.
  for (const trip of histories.keys()) await perform(clients[0] as TripClient, trip, { op: "read" });
  return histories;
}

export interface Findings {
  readonly operations: number;
  readonly unknown: number;
  readonly accepted: number;
  /** One line a violation: what was seen, in the order of the calls. */
  readonly violations: readonly string[];
}

export function checkHistories(histories: Histories): Findings {
  const all = [...histories.values()].flat();
  const violations: string[] = [];
  for (const [trip, history] of histories) {
    const verdict = checkLinearizable(tripModel, history);
    if (verdict.linearizable) continue;
    const tell = (operation: TripOperation) => {
      const { input, output, calledAt, answeredAt } = operation;
      return `  ${calledAt.toFixed(1)}–${answeredAt.toFixed(1)} ${JSON.stringify(input)} → ${JSON.stringify(output)}`;
    };
    violations.push(
      [`trip ${trip}: no order explains`, ...verdict.stuck.map(tell), " after", ...verdict.longest.map(tell)].join(
        "\n",
      ),
    );
  }
  return {
    operations: all.length,
    unknown: all.filter((operation) => operation.output === null).length,
    accepted: all.filter((operation) => operation.output?.kind === "accepted").length,
    violations,
  };
}
