import { PERMISSIONS, type Permission } from "#server/contracts/permissions.ts";

const WORDS: Readonly<Record<Permission, string>> = {
  "trips.view": "See trips, the map and the search",
  "trips.cancel": "Cancel a trip",
  "trips.release": "Take a trip from its driver",
  "trips.assign": "Give a trip to a driver",
  "drivers.view": "See drivers and where they are",
  "drivers.review": "End a driver's review",
  "locks.view": "See trip locks",
  "locks.release": "Release locks, free ghost drivers",
  "jobs.view": "See queues and jobs",
  "jobs.retry": "Retry and discard jobs, pause queues",
  "messages.view": "See recorded messages",
  "invariants.view": "Run the invariant checks",
  "idempotency.view": "See idempotency keys",
  "limits.view": "See rate limits and who hit them",
  "alerts.view": "See alerts",
  "alerts.resolve": "Resolve alerts",
  "audit.view": "See and export the audit log",
  "webhooks.view": "See gateways' events",
  "webhooks.retry": "Process an event again",
  "payments.view": "See payments",
  "payments.refund": "Refund a payment",
  "reconciliation.resolve": "Resolve a discrepancy",
  "reconciliation.approve": "Approve a resolution",
  "zones.manage": "Change zones and fares",
  "settings.manage": "Change roles and business settings",
  "users.view": "See people and roles",
  "users.manage": "Invite people, change their role",
  "analytics.view": "See reports",
};

/** Every permission with what it lets one do, by area, in the table's order. */
export const PERMISSION_AREAS: readonly {
  readonly area: string;
  readonly permissions: readonly { readonly name: Permission; readonly words: string }[];
}[] = [...new Set(PERMISSIONS.map((name) => name.split(".", 1)[0] ?? ""))].map((area) => ({
  area: `${area.charAt(0).toUpperCase()}${area.slice(1)}`,
  permissions: PERMISSIONS.filter((name) => name.startsWith(`${area}.`)).map((name) => ({ name, words: WORDS[name] })),
}));
