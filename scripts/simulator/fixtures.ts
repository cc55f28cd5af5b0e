/** For the tests: a chessboard of streets, and a platform that answers what a test tells it to. */

import type { Answer, Call, Send } from "#scripts/simulator/api-client.ts";
import { City } from "#scripts/simulator/city.ts";
import type { Trip } from "#server/contracts/trips.ts";

const STEP = 0.005;
const SIDE = 16;

/** 16 × 16 streets, about 500 m apart, with a landmark in the middle. */
export function chessboardCity(): City {
  const at = (column: number, row: number): [number, number] => [
    Number((31.2 + column * STEP).toFixed(4)),
    Number((30 + row * STEP).toFixed(4)),
  ];
  const line = (point: (i: number) => [number, number]) => ({
    properties: { kind: "road", class: "primary", name: "Street" },
    geometry: { type: "LineString", coordinates: Array.from({ length: SIDE }, (_, i) => point(i)) },
  });
  const streets = Array.from({ length: SIDE }, (_, k) => [line((i) => at(i, k)), line((i) => at(k, i))]).flat();
  const place = {
    properties: { kind: "place", name: "Middle Square" },
    geometry: { type: "Point", coordinates: at(8, 8) },
  };
  return new City({ features: [...streets, place] });
}

export const ok = (body: unknown, status = 200): Answer => ({
  status,
  ok: true,
  body,
  code: null,
  retryAfterMs: null,
  tookMs: 1,
});

export const refused = (status: number, code: string, retryAfterMs: number | null = null): Answer => ({
  status,
  ok: false,
  body: { code },
  code,
  retryAfterMs,
  tookMs: 1,
});

export const noAnswer = refused(0, "NO_ANSWER");

/** Keeps every call; `answer` decides what comes back. */
export class FakePlatform {
  readonly calls: Call[] = [];
  answer: (call: Call) => Answer;

  constructor(answer: (call: Call) => Answer) {
    this.answer = answer;
  }

  readonly send: Send = async (call) => {
    this.calls.push(call);
    return this.answer(call);
  };

  /** `POST accept`, `GET trips`, …: each call's method and last part of its path. */
  get log(): string[] {
    return this.calls.map(({ method, path }) => `${method} ${path.split("?")[0]?.split("/").at(-1)}`);
  }
}

export function trip(over: Partial<Trip> = {}): Trip {
  return {
    id: "trip-1",
    version: 3,
    status: "pending",
    driverId: null,
    pickup: { lat: 30.02, lng: 31.22 },
    destination: { lat: 30.05, lng: 31.25 },
    ...over,
  } as Trip;
}

/** Gives these numbers in turn, then the last for ever. */
export function numbers(...values: number[]): () => number {
  let next = 0;
  return () => values[Math.min(next++, values.length - 1)] ?? 0;
}
