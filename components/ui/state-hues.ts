import type { DriverMapState, LockVerdict } from "#server/contracts/console.ts";
import type { Availability, TripStatus } from "#server/contracts/trips.ts";

/** The seven hues of `app/tokens.css`, by the class that sets them. */
export type Hue = "pending" | "accepted" | "arrived" | "ongoing" | "completed" | "cancelled" | "attention";

export const HUE_CLASS = {
  pending: "hue-pending",
  accepted: "hue-accepted",
  arrived: "hue-arrived",
  ongoing: "hue-ongoing",
  completed: "hue-completed",
  cancelled: "hue-cancelled",
  attention: "hue-attention",
} as const satisfies Record<Hue, string>;

export interface StateLook {
  readonly label: string;
  readonly hue: Hue;
  /** An open ring instead of a dot: tells apart two states of one hue without colour. */
  readonly hollow?: boolean;
}

export const TRIP_LOOK = {
  pending: { label: "Pending", hue: "pending" },
  accepted: { label: "Accepted", hue: "accepted" },
  arrived: { label: "Arrived", hue: "arrived" },
  ongoing: { label: "Ongoing", hue: "ongoing" },
  completed: { label: "Completed", hue: "completed" },
  cancelled: { label: "Cancelled", hue: "cancelled" },
  expired: { label: "Expired", hue: "cancelled", hollow: true },
} as const satisfies Record<TripStatus, StateLook>;

export const DRIVER_LOOK = {
  available: { label: "Available", hue: "ongoing" },
  offered: { label: "Offered", hue: "pending" },
  on_trip: { label: "On trip", hue: "accepted" },
  stale: { label: "Stale", hue: "attention" },
  temporarily_offline: { label: "Temporarily offline", hue: "completed" },
  under_review: { label: "Under review", hue: "cancelled" },
  offline: { label: "Offline", hue: "completed", hollow: true },
} as const satisfies Record<DriverMapState, StateLook>;

export const AVAILABILITY_LOOK = {
  available: { label: "Available", hue: "ongoing" },
  on_trip: { label: "On trip", hue: "accepted" },
  on_bidding: { label: "Bidding", hue: "pending" },
  unavailable: { label: "Unavailable", hue: "completed", hollow: true },
} as const satisfies Record<Availability, StateLook>;

export const VERDICT_LOOK = {
  healthy: { label: "Healthy", hue: "ongoing" },
  in_flight: { label: "In flight", hue: "accepted" },
  orphaned: { label: "Orphaned", hue: "attention" },
  foreign: { label: "Foreign", hue: "cancelled" },
  overdue: { label: "Overdue", hue: "pending" },
  no_ttl: { label: "No TTL", hue: "attention", hollow: true },
  unknown_trip: { label: "Unknown trip", hue: "attention", hollow: true },
} as const satisfies Record<LockVerdict, StateLook>;

export const TRIP_STATES = Object.keys(TRIP_LOOK) as TripStatus[];
export const DRIVER_STATES = Object.keys(DRIVER_LOOK) as DriverMapState[];
export const VERDICTS = Object.keys(VERDICT_LOOK) as LockVerdict[];
