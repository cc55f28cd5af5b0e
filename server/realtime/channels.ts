import type { AppContext } from "#server/context.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { CHANNEL_PERMISSIONS } from "#server/contracts/permissions.ts";
import { channels } from "#server/contracts/realtime.ts";
import type { Trip } from "#server/contracts/trips.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";

/** The trip whose driver's positions a channel carries; null for every other channel. */
export function followedTrip(channel: string): string | null {
  const prefix = channels.driverLocation("");
  return channel.startsWith(prefix) ? channel.slice(prefix.length) : null;
}

/**
 * False when there is no such trip for `actor`; throws when that cannot be told now, as without the database.
 * `suits`: who was only asked for a waiting trip sees it, but must not follow what becomes of it.
 */
async function mayKnow(
  app: AppContext,
  actor: Actor,
  tripId: string,
  suits: (trip: Trip) => boolean = () => true,
): Promise<boolean> {
  if (!idSchema.safeParse(tripId).success) return false;
  try {
    const trip = await app.trips.get(actor, tripId);
    // Written otherwise, as in capitals, it is a channel on which nothing is ever said.
    return trip.id === tripId && suits(trip);
  } catch (error) {
    if (error instanceof DomainError && error.code === "NOT_FOUND") return false;
    throw error;
  }
}

async function operatorMayListen(app: AppContext, operatorId: string, name: string): Promise<boolean> {
  const permission = CHANNEL_PERMISSIONS[name];
  const held = await app.access.of(operatorId);
  if (permission === undefined || held === null) return false;
  return held.permissions.has(permission);
}

/** The channels of `open` that an operator may listen to no more. */
export async function lostChannels(app: AppContext, operatorId: string, open: Iterable<string>): Promise<string[]> {
  const lost: string[] = [];
  for (const channel of open)
    if (!(await operatorMayListen(app, operatorId, channel.split(".", 1)[0] ?? ""))) lost.push(channel);
  return lost;
}

/** Whether `actor` may listen to `channel`: one's own channels; a trip's people and operators for a trip's. Throws as `mayKnow`. */
export async function mayListen(app: AppContext, actor: Actor, channel: string): Promise<boolean> {
  const dot = channel.indexOf(".");
  const [name, subject] = dot < 0 ? [channel, ""] : [channel.slice(0, dot), channel.slice(dot + 1)];
  if (actor.type === "operator" && !(await operatorMayListen(app, actor.id, name))) return false;
  const ownOf = (type: Actor["type"]) =>
    actor.type === "operator" ? idSchema.safeParse(subject).success : actor.type === type && subject === actor.id;
  switch (name) {
    // What keeps a history is kept for each name: made-up ones would fill it.
    case "drivers_channel":
      return dot < 0 && actor.type !== "customer";
    case "users_channel":
      return dot < 0 && actor.type !== "driver";
    case "customer-trip-request":
    case "another-driver-trip-accepted":
    case "customer-trip-cancelled":
      return ownOf("driver");
    case "driver-trip-accepted":
      return ownOf("customer");
    case "trip":
      return mayKnow(app, actor, subject, (trip) => actor.type !== "driver" || trip.driverId === actor.id);
    case "driver-location":
      // Not for drivers: who was only offered the trip knows it too, and would follow the one who took it.
      return actor.type !== "driver" && mayKnow(app, actor, subject);
    default:
      return false;
  }
}

/** What an app listens to without asking: its own offers, or its own trips. */
export function ownChannels(actor: Actor): readonly string[] {
  if (actor.type === "driver")
    return [
      channels.offers(actor.id),
      channels.takenByAnother(actor.id),
      channels.cancelled(actor.id),
      "drivers_channel",
    ];
  if (actor.type === "customer") return [channels.accepted(actor.id), "users_channel"];
  return [];
}
