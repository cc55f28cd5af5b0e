import type { PaymentEvent, PaymentEventKind } from "#server/contracts/payments.ts";
import { moneyOfSubunits } from "#server/domain/payments/webhooks/minor-units.ts";
import { field, firstId, idOf, textOf, timeOfSeconds, tripIdIn } from "#server/domain/payments/webhooks/payload.ts";
import { paymentEvent } from "#server/domain/payments/webhooks/payment-event.ts";
import { keyOf, keyOfBody, verifyBodyHmac } from "#server/domain/payments/webhooks/signature.ts";
import {
  type EventVerdict,
  type SignedRequest,
  type VerifiedEvent,
  verifiedEvent,
} from "#server/domain/payments/webhooks/webhook.ts";

/** *Webhook* secrets, not API keys. After a rotation, retries of older events still carry the old one [D]. */
export type RazorpaySecrets = readonly string[];

/** The entity that an event is about: the last that is named in it (a refund's event carries its payment too). */
function subjectOf(type: string): "payment" | "refund" | "dispute" {
  if (type.startsWith("refund.")) return "refund";
  return type.startsWith("payment.dispute.") ? "dispute" : "payment";
}

/**
 * `X-Razorpay-Signature`: hex HMAC-SHA256 of the raw body; no stamp. The key is made of signed content only: the header
 * `x-razorpay-event-id` is not signed, so a replay could take a new one, or take the id of an event yet to come and have
 * that one dropped. `created_at` keeps apart the steps of a dispute that come twice; that a retry repeats it is [I].
 */
export function verifyRazorpay(request: SignedRequest<RazorpaySecrets>): EventVerdict {
  const body = verifyBodyHmac(request, "x-razorpay-signature", "sha256");
  if (!body.ok) return body;
  const type = textOf(field(body.payload, "event"));
  const entity = type === null ? null : idOf(field(body.payload, "payload", subjectOf(type), "entity", "id"));
  const key =
    entity === null ? keyOfBody(request.rawBody) : keyOf(type, entity, firstId(field(body.payload, "created_at")));
  return verifiedEvent(key, body.payload);
}

const KINDS = new Map<string, PaymentEventKind>([
  ["payment.authorized", "authorized"],
  ["payment.captured", "captured"],
  ["order.paid", "captured"],
  ["payment.failed", "failed"],
  ["refund.created", "refund_pending"],
  ["refund.processed", "refunded"],
  ["refund.failed", "refund_failed"],
  ["payment.dispute.created", "dispute_opened"],
  ["payment.dispute.won", "dispute_won"],
  ["payment.dispute.lost", "dispute_lost"],
  ["payment.dispute.closed", "dispute_updated"],
  ["payment.dispute.under_review", "dispute_updated"],
  ["payment.dispute.action_required", "dispute_updated"],
]);

export function parseRazorpay({ eventKey, payload }: VerifiedEvent): PaymentEvent {
  const type = textOf(field(payload, "event")) ?? "";
  const subject = subjectOf(type);
  const payment = field(payload, "payload", "payment", "entity");
  const order = field(payload, "payload", "order", "entity");
  const entity = field(payload, "payload", subject, "entity");
  const ownId = idOf(field(entity, "id"));
  const said = KINDS.get(type) ?? "unknown";
  // There is no event for a void: an authorisation that nobody captured is "refunded" by Razorpay itself.
  const released = (said === "refund_pending" || said === "refunded") && field(payment, "captured") === false;
  return paymentEvent("razorpay", eventKey, type, {
    kind: released ? "voided" : said,
    // Subunits of the currency, by ISO 4217 [I for the three-decimal ones].
    amount: said === "unknown" ? null : moneyOfSubunits(field(entity, "amount"), field(entity, "currency")),
    // Notes come as `[]` when there are none (PHP).
    tripId: tripIdIn(
      field(payment, "notes", "trip_id"),
      field(entity, "notes", "trip_id"),
      field(order, "notes", "trip_id"),
      field(order, "receipt"),
    ),
    reference: firstId(field(order, "receipt"), field(payment, "order_id")),
    paymentId: firstId(field(payment, "id"), field(entity, "payment_id")),
    refundId: subject === "refund" ? ownId : null,
    disputeId: subject === "dispute" ? ownId : null,
    occurredAt: timeOfSeconds(field(payload, "created_at")),
  });
}
