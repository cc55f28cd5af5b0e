import { DomainError } from "#server/contracts/errors.ts";
import type { TripStatus } from "#server/contracts/trips.ts";

/**
 * The life of a trip:
 * pending → accepted → arrived → ongoing → completed; cancelled from the first three; expired from pending;
 * accepted → pending on release.
 */
export const TRIP_ACTIONS = ["accept", "arrive", "start", "complete", "cancel", "expire", "release"] as const;
export type TripAction = (typeof TRIP_ACTIONS)[number];

const TRANSITIONS: Readonly<Record<TripAction, { readonly from: readonly TripStatus[]; readonly to: TripStatus }>> = {
  accept: { from: ["pending"], to: "accepted" },
  arrive: { from: ["accepted"], to: "arrived" },
  start: { from: ["arrived"], to: "ongoing" },
  complete: { from: ["ongoing"], to: "completed" },
  cancel: { from: ["pending", "accepted", "arrived"], to: "cancelled" },
  expire: { from: ["pending"], to: "expired" },
  release: { from: ["accepted"], to: "pending" },
};

/** States in which a driver is bound to the trip. The partial unique index `one_live_trip_per_driver` names the same. */
export const LIVE_STATUSES = ["accepted", "arrived", "ongoing"] as const satisfies readonly TripStatus[];

export const isLive = (status: TripStatus): boolean => (LIVE_STATUSES as readonly TripStatus[]).includes(status);

/** Where `action` leads from `status`; null when it is not allowed there. */
export function next(status: TripStatus, action: TripAction): TripStatus | null {
  const transition = TRANSITIONS[action];
  return transition.from.includes(status) ? transition.to : null;
}

/** As `next`, but throws INVALID_TRANSITION with a sentence for people. */
export function nextOrThrow(status: TripStatus, action: TripAction): TripStatus {
  const to = next(status, action);
  if (to === null) {
    throw new DomainError(
      "INVALID_TRANSITION",
      `A trip that is ${status} cannot be changed by "${action}"; that needs ${TRANSITIONS[action].from.join(" or ")}.`,
    );
  }
  return to;
}
