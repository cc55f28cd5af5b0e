import type { Clock } from "#server/platform/clock.ts";
import type { Count, CountedWindow, RateLimiter } from "#server/platform/rate-limiter/rate-limiter.ts";

interface Counter {
  used: number;
  until: number;
}

/** Standalone: one process, a map with expiry. Expired entries go when touched and by a sweep as the map grows. */
export class MemoryRateLimiter implements RateLimiter {
  readonly backend = "memory";
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #counters = new Map<string, Counter>();
  #sweepAt = 1024;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  async take(windows: readonly CountedWindow[], onceKey: string | null): Promise<Count> {
    return this.count(windows, onceKey);
  }

  /** `take`, now. */
  count(windows: readonly CountedWindow[], onceKey: string | null = null): Count {
    const now = this.#now();
    if (onceKey !== null && this.#live(onceKey, now) !== null)
      return { verdict: "repeat", windows: [], insured: false };
    const full = windows.filter(({ key, points }) => (this.#live(key, now)?.used ?? 0) >= points);
    for (const { key, points, lockSeconds } of full)
      if (lockSeconds > 0 && this.#live(key, now)?.used === points)
        this.#set(key, points + 1, now + lockSeconds * 1000);
    if (full.length === 0) {
      for (const { key, per } of windows) {
        const counter = this.#live(key, now);
        if (counter === null || counter.used === 0) this.#set(key, 1, now + per * 1000);
        else counter.used++;
      }
      if (onceKey !== null) this.#set(onceKey, 1, now + (windows[0]?.per ?? 0) * 1000);
    }
    return {
      verdict: full.length === 0 ? "counted" : "refused",
      windows: windows.map(({ key, points, per }) => {
        const counter = this.#live(key, now);
        return {
          remaining: Math.max(0, points - (counter?.used ?? 0)),
          resetMs: counter === null ? per * 1000 : counter.until - now,
        };
      }),
      insured: false,
    };
  }

  /** Counts a call that is surely let in, in windows that have begun; false: nothing was counted, ask `count`. */
  hit(windows: readonly CountedWindow[]): boolean {
    const now = this.#now();
    for (const { key, points } of windows) {
      const used = this.#live(key, now)?.used ?? 0;
      if (used === 0 || used >= points) return false;
    }
    for (const { key } of windows) (this.#counters.get(key) as Counter).used++;
    return true;
  }

  async giveBack(windows: readonly CountedWindow[]): Promise<void> {
    const now = this.#now();
    for (const { key } of windows) {
      const counter = this.#live(key, now);
      if (counter !== null && counter.used > 0) counter.used--;
    }
  }

  /** Whole milliseconds: with fractions a window of 60 s ends, as they are rounded, in a little more than that. */
  #now(): number {
    return Math.floor(this.#clock.monotonicMs());
  }

  #live(key: string, now: number): Counter | null {
    const counter = this.#counters.get(key);
    if (counter === undefined) return null;
    if (counter.until > now) return counter;
    this.#counters.delete(key);
    return null;
  }

  #set(key: string, used: number, until: number): void {
    this.#counters.set(key, { used, until });
    if (this.#counters.size < this.#sweepAt) return;
    const now = this.#now();
    for (const [old, counter] of this.#counters) if (counter.until <= now) this.#counters.delete(old);
    this.#sweepAt = Math.max(1024, this.#counters.size * 2);
  }
}
