import type { JsonObject } from "#server/domain/payments/webhooks/payload.ts";

/** Headers or query parameters as any server gives them; a repeated one may be an array. */
export type Bag = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One delivery. `rawBody` is the bytes as they came: a signature over anything re-serialised proves nothing. */
export interface WebhookRequest {
  readonly rawBody: Buffer;
  readonly headers: Bag;
  readonly query: Bag;
  readonly now: Date;
}
export interface SignedRequest<Secrets> extends WebhookRequest {
  readonly secrets: Secrets;
}

/**
 * Why a delivery is turned away.
 * `not_configured`: we have no secret, so nothing can be believed. `no_signature`: absent, repeated or not of its form.
 * `mismatch`: well-formed, and not made with our secret. `outside_tolerance`: stamped too long ago or ahead of us.
 * `malformed`: the body is not what this gateway sends. `untrusted`: a certificate, topic, store or address that is not pinned.
 * `certificate_unavailable`: the only one that a later delivery of the same bytes may pass: answer so that it is retried.
 */
export type RefusalReason =
  | "not_configured"
  | "no_signature"
  | "mismatch"
  | "outside_tolerance"
  | "malformed"
  | "untrusted"
  | "certificate_unavailable";
export interface Refused {
  readonly ok: false;
  readonly reason: RefusalReason;
}

/** What `parse` takes: plain JSON, so that it can be stored at the door and read in a job. */
export interface VerifiedEvent {
  readonly ok: true;
  readonly result: "event";
  /** The same for each delivery of one event; at most 255 printable ASCII characters. */
  readonly eventKey: string;
  readonly payload: JsonObject;
}
/** The sender asks us to confirm a subscription by a GET of `subscribeUrl`, whose host is pinned. No payment. */
export interface VerifiedSubscription {
  readonly ok: true;
  readonly result: "subscription";
  readonly eventKey: string;
  readonly subscribeUrl: string;
}
export type EventVerdict = VerifiedEvent | Refused;
export type Verdict = EventVerdict | VerifiedSubscription;

export const refused = (reason: RefusalReason): Refused => ({ ok: false, reason });
export const verifiedEvent = (eventKey: string, payload: JsonObject): VerifiedEvent => ({
  ok: true,
  result: "event",
  eventKey,
  payload,
});

/**
 * The value of a header or parameter, whatever its case. Null when absent, and also when it came more than once: which of
 * two signatures a proxy and we would each pick is not a question to answer.
 */
export function singleValue(bag: Bag, name: string): string | null {
  let found: string | null = null;
  for (const [key, value] of Object.entries(bag)) {
    if (value === undefined || key.toLowerCase() !== name) continue;
    if (typeof value !== "string" || found !== null) return null;
    found = value;
  }
  return found;
}

/** How far a stamp may be from our clock, in either direction: Stripe's own 300 s, and ours for MercadoPago. */
export const STAMP_TOLERANCE_MS = 300_000;

/** Both ways: a stamp from the future is as wrong as an old one, and stays valid for longer. */
export const withinTolerance = (stampMs: number, now: Date, toleranceMs = STAMP_TOLERANCE_MS): boolean =>
  Math.abs(now.getTime() - stampMs) <= toleranceMs;
