/** Named permissions; what a role is made of. The UI offers and the server allows what an operator holds, from one table. */
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

export const OPERATOR_ROLES = ["admin", "dispatcher", "finance", "support", "viewer"] as const;
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

const VIEWING: readonly Permission[] = ["trips.view", "drivers.view", "locks.view", "jobs.view", "invariants.view"];
const WATCHING: readonly Permission[] = [
  ...VIEWING,
  "idempotency.view",
  "limits.view",
  "alerts.view",
  "analytics.view",
];

const ROLES: Readonly<Record<OperatorRole, readonly Permission[]>> = {
  admin: PERMISSIONS,
  dispatcher: [
    ...WATCHING,
    "trips.cancel",
    "trips.release",
    "trips.assign",
    "drivers.review",
    "locks.release",
    "jobs.retry",
    "messages.view",
    "alerts.resolve",
  ],
  finance: [
    ...WATCHING,
    "webhooks.view",
    "webhooks.retry",
    "payments.view",
    "payments.refund",
    "reconciliation.resolve",
    "audit.view",
  ],
  support: [...WATCHING, "trips.cancel", "messages.view", "payments.view"],
  viewer: VIEWING,
};

export const isOperatorRole = (role: string): role is OperatorRole =>
  (OPERATOR_ROLES as readonly string[]).includes(role);
export const permissionsOf = (role: OperatorRole): readonly Permission[] => ROLES[role];
