import type { Clock } from "#server/platform/clock.ts";
import { inTime } from "#server/platform/in-time.ts";
import type { Count, CountedWindow, RateLimiter } from "#server/platform/rate-limiter/rate-limiter.ts";

/** Below the 250 ms that a decision may take, and long beyond what Redis needs. */
const ANSWER_WITHIN_MS = 180;
/** Redis that has been silent is asked again after this; until then nobody waits for it. */
const ASK_AGAIN_MS = 1000;
const NEVER = Number.NEGATIVE_INFINITY;

/** Redis while it answers, this process's memory while it does not: each process then lets through what the limit allows. */
export class InsuredRateLimiter implements RateLimiter {
  readonly #primary: RateLimiter;
  readonly #insurance: RateLimiter;
  readonly #isReady: () => boolean;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #awayUntil = NEVER;

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
      // One call finds out whether Redis is back: the others do not wait with it.
      if (this.#awayUntil !== NEVER) this.#stayAway();
      const answer = this.#primary.take(windows, onceKey);
      // Late, it still says that Redis is there.
      answer.then(
        () => {
          this.#awayUntil = NEVER;
        },
        () => undefined,
      );
      try {
        return await inTime(ANSWER_WITHIN_MS, answer);
      } catch {
        this.#stayAway();
      }
    }
    return { ...(await this.#insurance.take(windows, onceKey)), insured: true };
  }

  async giveBack(windows: readonly CountedWindow[], insured: boolean): Promise<void> {
    if (insured) await this.#insurance.giveBack(windows, insured);
    else if (!this.#isAway()) await this.#primary.giveBack(windows, insured).catch(() => undefined);
  }

  #stayAway(): void {
    this.#awayUntil = this.#clock.monotonicMs() + ASK_AGAIN_MS;
  }

  #isAway(): boolean {
    return !this.#isReady() || this.#clock.monotonicMs() < this.#awayUntil;
  }
}
