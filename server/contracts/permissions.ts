/**
 * Named permissions; what a role is made of. Which role holds which stands in the table `roles`, and is edited in the
 * console; procedures, sockets and the UI ask for these names.
 */
export const PERMISSIONS = [
  "trips.view",
  "trips.cancel",
  "trips.release",
  "trips.assign",
  "drivers.view",
  "drivers.review",
  "locks.view",
  "locks.release",
  "jobs.view",
  "jobs.retry",
  "messages.view",
  "invariants.view",
  "idempotency.view",
  "limits.view",
  "alerts.view",
  "alerts.resolve",
  "audit.view",
  "webhooks.view",
  "webhooks.retry",
  "payments.view",
  "payments.refund",
  "reconciliation.resolve",
  "reconciliation.approve",
  "zones.manage",
  "settings.manage",
  "users.view",
  "users.manage",
  "analytics.view",
] as const;
export type Permission = (typeof PERMISSIONS)[number];

const KNOWN: ReadonlySet<string> = new Set(PERMISSIONS);
export const isPermission = (name: string): name is Permission => KNOWN.has(name);

/** Holds every permission there is, also those that come later; cannot be edited. */
export const ADMIN_ROLE = "admin";
/** The roles that a new platform starts with: they can be edited, and not deleted. */
export const SYSTEM_ROLES = [ADMIN_ROLE, "dispatcher", "finance", "support", "viewer"] as const;

/** What an operator must hold to listen to a channel of the WebSocket, by the channel's name before its first dot. */
export const CHANNEL_PERMISSIONS: Readonly<Record<string, Permission>> = {
  drivers_channel: "drivers.view",
  users_channel: "trips.view",
  "customer-trip-request": "drivers.view",
  "another-driver-trip-accepted": "drivers.view",
  "customer-trip-cancelled": "drivers.view",
  "driver-trip-accepted": "trips.view",
  trip: "trips.view",
  "driver-location": "drivers.view",
};
