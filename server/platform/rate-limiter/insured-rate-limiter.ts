import type { Clock } from "#server/platform/clock.ts";
import { inTime } from "#server/platform/in-time.ts";
import type { Count, CountedWindow, RateLimiter } from "#server/platform/rate-limiter/rate-limiter.ts";

/** Half of the 250 ms that a decision may take, for a busy process adds its own; and long beyond what Redis needs. */
const ANSWER_WITHIN_MS = 120;
/** Redis that has been silent is asked again this often, by nobody's call: until it answers nobody waits for it. */
const ASK_AGAIN_MS = 1000;
const NEVER = Number.NEGATIVE_INFINITY;

/** Redis while it answers, this process's memory while it does not: each process then lets through what the limit allows. */
export class InsuredRateLimiter implements RateLimiter {
  readonly #primary: RateLimiter;
  readonly #insurance: RateLimiter;
  readonly #isReady: () => boolean;
  readonly #probe: () => Promise<unknown>;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #awayUntil = NEVER;

  constructor(options: {
    primary: RateLimiter;
    insurance: RateLimiter;
    isReady: () => boolean;
    /** Resolves when the primary's store answers. */
    probe: () => Promise<unknown>;
    clock: Pick<Clock, "monotonicMs">;
  }) {
    this.#primary = options.primary;
    this.#insurance = options.insurance;
    this.#isReady = options.isReady;
    this.#probe = options.probe;
    this.#clock = options.clock;
  }

  get backend(): "redis" | "memory" {
    return this.#isAway() ? this.#insurance.backend : this.#primary.backend;
  }

  async take(windows: readonly CountedWindow[], onceKey: string | null): Promise<Count> {
    if (!this.#isAway()) {
      const answer = this.#primary.take(windows, onceKey);
      this.#backWith(answer);
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

  /** Late, an answer still says that Redis is there. */
  #backWith(answer: Promise<unknown>): void {
    answer.then(
      () => {
        this.#awayUntil = NEVER;
      },
      () => undefined,
    );
  }

  #isAway(): boolean {
    if (!this.#isReady()) return true;
    if (this.#awayUntil === NEVER) return false;
    if (this.#clock.monotonicMs() >= this.#awayUntil) {
      this.#stayAway();
      this.#backWith(this.#probe());
    }
    return true;
  }
}
