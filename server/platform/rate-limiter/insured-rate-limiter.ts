import type { Clock } from "#server/platform/clock.ts";
import type { Count, CountedWindow, RateLimiter } from "#server/platform/rate-limiter/rate-limiter.ts";

/** Below the 250 ms that a decision may take, and long beyond what Redis needs. */
const ANSWER_WITHIN_MS = 180;
/** Redis that has been silent is asked again after this; until then nobody waits for it. */
const ASK_AGAIN_MS = 1000;

/** Redis while it answers, this process's memory while it does not: each process then lets through what the limit allows. */
export class InsuredRateLimiter implements RateLimiter {
  readonly #primary: RateLimiter;
  readonly #insurance: RateLimiter;
  readonly #isReady: () => boolean;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #awayUntil = Number.NEGATIVE_INFINITY;

  constructor(options: {
    primary: RateLimiter;
    insurance: RateLimiter;
    isReady: () => boolean;
    clock: Pick<Clock, "monotonicMs">;
  }) {
    this.#primary = options.primary;
    this.#insurance = options.insurance;
    this.#isReady = options.isReady;
    this.#clock = options.clock;
  }

  get backend(): "redis" | "memory" {
    return this.#isAway() ? this.#insurance.backend : this.#primary.backend;
  }

  async take(windows: readonly CountedWindow[], onceKey: string | null): Promise<Count> {
    if (!this.#isAway()) {
      try {
        return await inTime(this.#primary.take(windows, onceKey));
      } catch {
        this.#awayUntil = this.#clock.monotonicMs() + ASK_AGAIN_MS;
      }
    }
    return { ...(await this.#insurance.take(windows, onceKey)), insured: true };
  }

  async giveBack(windows: readonly CountedWindow[], insured: boolean): Promise<void> {
    if (insured) await this.#insurance.giveBack(windows, insured);
    else if (!this.#isAway()) await this.#primary.giveBack(windows, insured).catch(() => undefined);
  }

  #isAway(): boolean {
    return !this.#isReady() || this.#clock.monotonicMs() < this.#awayUntil;
  }
}

/**
 * Waits in two halves: while this process is too busy to read, both would have run out at once, and that is no silence
 * of Redis.
 */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const half = (then: () => void) => {
      timer = setTimeout(then, ANSWER_WITHIN_MS / 2);
    };
    half(() => half(() => setImmediate(() => reject(new Error("Redis does not answer")))));
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}
