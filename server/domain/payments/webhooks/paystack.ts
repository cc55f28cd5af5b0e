import type { PaymentEvent, PaymentEventKind } from "#server/contracts/payments.ts";
import { moneyOfSubunits } from "#server/domain/payments/webhooks/minor-units.ts";
import {
  field,
  firstId,
  idOf,
  isObject,
  type JsonObject,
  parseJsonObject,
  textOf,
  timeOfIso,
  tripIdIn,
} from "#server/domain/payments/webhooks/payload.ts";
import { paymentEvent } from "#server/domain/payments/webhooks/payment-event.ts";
import { keyOf, keyOfBody, verifyBodyHmac } from "#server/domain/payments/webhooks/signature.ts";
import {
  type EventVerdict,
  type SignedRequest,
  type VerifiedEvent,
  verifiedEvent,
} from "#server/domain/payments/webhooks/webhook.ts";

/** Secret API keys (`sk_…`): Paystack has no secret for webhooks alone. */
export type PaystackSecrets = readonly string[];

/**
 * `x-paystack-signature`: hex HMAC-SHA512 of the raw body; no stamp. The key is (event, `data.id` or `data.reference`), for
 * refunds `refund_reference`, which may be null: then the body's hash [I].
 */
export function verifyPaystack(request: SignedRequest<PaystackSecrets>): EventVerdict {
  const body = verifyBodyHmac(request, "x-paystack-signature", "sha512");
  if (!body.ok) return body;
  const type = textOf(field(body.payload, "event"));
  const data = field(body.payload, "data");
  const subject = type?.startsWith("refund.")
    ? idOf(field(data, "refund_reference"))
    : firstId(field(data, "id"), field(data, "reference"));
  const key = type === null || subject === null ? keyOfBody(request.rawBody) : keyOf(type, subject);
  return verifiedEvent(key, body.payload);
}

/** There is no `charge.failed`: a charge that nobody confirms is looked up (`/transaction/verify`). */
const KINDS = new Map<string, PaymentEventKind>([
  ["charge.success", "captured"],
  ["preauthorization.reserve.success", "authorized"],
  ["preauthorization.capture.success", "captured"],
  ["preauthorization.capture.failed", "failed"],
  ["preauthorization.release.success", "voided"],
  ["refund.pending", "refund_pending"],
  ["refund.processing", "refund_pending"],
  ["refund.needs-attention", "refund_pending"],
  ["refund.processed", "refunded"],
  ["refund.failed", "refund_failed"],
  ["charge.dispute.create", "dispute_opened"],
  ["charge.dispute.remind", "dispute_updated"],
]);

/** How a dispute was resolved, from the merchant's side [I]; anything else has to be looked up. */
const RESOLUTIONS = new Map<unknown, PaymentEventKind>([
  ["merchant-accepted", "dispute_lost"],
  ["declined", "dispute_won"],
]);

/** Paystack counts XOF in hundredths although it has none; such an amount must come out whole [I]. */
const PAYSTACK_EXPONENTS = new Map([["XOF", 2]]);

/** Metadata come as an object, as its JSON text, as "" or as null. */
function metadataOf(data: unknown): JsonObject | null {
  const metadata = field(data, "metadata");
  if (typeof metadata === "string") return parseJsonObject(metadata);
  return isObject(metadata) ? metadata : null;
}

function kindOf(type: string, data: unknown): PaymentEventKind {
  if (type === "charge.dispute.resolve") return RESOLUTIONS.get(field(data, "resolution")) ?? "dispute_updated";
  return KINDS.get(type) ?? "unknown";
}

export function parsePaystack({ eventKey, payload }: VerifiedEvent): PaymentEvent {
  const type = textOf(field(payload, "event")) ?? "";
  const data = field(payload, "data");
  const isRefund = type.startsWith("refund.");
  const isDispute = type.startsWith("charge.dispute.");
  const kind = kindOf(type, data);
  /** Disputes carry the transaction inside; refunds name its reference only. */
  const transaction = isDispute ? field(data, "transaction") : data;
  const reference = isRefund ? field(data, "transaction_reference") : field(transaction, "reference");
  const amount = isDispute ? (field(data, "refund_amount") ?? field(transaction, "amount")) : field(data, "amount");
  const currency = field(data, "currency") ?? field(transaction, "currency");
  return paymentEvent("paystack", eventKey, type, {
    kind,
    amount: kind === "unknown" ? null : moneyOfSubunits(amount, currency, PAYSTACK_EXPONENTS),
    tripId: tripIdIn(field(metadataOf(transaction), "trip_id"), reference),
    reference: textOf(reference),
    paymentId: isRefund ? null : idOf(field(transaction, "id")),
    refundId: isRefund ? firstId(field(data, "refund_reference"), field(data, "id")) : null,
    disputeId: isDispute ? idOf(field(data, "id")) : null,
    occurredAt: timeOfIso(field(data, "paid_at") ?? field(data, "resolvedAt") ?? field(data, "created_at")),
  });
}
