import type { Answer } from "#scripts/simulator/api-client.ts";

/** The calls of a replay that are timed apart. */
export const TIMED = ["request", "accept", "arrive", "code", "start", "complete"] as const;
export type Timed = (typeof TIMED)[number];

/** What the replay saw: latencies of each call, and answers that were no success, by call and code. */
export class Ledger {
  readonly latencies = new Map<Timed, number[]>(TIMED.map((call) => [call, []]));
  readonly #errors = new Map<string, number>();

  take(call: Timed, answer: Answer): Answer {
    this.latencies.get(call)?.push(answer.tookMs);
    if (answer.code !== null) {
      const key = `${call} ${answer.status} ${answer.code}`;
      this.#errors.set(key, (this.#errors.get(key) ?? 0) + 1);
    }
    return answer;
  }

  /** `accept 409 TRIP_ALREADY_ASSIGNED` → how often; the commonest first. */
  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#errors].sort(([, a], [, b]) => b - a));
  }
}
