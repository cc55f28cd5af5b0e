import type { AcceptAttempt, TimelineEntry, TripEffect } from "#server/contracts/console.ts";
import { type StoredEvent, toAttempt } from "#server/domain/ops/trip-view-store.ts";

type Words = { readonly title: string; readonly detail?: string | null; readonly tone?: TimelineEntry["tone"] };

const kilometres = (meters: unknown) => (typeof meters === "number" ? `${(meters / 1000).toFixed(1)} km away` : null);
const text = (value: unknown) => (typeof value === "string" ? value : null);

/** `84.50 EGP` from minor units. */
function fare(amount: unknown, currency: unknown): string | null {
  if (typeof amount !== "number" || typeof currency !== "string") return null;
  const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat("en", {
    style: "currency",
    currency,
  }).resolvedOptions();
  return `${(amount / 10 ** digits).toFixed(digits)} ${currency}`;
}

function attemptWords(attempt: AcceptAttempt): Words {
  const took = `${attempt.totalMs.toFixed(1)} ms`;
  switch (attempt.verdict) {
    case "won":
      return { title: `${attempt.driverName} accepted and won`, detail: took, tone: "good" };
    case "already_yours":
      return { title: `${attempt.driverName} accepted again: a retry, answered as a success`, detail: took };
    case "lost":
      return {
        title: `${attempt.driverName} accepted too late`,
        detail: `${attempt.detail ?? ""} ${took}`.trim(),
        tone: "warn",
      };
    case "refused":
      return {
        title: `${attempt.driverName} was refused`,
        detail: `${attempt.detail ?? attempt.code ?? ""} ${took}`.trim(),
        tone: "warn",
      };
  }
}

/** An event in words. Unknown kinds are shown by their name: nothing is hidden. */
function words(event: StoredEvent): Words {
  const driver = event.subject_name ?? "a driver";
  const { data } = event;
  switch (event.kind) {
    case "trip.created":
      return { title: "Trip requested", detail: text(data.zone) };
    case "offer.sent":
      return {
        title: `Offered to ${driver}`,
        detail: [
          `batch ${data.batch ?? "?"}`,
          kilometres(data.distanceMeters),
          typeof data.score === "number" ? `score ${data.score} s` : null,
        ]
          .filter(Boolean)
          .join(", "),
      };
    case "bid.placed":
      return { title: `${driver} named a fare`, detail: fare(data.amount, data.currency) };
    case "trip.assigned":
      return { title: `Given to ${driver} by hand`, detail: text(data.reason), tone: "good" };
    case "offer.expired":
      return { title: `${driver} did not answer in time`, tone: "warn" };
    case "offer.rejected":
      return { title: `${driver} declined` };
    case "dispatch.nobody_near":
      return {
        title: "No available driver near",
        detail: kilometres(data.radiusMeters)?.replace("away", "searched") ?? null,
        tone: "warn",
      };
    case "accept.attempt":
      return attemptWords(toAttempt(event));
    case "trip.accepted":
      return { title: "Side effects of the acceptance ran", tone: "good" };
    case "trip.arrived":
      return { title: "Driver arrived at the pickup" };
    case "trip.otp_refused":
      return { title: "Wrong code at the start", tone: "warn" };
    case "trip.started":
      return { title: "Trip started with the rider's code", tone: "good" };
    case "trip.completed":
      return { title: "Trip completed", tone: "good" };
    case "trip.cancelled":
      return { title: `Cancelled by the ${event.actor_type}`, detail: text(data.reason), tone: "bad" };
    case "trip.released":
      return { title: `Taken from ${driver} and put back to waiting`, detail: text(data.reason), tone: "warn" };
    case "trip.expired":
      return { title: "Expired: nobody took it in time", tone: "bad" };
    case "lock.released":
      return { title: "Lock released by hand", detail: text(data.reason), tone: "warn" };
    default:
      return event.kind.startsWith("payment.") ? paymentWords(event) : { title: event.kind };
  }
}

/** What a gateway's event says of the trip, and how that stands to what is due. */
function paymentWords({ kind, data }: StoredEvent): Words {
  const said = kind.slice("payment.".length).replaceAll("_", " ");
  const fits = data.verdict === "matched";
  return {
    title: `Payment ${said}, says ${text(data.gateway) ?? "the gateway"}`,
    detail: fits ? null : (text(data.detail) ?? text(data.verdict)),
    tone: fits ? "neutral" : "warn",
  };
}

const EFFECTS: Readonly<Record<string, string>> = {
  "otp.stored": "Code stored",
  "otp.push": "Code sent by push",
  "otp.sms": "Code sent by SMS",
  "offers.revoked": "Other offers closed",
  "route.calculated": "Way to the pickup calculated",
  "customer.told": "Rider told",
  "arrived.push": "Rider told: driver is here",
  "ongoing.push": "Rider told: on the way",
  "completed.push": "Rider told: arrived",
  "release.push": "Rider told: looking for another driver",
  "expire.push": "Rider told: no driver found",
  "cancel.push": "Rider told: cancelled",
  "cancel.push.driver": "Driver told: cancelled",
  "payment.event": "Gateway's event put on the timeline",
};

function effectEntry(effect: TripEffect): TimelineEntry {
  const name =
    EFFECTS[effect.effect] ?? (effect.effect.startsWith("offer.push.") ? "Offer pushed to a phone" : effect.effect);
  const done = effect.status === "done";
  return {
    id: `effect:${effect.effect}:${effect.subject}`,
    at: effect.doneAt ?? effect.claimedAt,
    kind: `effect.${effect.status}`,
    title: done ? name : `${name}: ${effect.status === "failed" ? "failed" : "under way"}`,
    detail: effect.error ?? (effect.attempts > 1 ? `${effect.attempts} attempts` : null),
    actor: "system",
    tone: done ? "neutral" : effect.status === "failed" ? "bad" : "warn",
    data: { effect: effect.effect, jobId: effect.jobId, attempts: effect.attempts },
  };
}

/** Events and effects in the order they happened. */
export function buildTimeline(events: readonly StoredEvent[], effects: readonly TripEffect[]): TimelineEntry[] {
  const told = events.map((event): TimelineEntry => {
    const { title, detail = null, tone = "neutral" } = words(event);
    const actor = event.actor_type === "system" ? "system" : (event.actor_name ?? event.actor_type);
    return { id: event.id, at: event.at.toISOString(), kind: event.kind, title, detail, actor, tone, data: event.data };
  });
  return [...told, ...effects.map(effectEntry)].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
