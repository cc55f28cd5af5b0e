import type { PaymentEvent, PaymentEventKind } from "#server/contracts/payments.ts";
import { moneyOfDecimal } from "#server/domain/payments/webhooks/minor-units.ts";
import { field, idOf, parseJsonObject, textOf, timeOfIso, tripIdIn } from "#server/domain/payments/webhooks/payload.ts";
import { paymentEvent } from "#server/domain/payments/webhooks/payment-event.ts";
import { hmacMatches, hmacOf, isHexDigest, keyOf, unconfigured } from "#server/domain/payments/webhooks/signature.ts";
import {
  type EventVerdict,
  refused,
  type SignedRequest,
  singleValue,
  type VerifiedEvent,
  verifiedEvent,
  withinTolerance,
} from "#server/domain/payments/webhooks/webhook.ts";

/** The application's webhook secrets, not its access token. */
export type MercadoPagoSecrets = readonly string[];

/** Neither may hold a `;`: with one, another split of the same signed text would pass. */
const DATA_ID = /^[A-Za-z0-9_-]{1,64}$/;
const REQUEST_ID = /^[A-Za-z0-9_.:-]{1,128}$/;
const STAMP = /^\d{10}(?:\d{3})?$/;

/** `ts=…,v1=…`; null unless there is exactly one of each and both have their form. */
function readHeader(header: string): { stamp: string; signature: string } | null {
  const pairs = header.split(",").map((pair) => pair.trim().split("="));
  const valuesOf = (name: string): string[] => pairs.filter(([key]) => key === name).map(([, value]) => value ?? "");
  const [stamp, ...moreStamps] = valuesOf("ts");
  const [signature, ...moreSignatures] = valuesOf("v1");
  if (stamp === undefined || signature === undefined || moreStamps.length + moreSignatures.length > 0) return null;
  return STAMP.test(stamp) && isHexDigest("sha256", signature) ? { stamp, signature } : null;
}

/** The signed text; a pair that was not sent is left out. */
export const manifestOf = (dataId: string, requestId: string | null, stamp: string): string =>
  `id:${dataId};${requestId === null ? "" : `request-id:${requestId};`}ts:${stamp};`;

/**
 * `x-signature` over the query's `data.id`, `x-request-id` and the stamp. **The body is not signed**: nothing is taken from
 * it but names, and the payment must be fetched by the signed id. QR notifications have no signature and are refused.
 *
 * The stamp is in seconds or milliseconds, told by its length, and signed as written; a window of 300 s takes it that a
 * retry is stamped anew [I]: if it is not, what a retry would have said is found by reconciliation. The documentation
 * lower-cases an alphanumeric id and the SDKs do not: either is accepted. The event key holds the notification's own id,
 * which is not signed, beside the signed one: it can at worst hide another notification of the same payment [I].
 */
export function verifyMercadoPago(request: SignedRequest<MercadoPagoSecrets>): EventVerdict {
  const { headers, query, secrets, now } = request;
  if (unconfigured(secrets)) return refused("not_configured");
  const header = singleValue(headers, "x-signature");
  const read = header === null ? null : readHeader(header);
  if (read === null) return refused("no_signature");
  const dataId = singleValue(query, "data.id");
  const requestId = singleValue(headers, "x-request-id");
  // Without an id nothing signed says what this is about.
  if (dataId === null || !DATA_ID.test(dataId)) return refused("malformed");
  if (requestId !== null && !REQUEST_ID.test(requestId)) return refused("malformed");
  const matches = [dataId, dataId.toLowerCase()].some((id) =>
    hmacMatches(secrets, read.signature, (secret) => hmacOf("sha256", secret, [manifestOf(id, requestId, read.stamp)])),
  );
  if (!matches) return refused("mismatch");
  const stampMs = Number(read.stamp) * (read.stamp.length === 10 ? 1000 : 1);
  if (!withinTolerance(stampMs, now)) return refused("outside_tolerance");
  const body = parseJsonObject(request.rawBody);
  if (body === null) return refused("malformed");
  const type = singleValue(query, "type") ?? textOf(field(body, "type"));
  const action = textOf(field(body, "action"));
  const notificationId = idOf(field(body, "id"));
  const payload = { type, action, dataId, dateCreated: field(body, "date_created") ?? null };
  return verifiedEvent(keyOf(type, dataId, action, notificationId), payload);
}

