import type { PaymentEvent, PaymentEventKind } from "#server/contracts/payments.ts";
import {
  field,
  idOf,
  type JsonObject,
  parseJsonObject,
  textOf,
  timeOfMs,
  tripIdIn,
} from "#server/domain/payments/webhooks/payload.ts";
import { paymentEvent } from "#server/domain/payments/webhooks/payment-event.ts";
import { hmacMatches, hmacOf, isHexDigest, keyOf, unconfigured } from "#server/domain/payments/webhooks/signature.ts";
import {
  type EventVerdict,
  refused,
  type SignedRequest,
  singleValue,
  type VerifiedEvent,
  verifiedEvent,
} from "#server/domain/payments/webhooks/webhook.ts";

/** API secret keys: Iyzico has no secret for webhooks alone. */
export type IyzicoSecrets = readonly string[];

/** Types end in a letter and an id is all digits, so the border between those two cannot be moved. */
const TYPE = /^[A-Z][A-Z0-9_]{0,62}[A-Z]$/;
const STATUS = /^[A-Z][A-Z_]{1,40}$/;
const PAYMENT_ID = /^[1-9]\d{0,19}$/;
const TOKEN = /^[A-Za-z0-9-]{1,64}$/;

interface SignedFields {
  readonly type: string;
  readonly paymentId: string;
  /** Only in the checkout form's (HPP) webhook. */
  readonly token: string | null;
  readonly conversationId: string;
  readonly status: string;
}

const matching = (pattern: RegExp, value: unknown): string | null =>
  typeof value === "string" && pattern.test(value) ? value : null;

/**
 * The five signed values, by the form that the body has: with a `token` it is the checkout form's, without it the direct
 * one. Strict, because the signature joins them with no separator, and another split of the same text has the same one.
 */
function signedFieldsOf(body: JsonObject): SignedFields | null {
  const isHpp = Object.hasOwn(body, "token");
  const token = isHpp ? matching(TOKEN, body.token) : null;
  const type = matching(TYPE, field(body, "iyziEventType"));
  const id = idOf(field(body, isHpp ? "iyziPaymentId" : "paymentId"));
  const paymentId = id !== null && PAYMENT_ID.test(id) ? id : null;
  const conversationId = textOf(field(body, "paymentConversationId"));
  const status = matching(STATUS, field(body, "status"));
  if (type === null || paymentId === null || conversationId === null || status === null) return null;
  return isHpp && token === null ? null : { type, paymentId, token, conversationId, status };
}

/** The text under `X-IYZ-SIGNATURE-V3`; the secret key is inside it as well as being the HMAC's key [S,R]. */
export const iyzicoMessage = (secret: string, signed: SignedFields): string =>
  `${secret}${signed.type}${signed.paymentId}${signed.token ?? ""}${signed.conversationId}${signed.status}`;

/**
 * Five values are signed; the amount, `iyziReferenceCode` and the time are not, and there is no stamp: confirm by
 * `/payment/detail`. A replay with another reference code gets another key, and finds nothing left to do.
 */
export function verifyIyzico({ rawBody, headers, secrets }: SignedRequest<IyzicoSecrets>): EventVerdict {
  if (unconfigured(secrets)) return refused("not_configured");
  const given = singleValue(headers, "x-iyz-signature-v3");
  if (given === null || !isHexDigest("sha256", given)) return refused("no_signature");
  const body = parseJsonObject(rawBody);
  const signed = body === null ? null : signedFieldsOf(body);
  if (body === null || signed === null) return refused("malformed");
  const hmac = (secret: string): string => hmacOf("sha256", secret, [iyzicoMessage(secret, signed)]);
  if (!hmacMatches(secrets, given, hmac)) return refused("mismatch");
  const referenceCode = idOf(field(body, "iyziReferenceCode"));
  const eventTime = field(body, "iyziEventTime") ?? null;
  return verifiedEvent(keyOf(referenceCode, signed.paymentId, signed.type, signed.status), { ...signed, eventTime });
}

/** SUCCESS of an `…AUTH` is money taken, of a `…PREAUTH` money held [I]. INIT_/CALLBACK_THREEDS are on the way there. */
function kindOf(type: string, status: string): PaymentEventKind {
  if (status === "FAILURE") return "failed";
  if (status !== "SUCCESS" || !type.endsWith("AUTH")) return "unknown";
  return /PRE_?AUTH$/.test(type) ? "authorized" : "captured";
}

/** No capture, void, refund or chargeback is ever told: those are polled. */
export function parseIyzico({ eventKey, payload }: VerifiedEvent): PaymentEvent {
  const type = textOf(field(payload, "type")) ?? "";
  const conversationId = textOf(field(payload, "conversationId"));
  return paymentEvent("iyzico", eventKey, type, {
    kind: kindOf(type, textOf(field(payload, "status")) ?? ""),
    tripId: tripIdIn(conversationId),
    reference: conversationId,
    paymentId: idOf(field(payload, "paymentId")),
    occurredAt: timeOfMs(field(payload, "eventTime")),
  });
}
