/**
 * The one table of rate limits: REST, the older paths, tRPC, sockets and webhooks all read it. A scope may have several
 * windows; a call passes when each of them lets it.
 */
export interface LimitWindow {
  readonly points: number;
  /** Whole seconds. */
  readonly per: number;
  /** Seconds that a call beyond this window locks its subject out, from that call on; further calls do not prolong it. */
  readonly lockSeconds?: number;
}

/** What is counted: the person signed in, the client's address, or what the caller names (a phone, a gateway, an account). */
export type LimitSubject = "actor" | "ip" | "named";

export interface LimitSpec {
  readonly by: LimitSubject;
  readonly windows: readonly LimitWindow[];
  /** What happens while no store can count: sign-in and codes are refused, all else is counted in memory. */
  readonly whenStoreIsAway: "memory" | "refuse";
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

const limit = (
  by: LimitSubject,
  windows: readonly (readonly [points: number, per: number, lockSeconds?: number])[],
  more: Partial<Pick<LimitSpec, "whenStoreIsAway">> = {},
): LimitSpec => ({
  by,
  windows: windows.map(([points, per, lockSeconds]) => ({
    points,
    per,
    ...(lockSeconds === undefined ? {} : { lockSeconds }),
  })),
  whenStoreIsAway: "memory",
  ...more,
});

export const LIMITS = {
  public: limit("ip", [[20, MINUTE]]),
  /** By address and account together: one office's people do not lock each other out. */
  "auth.login": limit("named", [[5, MINUTE]], { whenStoreIsAway: "refuse" }),
  /**
   * Sign-ins and codes of one address, whatever they say: bad bodies, guesses over many accounts, codes for many phones.
   * A sign-in that succeeds is given back.
   */
  "auth.address": limit("ip", [[60, MINUTE]]),
  /** Requests that say they are somebody's and are not, or nobody's where somebody must ask. */
  unauthenticated: limit("ip", [[600, MINUTE]]),
  "auth.register": limit("ip", [[10, MINUTE]]),
  "auth.password": limit("actor", [[3, MINUTE]]),
  "otp.generate": limit(
    "named",
    [
      [1, MINUTE],
      [5, HOUR],
      [10, DAY],
    ],
    { whenStoreIsAway: "refuse" },
  ),
  "otp.verify": limit(
    "named",
    [
      [5, MINUTE],
      [10, HOUR, HOUR],
    ],
    { whenStoreIsAway: "refuse" },
  ),
  "trip.accept": limit("actor", [[10, MINUTE]]),
  "trip.bid": limit("actor", [[20, MINUTE]]),
  "trip.create": limit("actor", [
    [10, MINUTE],
    [100, HOUR],
  ]),
  "trip.cancel": limit("actor", [[5, MINUTE]]),
  "location.update": limit("actor", [[100, MINUTE]]),
  "payment.attempt": limit("actor", [
    [3, MINUTE],
    [10, HOUR],
    [20, DAY],
  ]),
  "chat.send": limit("actor", [[30, MINUTE]]),
  /** By gateway and address. */
  webhook: limit("named", [[600, MINUTE]]),
  /** Trips wished for in one zone, by all its riders together; the configuration may set another number. */
  "zone.trips": limit("named", [[6000, MINUTE]]),
  /** Frames of a person's sockets, but positions: those are `location.update`. */
  "socket.message": limit("actor", [[120, MINUTE]]),
  /** All other calls of a customer, a driver, an operator. */
  user: limit("actor", [[60, MINUTE]]),
  driver: limit("actor", [[120, MINUTE]]),
  admin: limit("actor", [[300, MINUTE]]),
} as const satisfies Record<string, LimitSpec>;

/** Calls that the console may send in one request, which counts once; an app sends one. */
export const MAX_BATCH_CALLS = 10;

export type LimitScope = keyof typeof LIMITS;
/** What a procedure declares: a scope of its own, or the one of who calls. */
export type DeclaredLimit = LimitScope | "general";
export const LIMIT_SCOPES = Object.keys(LIMITS) as [LimitScope, ...LimitScope[]];
