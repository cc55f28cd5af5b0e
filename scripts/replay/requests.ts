import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "#scripts/replay/ledger.ts";
import type { Person } from "#scripts/replay/people.ts";
import type { Pickup } from "#scripts/replay/pickups.ts";
import { isPassing, type Send } from "#scripts/simulator/api-client.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import type { Trip } from "#server/contracts/trips.ts";

/** What the platform said to one pickup. */
export type RequestOutcome =
  | { readonly kind: "booked"; readonly tripId: string; readonly rider: Person }
  | { readonly kind: "outside" }
  | { readonly kind: "failed"; readonly code: string };

const TRIES = 8;
const RETRY_MS = 1000;

export interface RequestRun {
  readonly pickups: readonly Pickup[];
  /** One to ride to, for each pickup. */
  readonly destinations: readonly Coordinates[];
  readonly riders: readonly Person[];
  /** Times real speed; infinite: as fast as allowed. */
  readonly speed: number;
  readonly concurrency: number;
  readonly send: Send;
  readonly ledger: Ledger;
  /** False while enough riders wait for a driver: at full speed nobody else asks then. */
  readonly hasRoom: () => boolean;
  readonly stopped: () => boolean;
  readonly onOutcome: (index: number, outcome: RequestOutcome) => void;
}

/** Requests a trip for each pickup in the order of time, a bounded number at once. Resolves when all are answered. */
export async function requestTrips(run: RequestRun): Promise<void> {
  const first = run.pickups[0]?.at ?? 0;
  const startedAt = Date.now();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < run.pickups.length && !run.stopped(); index = next++) {
      const pickup = run.pickups[index] as Pickup;
      if (run.speed !== Number.POSITIVE_INFINITY) {
        const dueIn = startedAt + (pickup.at - first) / run.speed - Date.now();
        if (dueIn > 0) await sleep(dueIn);
      } else {
        while (!run.hasRoom() && !run.stopped()) await sleep(20);
      }
      if (run.stopped()) return;
      run.onOutcome(index, await requestOne(run, index, pickup));
    }
  };
  await Promise.all(Array.from({ length: run.concurrency }, work));
}

async function requestOne(run: RequestRun, index: number, { lat, lng }: Pickup): Promise<RequestOutcome> {
  const rider = run.riders[index % run.riders.length] as Person;
  const to = run.destinations[index] as Coordinates;
  const call = {
    method: "POST",
    path: "/api/v1/trips",
    token: rider.token,
    // The same for every try: a request that got no answer may have been booked.
    idempotencyKey: randomUUID(),
    body: {
      pickup: { lat, lng },
      destination: { lat: to.lat, lng: to.lng },
      vehicleCategory: "economy",
      paymentMethod: "cash",
    },
  } as const;
  for (let attempt = 1; ; attempt++) {
    const answer = run.ledger.take("request", await run.send(call));
    if (answer.ok) return { kind: "booked", tripId: (answer.body as Trip).id, rider };
    if (answer.code === "OUTSIDE_SERVICE_AREA") return { kind: "outside" };
    if (!isPassing(answer) || attempt >= TRIES || run.stopped())
      return { kind: "failed", code: answer.code ?? String(answer.status) };
    await sleep(answer.retryAfterMs ?? RETRY_MS);
  }
}
