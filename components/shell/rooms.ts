"use client";

import {
  Banknote,
  Bell,
  Car,
  ClipboardList,
  Gauge,
  Hexagon,
  KeyRound,
  Layers,
  Lock,
  Map as MapIcon,
  MessageSquare,
  Radar,
  Route,
  ShieldCheck,
  SlidersHorizontal,
  TrendingUp,
  UserCog,
  Users,
  Webhook,
} from "lucide-react";
import { useOperator } from "#components/session/operator.tsx";
import type { Permission } from "#server/contracts/permissions.ts";

export interface RoomLink {
  readonly href: string;
  readonly label: string;
  /** The second key after `g`. */
  readonly key: string;
  readonly icon: typeof MapIcon;
  /** Who lacks it is not offered the room. */
  readonly permission: Permission;
  /** Other words one might search the palette for. */
  readonly also: string;
}

/** Only rooms that exist: the rail, the palette and the shortcuts all read this. */
const MAIN_ROOMS: readonly RoomLink[] = [
  {
    href: "/map",
    label: "Map",
    key: "m",
    icon: MapIcon,
    permission: "drivers.view",
    also: "live drivers dispatch home",
  },
  { href: "/trips", label: "Trips", key: "t", icon: Route, permission: "trips.view", also: "rides requests" },
  {
    href: "/drivers",
    label: "Drivers",
    key: "d",
    icon: Car,
    permission: "drivers.view",
    also: "people vehicles plates",
  },
];

export const ALERTS_HREF = "/ops/alerts";

const OPERATIONS_ROOMS: readonly RoomLink[] = [
  {
    href: ALERTS_HREF,
    label: "Alerts",
    key: "a",
    icon: Bell,
    permission: "alerts.view",
    also: "warnings under review abuse jumps",
  },
  {
    href: "/ops/locks",
    label: "Locks",
    key: "l",
    icon: Lock,
    permission: "locks.view",
    also: "trip lock ghosts orphaned stuck",
  },
  {
    href: "/ops/jobs",
    label: "Jobs",
    key: "j",
    icon: Layers,
    permission: "jobs.view",
    also: "queues failed retry outbox",
  },
  {
    href: "/ops/webhooks",
    label: "Webhooks",
    key: "w",
    icon: Webhook,
    permission: "webhooks.view",
    also: "gateways payments events inbox reprocess",
  },
  {
    href: "/ops/idempotency",
    label: "Idempotency",
    key: "k",
    icon: KeyRound,
    permission: "idempotency.view",
    also: "keys retries replays conflicts",
  },
  {
    href: "/ops/invariants",
    label: "Invariants",
    key: "i",
    icon: ShieldCheck,
    permission: "invariants.view",
    also: "checks consistency promise",
  },
  {
    href: "/ops/limits",
    label: "Limits",
    key: "r",
    icon: Gauge,
    permission: "limits.view",
    also: "rate limit refused calls 429 abuse flood",
  },
  {
    href: "/ops/messages",
    label: "Messages",
    key: "s",
    icon: MessageSquare,
    permission: "messages.view",
    also: "sms push recorder",
  },
];

const ZONES_HREF = "/zones";

const ZONE_ROOMS: readonly RoomLink[] = [
  {
    href: ZONES_HREF,
    label: "Zones",
    key: "z",
    icon: Hexagon,
    permission: "zones.manage",
    also: "polygons areas draw borders geojson import export",
  },
  {
    href: "/zones/fares",
    label: "Fares",
    key: "e",
    icon: Banknote,
    permission: "trips.view",
    also: "prices tariff base per kilometre minute",
  },
  {
    href: "/zones/surge",
    label: "Surge",
    key: "x",
    icon: TrendingUp,
    permission: "trips.view",
    also: "demand supply multiplier prices rush",
  },
  {
    href: "/zones/matching",
    label: "Matching",
    key: "h",
    icon: Radar,
    permission: "zones.manage",
    also: "dispatch offers batches radius bidding score scheduled",
  },
];

const SETTINGS_ROOMS: readonly RoomLink[] = [
  {
    href: "/settings/people",
    label: "People",
    key: "p",
    icon: Users,
    permission: "users.view",
    also: "operators invite accounts",
  },
  {
    href: "/settings/roles",
    label: "Roles",
    key: "o",
    icon: UserCog,
    permission: "users.view",
    also: "permissions access matrix",
  },
  {
    href: "/settings/business",
    label: "Business settings",
    key: "b",
    icon: SlidersHorizontal,
    permission: "settings.manage",
    also: "thresholds abuse limits",
  },
  {
    href: "/settings/audit",
    label: "Audit log",
    key: "u",
    icon: ClipboardList,
    permission: "audit.view",
    also: "history who changed what",
  },
];

export const isCurrent = (pathname: string, href: string): boolean =>
  // Fares, surge and matching have rooms of their own under the zones'.
  pathname === href || (href !== ZONES_HREF && pathname.startsWith(`${href}/`));

/** The rooms this operator may enter. */
export function useRooms() {
  const { permissions } = useOperator();
  const mine = (room: RoomLink) => permissions.includes(room.permission);
  const main = MAIN_ROOMS.filter(mine);
  const operations = OPERATIONS_ROOMS.filter(mine);
  const zones = ZONE_ROOMS.filter(mine);
  const settings = SETTINGS_ROOMS.filter(mine);
  return { main, operations, zones, settings, all: [...main, ...operations, ...zones, ...settings] };
}
