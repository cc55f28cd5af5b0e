/** Named permissions; the UI offers and the server allows what a role holds here, from this one table. */
export const PERMISSIONS = [
  "trips.view",
  "trips.cancel",
  "trips.release",
  "drivers.view",
  "locks.view",
  "locks.release",
  "jobs.view",
  "jobs.retry",
  "messages.view",
  "invariants.view",
] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const OPERATOR_ROLES = ["admin", "dispatcher", "finance", "support", "viewer"] as const;
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

const VIEWING: readonly Permission[] = ["trips.view", "drivers.view", "locks.view", "jobs.view", "invariants.view"];

const ROLES: Readonly<Record<OperatorRole, readonly Permission[]>> = {
  admin: PERMISSIONS,
  dispatcher: [...VIEWING, "trips.cancel", "trips.release", "locks.release", "jobs.retry", "messages.view"],
  finance: VIEWING,
  support: [...VIEWING, "trips.cancel", "messages.view"],
  viewer: VIEWING,
};

export const isOperatorRole = (role: string): role is OperatorRole =>
  (OPERATOR_ROLES as readonly string[]).includes(role);
export const permissionsOf = (role: OperatorRole): readonly Permission[] => ROLES[role];
