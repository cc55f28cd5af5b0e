import {
  type DriverIndex,
  IndexNotBuilt,
  type NearDriver,
  type NearSearch,
} from "#server/platform/driver-index/driver-index.ts";
import { inTime } from "#server/platform/in-time.ts";

/** A search goes on without Redis after this. */
const ANSWER_WITHIN_MS = 100;

export type SearchedIn = "redis" | "postgres";

/** Redis while it answers and its index is whole, the database while not: slower, and never wrong. */
export class FallbackDriverIndex implements DriverIndex {
  readonly #primary: DriverIndex;
  readonly #secondary: DriverIndex;
  readonly #isReady: () => boolean;
  readonly #onSearch: (where: SearchedIn) => void;
  readonly #onTrouble: (error: unknown) => void;

  constructor(options: {
    primary: DriverIndex;
    secondary: DriverIndex;
    isReady: () => boolean;
    onSearch: (where: SearchedIn) => void;
    onTrouble: (error: unknown) => void;
  }) {
    this.#primary = options.primary;
    this.#secondary = options.secondary;
    this.#isReady = options.isReady;
    this.#onSearch = options.onSearch;
    this.#onTrouble = options.onTrouble;
  }

  async nearest(search: NearSearch): Promise<NearDriver[]> {
    if (this.#isReady()) {
      try {
        const found = await inTime(ANSWER_WITHIN_MS, this.#primary.nearest(search));
        this.#onSearch("redis");
        return found;
      } catch (error) {
        if (!(error instanceof IndexNotBuilt)) this.#onTrouble(error);
      }
    }
    this.#onSearch("postgres");
    return this.#secondary.nearest(search);
  }
}
