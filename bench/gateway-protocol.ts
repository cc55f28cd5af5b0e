/** What the bench and its processes say to one another. */
export interface Person {
  readonly id: string;
  readonly token: string;
}

/** One process of apps. */
export type LoadOrder =
  | {
      readonly kind: "connect";
      readonly port: number;
      readonly people: readonly Person[];
      readonly channel: string | null;
    }
  /** As fast as the server takes them: bursts of positions, each burst answered by a pong. */
  | { readonly kind: "flood"; readonly seconds: number; readonly burst: number }
  /** Each connection one position per interval. */
  | { readonly kind: "pace"; readonly seconds: number; readonly everyMs: number }
  | { readonly kind: "close" };

export type LoadReport =
  | { readonly kind: "connected"; readonly count: number }
  | {
      readonly kind: "sent";
      readonly positions: number;
      readonly pongs: number;
      readonly errors: number;
      readonly lost: number;
      readonly seconds: number;
    }
  /** Epoch milliseconds at which each subscriber had the event numbered `n`. */
  | { readonly kind: "heard"; readonly n: number; readonly at: readonly number[] };
