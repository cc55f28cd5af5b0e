import type { AppContext } from "#server/context.ts";
import { channels } from "#server/contracts/realtime.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";

/** Whether `actor` may listen to `channel`: one's own channels; a trip's people and operators for a trip's. */
export async function mayListen(app: AppContext, actor: Actor, channel: string): Promise<boolean> {
  const dot = channel.indexOf(".");
  const [name, subject] = dot < 0 ? [channel, ""] : [channel.slice(0, dot), channel.slice(dot + 1)];
  switch (name) {
    case "drivers_channel":
      return actor.type !== "customer";
    case "users_channel":
      return actor.type !== "driver";
    case "customer-trip-request":
    case "another-driver-trip-accepted":
    case "customer-trip-cancelled":
      return actor.type === "operator" || (actor.type === "driver" && subject === actor.id);
    case "driver-trip-accepted":
      return actor.type === "operator" || (actor.type === "customer" && subject === actor.id);
    case "trip":
    case "driver-location":
      return app.trips.get(actor, subject).then(
        () => true,
        () => false,
      );
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