/** What a notification says: only where to look. `unknown`, with the payment's or the chargeback's id. */
export function parseMercadoPago({ eventKey, payload }: VerifiedEvent): PaymentEvent {
  const type = textOf(field(payload, "type")) ?? "";
  const dataId = idOf(field(payload, "dataId"));
  return paymentEvent("mercadopago", eventKey, textOf(field(payload, "action")) ?? type, {
    paymentId: type === "payment" ? dataId : null,
    disputeId: type === "topic_chargebacks_wh" ? dataId : null,
    occurredAt: timeOfIso(field(payload, "dateCreated")),
  });
}

/** `charged_back` and `in_mediation` are a dispute's beginning; how it ends is on the chargeback [I]. */
const KINDS = new Map<unknown, PaymentEventKind>([
  ["approved", "captured"],
  ["authorized", "authorized"],
  ["rejected", "failed"],
  ["cancelled", "voided"],
  ["refunded", "refunded"],
  ["charged_back", "dispute_opened"],
  ["in_mediation", "dispute_opened"],
]);

/**
 * The event that a payment fetched by `GET /v1/payments/{id}` amounts to: this, not the notification, moves money. Its
 * key is (payment, id, status, date_last_updated) [I]. Null when the answer is not the payment that was asked for.
 */
export function eventOfMercadoPagoPayment(paymentId: string, payment: unknown): PaymentEvent | null {
  const status = textOf(field(payment, "status"));
  const updatedAt = textOf(field(payment, "date_last_updated"));
  if (idOf(field(payment, "id")) !== paymentId || status === null) return null;
  const refunded = status === "refunded";
  return {
    ...paymentEvent("mercadopago", keyOf("payment", paymentId, status, updatedAt), `payment:${status}`, {
      kind: KINDS.get(status) ?? "unknown",
      amount: moneyOfDecimal(
        field(payment, refunded ? "transaction_amount_refunded" : "transaction_amount"),
        field(payment, "currency_id"),
      ),
      tripId: tripIdIn(field(payment, "external_reference"), field(payment, "metadata", "trip_id")),
      reference: textOf(field(payment, "external_reference")),
      paymentId,
      occurredAt: timeOfIso(updatedAt),
    }),
    // Straight from the gateway over TLS.
    amountIsSigned: true,
  };
}

/**
 * The event that a chargeback fetched by `GET /v1/chargebacks/{id}` amounts to. `coverage_applied` is null while it is
 * open, then whether we were covered [I]. Null when the answer is not the chargeback that was asked for.
 */
export function eventOfMercadoPagoChargeback(disputeId: string, chargeback: unknown): PaymentEvent | null {
  if (idOf(field(chargeback, "id")) !== disputeId) return null;
  const covered = field(chargeback, "coverage_applied");
  const kind = covered === true ? "dispute_won" : covered === false ? "dispute_lost" : "dispute_opened";
  const updatedAt = textOf(field(chargeback, "date_last_updated"));
  return {
    ...paymentEvent("mercadopago", keyOf("chargeback", disputeId, kind, updatedAt), `chargeback:${kind}`, {
      kind,
      amount: moneyOfDecimal(field(chargeback, "amount"), field(chargeback, "currency")),
      paymentId: idOf(field(chargeback, "payments", "0")),
      disputeId,
      occurredAt: timeOfIso(updatedAt),
    }),
    amountIsSigned: true,
  };
}
