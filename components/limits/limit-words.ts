import { LIMITS, type LimitScope, type LimitSpec, type LimitWindow } from "#server/contracts/limits.ts";

const PER: Readonly<Record<number, string>> = { 60: "min", 3600: "h", 86400: "day" };

const windowWords = ({ points, per, lockSeconds }: LimitWindow): string =>
  `${points}/${PER[per] ?? `${per} s`}${lockSeconds === undefined ? "" : `, then locked ${lockSeconds / 3600} h`}`;

/** "10/min · 100/h" */
export const limitWords = (scope: LimitScope): string => LIMITS[scope].windows.map(windowWords).join(" · ");

const BY: Readonly<Record<LimitScope, string>> = {
  public: "address",
  "auth.login": "address and account",
  "auth.address": "address",
  unauthenticated: "address",
  "auth.register": "address",
  "auth.password": "person",
  "otp.generate": "phone",
  "otp.verify": "phone",
  "trip.accept": "driver",
  "trip.bid": "driver",
  "trip.create": "customer",
  "trip.cancel": "person",
  "location.update": "driver",
  "payment.attempt": "customer",
  "chat.send": "person",
  webhook: "gateway and address",
  "zone.trips": "zone",
  "socket.message": "person",
  user: "customer",
  driver: "driver",
  admin: "operator",
};
export const countedBy = (scope: LimitScope): string => BY[scope];

/** What happens while no store that all processes share can count. */
export const whenAway = (scope: LimitScope): string => {
  const spec: LimitSpec = LIMITS[scope];
  return spec.whenStoreIsAway === "refuse" ? "refused" : "counted by each process";
};
