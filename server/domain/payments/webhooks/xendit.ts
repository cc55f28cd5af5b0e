import type { PaymentEvent, PaymentEventKind } from "#server/contracts/payments.ts";
import type { Money } from "#server/contracts/trips.ts";
import { moneyOfDecimal } from "#server/domain/payments/webhooks/minor-units.ts";
import {
  field,
  firstId,
  idOf,
  isObject,
  parseJsonObject,
  textOf,
  timeOfIso,
  tripIdIn,
} from "#server/domain/payments/webhooks/payload.ts";
import { paymentEvent } from "#server/domain/payments/webhooks/payment-event.ts";
import { keyOf, keyOfBody, sameSecret, unconfigured } from "#server/domain/payments/webhooks/signature.ts";
import {
  type EventVerdict,
  refused,
  type SignedRequest,
  singleValue,
  type VerifiedEvent,
  verifiedEvent,
} from "#server/domain/payments/webhooks/webhook.ts";

/** The dashboard's webhook verification tokens. */
export type XenditSecrets = readonly string[];

/** The refund's sample is nested twice, `data.data`. */
function dataOf(payload: unknown): unknown {
  const data = field(payload, "data");
  const inner = field(data, "data");
  return isObject(inner) ? inner : data;
}

/**
 * `x-callback-token` is a password, sent with each delivery: **nothing is signed and nothing is stamped**. Whoever has seen
 * one delivery can make any other, so a body is never more than a hint to fetch.
 */
export function verifyXendit({ rawBody, headers, secrets }: SignedRequest<XenditSecrets>): EventVerdict {
  if (unconfigured(secrets)) return refused("not_configured");
  const given = singleValue(headers, "x-callback-token");
  if (given === null || given === "") return refused("no_signature");
  if (!secrets.some((secret) => secret !== "" && sameSecret(secret, given))) return refused("mismatch");
  const payload = parseJsonObject(rawBody);
  if (payload === null) return refused("malformed");
  const delivery = idOf(singleValue(headers, "webhook-id"));
  if (delivery !== null) return verifiedEvent(keyOf("webhook", delivery), payload);
  const type = textOf(field(payload, "event"));
  const data = dataOf(payload);
  // A payment's event names its payment (or capture) first; a refund's and a dispute's `id` is its own.
  const subject =
    type?.startsWith("refund.") || type?.startsWith("dispute.")
      ? firstId(field(data, "id"))
      : firstId(field(data, "payment_id"), field(data, "capture_id"), field(data, "payment_request_id"));
  return verifiedEvent(type === null || subject === null ? keyOfBody(rawBody) : keyOf(subject, type), payload);
}

const KINDS = new Map<string, PaymentEventKind>([
  ["payment.authorization", "authorized"],
  ["payment.capture", "captured"],
  ["payment.failure", "failed"],
  ["payment_request.expiry", "failed"],
  ["refund.succeeded", "refunded"],
  ["refund.failed", "refund_failed"],
  ["dispute.action_required", "dispute_opened"],
  ["dispute.under_review", "dispute_updated"],
  ["dispute.won", "dispute_won"],
  ["dispute.lost", "dispute_lost"],
]);

function kindOf(type: string, data: unknown): PaymentEventKind {
  if (type === "payment.capture" && field(data, "status") !== "SUCCEEDED") return "unknown";
  return KINDS.get(type) ?? "unknown";
}

/** Major units, as a number or as text. Rupiah have no decimals at Xendit [I], though ISO 4217 gives them two. */
function amountOf(data: unknown): Money | null {
  const currency = field(data, "currency");
  const captured = field(data, "captures", "0", "capture_amount");
  const amount = captured ?? field(data, "amount") ?? field(data, "request_amount");
  return moneyOfDecimal(amount, currency, currency === "IDR" ? 0 : undefined);
}

export function parseXendit({ eventKey, payload }: VerifiedEvent): PaymentEvent {
  const type = textOf(field(payload, "event")) ?? "";
  const data = dataOf(payload);
  const kind = kindOf(type, data);
  const own = idOf(field(data, "id"));
  return paymentEvent("xendit", eventKey, type, {
    kind,
    amount: kind === "unknown" ? null : amountOf(data),
    tripId: tripIdIn(field(data, "metadata", "trip_id"), field(data, "reference_id")),
    reference: textOf(field(data, "reference_id")),
    paymentId: firstId(field(data, "payment_id"), field(data, "payment_request_id")),
    refundId: type.startsWith("refund.") ? own : null,
    disputeId: type.startsWith("dispute.") ? own : null,
    occurredAt: timeOfIso(field(payload, "created")),
  });
}
