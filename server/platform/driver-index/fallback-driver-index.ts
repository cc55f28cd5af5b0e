import {
  type DriverIndex,
  IndexNotBuilt,
  type NearDriver,
  type NearSearch,
} from "#server/platform/driver-index/driver-index.ts";
import { inTime } from "#server/platform/in-time.ts";

/** A search goes on without Redis after this. */
const ANSWER_WITHIN_MS = 100;
/** Redis that failed is asked again after this, by one search: the others do not wait for it meanwhile. */
const ASK_AGAIN_MS = 1000;
const NEVER = Number.NEGATIVE_INFINITY;

export type SearchedIn = "redis" | "postgres";

/** Redis while it answers and its index is whole, the database while not: slower, and never wrong. */
export class FallbackDriverIndex implements DriverIndex {
  readonly #primary: DriverIndex;
  readonly #secondary: DriverIndex;
  readonly #isReady: () => boolean;
  readonly #monotonicMs: () => number;
  #awayUntilMs = NEVER;
  readonly #onSearch: (where: SearchedIn) => void;
  readonly #onTrouble: (error: unknown) => void;

  constructor(options: {
    primary: DriverIndex;
    secondary: DriverIndex;
    isReady: () => boolean;
    monotonicMs: () => number;
    onSearch: (where: SearchedIn) => void;
    onTrouble: (error: unknown) => void;
  }) {
    this.#primary = options.primary;
    this.#secondary = options.secondary;
    this.#isReady = options.isReady;
    this.#monotonicMs = options.monotonicMs;
    this.#onSearch = options.onSearch;
    this.#onTrouble = options.onTrouble;
  }

  async nearest(search: NearSearch): Promise<NearDriver[]> {
    if (this.#isReady() && this.#monotonicMs() >= this.#awayUntilMs) {
      if (this.#awayUntilMs !== NEVER) this.#stayAway();
      try {
        const found = await inTime(ANSWER_WITHIN_MS, this.#primary.nearest(search));
        this.#awayUntilMs = NEVER;
        this.#onSearch("redis");
        return found;
      } catch (error) {
        if (error instanceof IndexNotBuilt) this.#awayUntilMs = NEVER;
        else {
          this.#stayAway();
          this.#onTrouble(error);
        }
      }
    }
    this.#onSearch("postgres");
    return this.#secondary.nearest(search);
  }

  #stayAway(): void {
    this.#awayUntilMs = this.#monotonicMs() + ASK_AGAIN_MS;
  }
}
