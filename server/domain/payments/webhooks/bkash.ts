import { verify as verifySignature } from "node:crypto";
import type { PaymentEvent } from "#server/contracts/payments.ts";
import { moneyOfDecimal } from "#server/domain/payments/webhooks/minor-units.ts";
import {
  field,
  type JsonObject,
  parseJsonObject,
  textOf,
  timeOfIso,
  tripIdIn,
} from "#server/domain/payments/webhooks/payload.ts";
import { paymentEvent } from "#server/domain/payments/webhooks/payment-event.ts";
import { keyOf, sameSecret, unconfigured } from "#server/domain/payments/webhooks/signature.ts";
import { certificateAddress, subscribeAddress } from "#server/domain/payments/webhooks/sns-address.ts";
import type { SigningKey, SigningKeys } from "#server/domain/payments/webhooks/sns-certificate.ts";
import {
  refused,
  type SignedRequest,
  type Verdict,
  type VerifiedEvent,
  verifiedEvent,
} from "#server/domain/payments/webhooks/webhook.ts";

/** bKash publishes through Amazon SNS. What is ours is not a secret but a topic: anyone can send validly signed SNS. */
export interface BkashSecrets {
  readonly topicArns: readonly string[];
}

/**
 * SNS stamps the publication, not the delivery, and retries for about an hour by its default policy; a message from the
 * future gets no more than a clock's error.
 */
const MAX_AGE_MS = 3_600_000;
const MAX_AHEAD_MS = 300_000;

const SIGNED_KEYS = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
  UnsubscribeConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
} as const;
type SnsType = keyof typeof SIGNED_KEYS;

const DIGESTS = new Map<unknown, "RSA-SHA1" | "RSA-SHA256">([
  ["1", "RSA-SHA1"],
  ["2", "RSA-SHA256"],
]);
const BASE64 = /^[A-Za-z0-9+/]{1,2048}={0,2}$/;

/** The envelope's strings under the signature, and the text that was signed: `Key\nValue\n` in this order. */
function signedTextOf(envelope: JsonObject): { type: SnsType; text: string } | null {
  const type = field(envelope, "Type");
  if (typeof type !== "string" || !Object.hasOwn(SIGNED_KEYS, type)) return null;
  let text = "";
  for (const key of SIGNED_KEYS[type as SnsType]) {
    const value = field(envelope, key);
    // A notification without a subject has no such key, or null.
    if (key === "Subject" && (value === undefined || value === null)) continue;
    if (typeof value !== "string") return null;
    // A line break in a short value would let it pass for its neighbours; the message, which comes first, may have them.
    if (key !== "Message" && /[\r\n]/.test(value)) return null;
    text += `${key}\n${value}\n`;
  }
  return { type: type as SnsType, text };
}

function isSignedBy({ publicKey }: SigningKey, digest: string, text: string, signature: string): boolean {
  try {
    return verifySignature(digest, Buffer.from(text, "utf8"), publicKey, Buffer.from(signature, "base64"));
  } catch {
    return false;
  }
}

async function keyAt(keys: SigningKeys, url: string): Promise<SigningKey | null> {
  try {
    return await keys.at(url);
  } catch {
    return null;
  }
}

/**
 * An SNS envelope: RSA over its fields (SignatureVersion 1 SHA-1, 2 SHA-256) by a certificate whose address is in it, hence
 * pinned to Amazon's hosts; the topic is pinned to ours before anything is fetched. The signed `Type` decides, never the
 * header. The age limit is our own [I].
 */
export async function verifyBkash(request: SignedRequest<BkashSecrets>, keys: SigningKeys): Promise<Verdict> {
  const { rawBody, secrets, now } = request;
  if (unconfigured(secrets.topicArns)) return refused("not_configured");
  const envelope = parseJsonObject(rawBody);
  if (envelope === null) return refused("malformed");
  const signed = signedTextOf(envelope);
  const messageId = textOf(field(envelope, "MessageId"));
  const topicArn = textOf(field(envelope, "TopicArn"));
  const publishedAt = timeOfIso(field(envelope, "Timestamp"));
  if (signed === null || messageId === null || topicArn === null || publishedAt === null) return refused("malformed");
  const digest = DIGESTS.get(field(envelope, "SignatureVersion"));
  const signature = field(envelope, "Signature");
  if (digest === undefined || typeof signature !== "string" || !BASE64.test(signature)) return refused("no_signature");
  if (!secrets.topicArns.some((arn) => arn !== "" && sameSecret(arn, topicArn))) return refused("untrusted");
  const certificateUrl = certificateAddress(field(envelope, "SigningCertURL"));
  if (certificateUrl === null) return refused("untrusted");
  const ageMs = now.getTime() - Date.parse(publishedAt);
  if (!(ageMs <= MAX_AGE_MS && ageMs >= -MAX_AHEAD_MS)) return refused("outside_tolerance");
  const key = await keyAt(keys, certificateUrl);
  if (key === null) return refused("certificate_unavailable");
  if (now < key.validFrom || now > key.validTo) return refused("untrusted");
  if (!isSignedBy(key, digest, signed.text, signature)) return refused("mismatch");

  if (signed.type === "SubscriptionConfirmation") {
    const subscribeUrl = subscribeAddress(field(envelope, "SubscribeURL"), topicArn);
    if (subscribeUrl === null) return refused("untrusted");
    return { ok: true, result: "subscription", eventKey: keyOf(messageId), subscribeUrl };
  }
  const text = field(envelope, "Message");
  const message = typeof text === "string" ? parseJsonObject(text) : null;
  const payload = { type: signed.type, messageId, publishedAt, message };
  return verifiedEvent(keyOf(messageId, textOf(field(message, "trxID"))), payload);
}

/** Completed payments are all that bKash tells; authorisations, captures, voids and refunds are polled. */
export function parseBkash({ eventKey, payload }: VerifiedEvent): PaymentEvent {
  const message = field(payload, "message");
  const status = textOf(field(message, "transactionStatus"));
  const invoice = field(message, "merchantInvoiceNumber");
  const completed = field(payload, "type") === "Notification" && status === "Completed";
  return paymentEvent("bkash", eventKey, status ?? textOf(field(payload, "type")) ?? "", {
    kind: completed ? "captured" : "unknown",
    // A wallet in taka: some samples leave the currency out [I].
    amount: completed ? moneyOfDecimal(field(message, "amount"), field(message, "currency") ?? "BDT") : null,
    tripId: tripIdIn(invoice),
    reference: textOf(invoice),
    paymentId: textOf(field(message, "trxID")),
    occurredAt: timeOfIso(field(payload, "publishedAt")),
  });
}
