/** A window of a limit: its counter's key, and what fits into it. Fixed: it begins with its first call. */
export interface CountedWindow {
  readonly key: string;
  readonly points: number;
  /** Whole seconds. */
  readonly per: number;
  /** Seconds that the first call beyond it locks the key for; 0: the window just ends. */
  readonly lockSeconds: number;
}

export interface WindowState {
  readonly remaining: number;
  /** Milliseconds until the window, or its lock, ends. */
  readonly resetMs: number;
}

export interface Count {
  /** `repeat`: the operation was counted before, and nothing was counted now. */
  readonly verdict: "counted" | "refused" | "repeat";
  /** As the windows given; empty for a repeat. */
  readonly windows: readonly WindowState[];
  /** Counted by this process alone, as the common store is away. */
  readonly insured: boolean;
}

/** Counts calls in fixed windows, for all processes together where there is a store that they share. */
export interface RateLimiter {
  readonly backend: "redis" | "memory";
  /**
   * Counts one call in each window, or, when one of them is used up, in none. `onceKey` names an operation that may be
   * retried: within the first window's time it is counted once.
   */
  take(windows: readonly CountedWindow[], onceKey: string | null): Promise<Count>;
  /** Takes a counted call back; `insured` as its count said. */
  giveBack(windows: readonly CountedWindow[], insured: boolean): Promise<void>;
}
