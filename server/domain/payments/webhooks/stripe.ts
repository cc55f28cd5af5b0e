import type { Gateway, PaymentEvent, PaymentEventKind } from "#server/contracts/payments.ts";
import type { Money } from "#server/contracts/trips.ts";
import { moneyOfSubunits } from "#server/domain/payments/webhooks/minor-units.ts";
import {
  field,
  firstId,
  idOf,
  type JsonObject,
  parseJsonObject,
  textOf,
  timeOfSeconds,
  tripIdIn,
} from "#server/domain/payments/webhooks/payload.ts";
import { paymentEvent } from "#server/domain/payments/webhooks/payment-event.ts";
import {
  hmacMatches,
  hmacOf,
  isHexDigest,
  keyOf,
  keyOfBody,
  unconfigured,
} from "#server/domain/payments/webhooks/signature.ts";
import {
  type EventVerdict,
  refused,
  type SignedRequest,
  singleValue,
  type VerifiedEvent,
  verifiedEvent,
  withinTolerance,
} from "#server/domain/payments/webhooks/webhook.ts";

/** Endpoint secrets, each the whole `whsec_…`. */
export type StripeSecrets = readonly string[];

const STAMP = /^\d{1,11}$/;

/** `t=…,v1=…[,v1=…]`, other schemes (v0) passed over. Null when there is not exactly one stamp and a v1. */
function readHeader(header: string): { stamp: string; signatures: readonly string[] } | null {
  const stamps: string[] = [];
  const signatures: string[] = [];
  for (const part of header.split(",")) {
    const at = part.indexOf("=");
    const [scheme, value] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    if (scheme === "t") stamps.push(value);
    if (scheme === "v1") signatures.push(value);
  }
  const [stamp, ...more] = stamps;
  if (stamp === undefined || more.length > 0 || !STAMP.test(stamp)) return null;
  return signatures.length > 0 && signatures.every((hex) => isHexDigest("sha256", hex)) ? { stamp, signatures } : null;
}

/**
 * `Stripe-Signature`: hex HMAC-SHA256 of `${t}.${rawBody}`; any of the v1 may match [S,R]. Not the SDK's `constructEvent`:
 * that accepts stamps from the future, decodes the bytes before it hashes them and throws; the tests hold the two together.
 */
export function verifyStripe({ rawBody, headers, secrets, now }: SignedRequest<StripeSecrets>): EventVerdict {
  if (unconfigured(secrets)) return refused("not_configured");
  const header = singleValue(headers, "stripe-signature");
  const read = header === null ? null : readHeader(header);
  if (read === null) return refused("no_signature");
  const { stamp, signatures } = read;
  const hmac = (secret: string): string => hmacOf("sha256", secret, [stamp, ".", rawBody]);
  if (!signatures.some((given) => hmacMatches(secrets, given, hmac))) return refused("mismatch");
  if (!withinTolerance(Number(stamp) * 1000, now)) return refused("outside_tolerance");
  const payload = parseJsonObject(rawBody);
  if (payload === null) return refused("malformed");
  const id = idOf(field(payload, "id"));
  return verifiedEvent(id === null ? keyOfBody(rawBody) : keyOf(id), payload);
}

/**
 * Where Stripe's units are not ISO 4217's: MGA has no decimals there [3], ISK two, divisible by 100 [D]. UGX is in the list
 * of zero-decimal currencies [3], as it is in ISO; Stripe's special cases are said to want it ×100: confirm on a sandbox.
 */
const STRIPE_EXPONENTS = new Map([
  ["ISK", 2],
  ["MGA", 0],
]);

const REFUND_KINDS = new Map<unknown, PaymentEventKind>([
  ["pending", "refund_pending"],
  ["requires_action", "refund_pending"],
  ["succeeded", "refunded"],
  ["failed", "refund_failed"],
  ["canceled", "refund_failed"],
]);
/** `warning_closed` is an inquiry that ended without a chargeback [I]: nothing was lost. */
const DISPUTE_KINDS = new Map<unknown, PaymentEventKind>([
  ["won", "dispute_won"],
  ["warning_closed", "dispute_won"],
  ["lost", "dispute_lost"],
]);

type Said = Partial<Pick<PaymentEvent, "paymentId" | "refundId" | "disputeId">> & {
  readonly kind: PaymentEventKind;
  readonly amount: Money | null;
};

/** `charge.refunded` carries the sum of all refunds so far; what this one added is known only against what it was before. */
function refundedNow(object: unknown, event: unknown): unknown {
  const total = field(object, "amount_refunded");
  const before = field(event, "data", "previous_attributes", "amount_refunded");
  return typeof total === "number" && typeof before === "number" ? total - before : null;
}

function read(type: string, object: unknown, event: unknown): Said | null {
  const money = (key: string): Money | null =>
    moneyOfSubunits(field(object, key), field(object, "currency"), STRIPE_EXPONENTS);
  const own = idOf(field(object, "id"));
  /** Charges, refunds and disputes name the PaymentIntent that we know the payment by; older ones only the charge. */
  const payment = firstId(field(object, "payment_intent"), field(object, "charge"));
  const refund = (kind: PaymentEventKind): Said => ({
    kind,
    amount: money("amount"),
    paymentId: payment,
    refundId: own,
  });
  const dispute = (kind: PaymentEventKind): Said => ({
    kind,
    amount: money("amount"),
    paymentId: payment,
    disputeId: own,
  });
  switch (type) {
    case "payment_intent.succeeded":
      return { kind: "captured", amount: money("amount_received"), paymentId: own };
    case "payment_intent.payment_failed":
      return { kind: "failed", amount: money("amount"), paymentId: own };
    case "payment_intent.amount_capturable_updated":
      return { kind: "authorized", amount: money("amount_capturable"), paymentId: own };
    case "payment_intent.canceled":
      return { kind: "voided", amount: money("amount"), paymentId: own };
    case "charge.captured":
      return { kind: "captured", amount: money("amount_captured"), paymentId: payment ?? own };
    case "charge.expired":
      return { kind: "voided", amount: money("amount"), paymentId: payment ?? own };
    case "charge.refunded":
      return {
        kind: "refunded",
        amount: moneyOfSubunits(refundedNow(object, event), field(object, "currency"), STRIPE_EXPONENTS),
        paymentId: payment ?? own,
      };
    case "refund.created":
    case "refund.updated":
      return refund(REFUND_KINDS.get(field(object, "status")) ?? "unknown");
    case "refund.failed":
      return refund("refund_failed");
    case "charge.dispute.created":
      return dispute("dispute_opened");
    case "charge.dispute.closed":
      return dispute(DISPUTE_KINDS.get(field(object, "status")) ?? "dispute_updated");
    case "charge.dispute.updated":
    case "charge.dispute.funds_withdrawn":
    case "charge.dispute.funds_reinstated":
      return dispute("dispute_updated");
    default:
      return null;
  }
}

/** Stripe's events under a gateway's name: the sandbox speaks the same. */
export function parseStripeAs(gateway: Gateway, eventKey: string, event: JsonObject): PaymentEvent {
  const type = textOf(field(event, "type")) ?? "";
  const object = field(event, "data", "object");
  return paymentEvent(gateway, eventKey, type, {
    ...read(type, object, event),
    tripId: tripIdIn(field(object, "metadata", "trip_id")),
    occurredAt: timeOfSeconds(field(event, "created")),
  });
}

export const parseStripe = ({ eventKey, payload }: VerifiedEvent): PaymentEvent =>
  parseStripeAs("stripe", eventKey, payload);
