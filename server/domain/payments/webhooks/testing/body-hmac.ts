import { createHmac } from "node:crypto";
import type { WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import { type Fixture, flipped, json, NOTHING_CONFIGURED, NOW, noSigningKeys, respaced, TRIP } from "./suite.ts";

export const razorpayEvent = (event: string, payload: object, createdAt = 1_795_176_000): Buffer =>
  json({ entity: "event", account_id: "acc_1", event, contains: Object.keys(payload), payload, created_at: createdAt });

export const razorpayPayment = (more: object = {}): object => ({
  entity: {
    id: "pay_1",
    amount: 4150,
    currency: "INR",
    order_id: "order_1",
    captured: true,
    notes: { trip_id: TRIP },
    ...more,
  },
});

export const paystackEvent = (event: string, data: object): Buffer => json({ event, data });

const paystackCharge = (id: number, event = "charge.success"): Buffer =>
  paystackEvent(event, { id, reference: `${TRIP}-1`, amount: 4150, currency: "NGN", metadata: "" });

/** Gateways that sign the raw body by a hex HMAC in one header, with no stamp. */
function fixtureOf(options: {
  gateway: "razorpay" | "paystack";
  header: string;
  digest: "sha256" | "sha512";
  body: Buffer;
  anotherBody: Buffer;
  unknownBody: Buffer;
}): Fixture {
  const { gateway, header, digest, body } = options;
  const send = (rawBody: Buffer, signature: string): WebhookRequest => ({
    rawBody,
    headers: { [header]: signature, "x-razorpay-event-id": "evt_1" },
    query: {},
    now: NOW,
  });
  const hmac = (rawBody: Buffer, secret = "new"): string => createHmac(digest, secret).update(rawBody).digest("hex");
  const sign = (rawBody: Buffer, secret?: string): WebhookRequest => send(rawBody, hmac(rawBody, secret));
  const valid = sign(body);
  const bom = Buffer.concat([Buffer.from([0xff, 0xfe]), body]);
  return {
    gateway,
    config: { ...NOTHING_CONFIGURED, [gateway]: "new, old" },
    signingKeys: noSigningKeys,
    valid,
    another: sign(options.anotherBody),
    byOldSecret: sign(body, "old"),
    byWrongSecret: sign(body, "other"),
    forgedSignature: send(body, flipped(hmac(body))),
    unsigned: { ...valid, headers: {} },
    reserialised: { request: { ...valid, rawBody: respaced(body) }, expected: "mismatch" },
    truncatedIs: "mismatch",
    stamped: null,
    unknownKind: sign(options.unknownBody),
    more: [
      {
        name: "an altered amount",
        request: { ...valid, rawBody: Buffer.from(body.toString().replaceAll("4150", "4151")) },
        expected: "mismatch",
      },
      {
        name: "a new unsigned event id on the same body",
        request: { ...valid, headers: { ...valid.headers, "x-razorpay-event-id": "evt_2" } },
        expected: "event",
        key: "same",
      },
      { name: "signed by an empty secret", request: sign(body, ""), expected: "mismatch" },
      {
        name: "signed by an empty secret, and only blanks configured",
        request: sign(body, ""),
        config: { ...NOTHING_CONFIGURED, [gateway]: " , ," },
        expected: "not_configured",
      },
      { name: "a shorter digest", request: send(body, hmac(body).slice(0, 40)), expected: "no_signature" },
      { name: "junk behind the hex", request: send(body, `${hmac(body)}zz`), expected: "no_signature" },
      {
        name: "an array of headers",
        request: { ...valid, headers: { [header]: [hmac(body)] } },
        expected: "no_signature",
      },
      {
        name: "the header twice",
        request: { ...valid, headers: { [header]: hmac(body), [header.toUpperCase()]: hmac(body) } },
        expected: "no_signature",
      },
      { name: "signed, and no UTF-8", request: sign(bom), expected: "malformed" },
      { name: "signed, and no object", request: sign(Buffer.from("[1]")), expected: "malformed" },
      { name: "signed, and empty", request: sign(Buffer.alloc(0)), expected: "malformed" },
      { name: "signed, and of no known shape", request: sign(Buffer.from('{"a":1}')), expected: "event", key: "other" },
    ],
  };
}

export const razorpayFixture = fixtureOf({
  gateway: "razorpay",
  header: "x-razorpay-signature",
  digest: "sha256",
  body: razorpayEvent("payment.captured", { payment: razorpayPayment() }),
  anotherBody: razorpayEvent("payment.authorized", { payment: razorpayPayment() }),
  unknownBody: razorpayEvent("payment.downtime.started", { payment: razorpayPayment() }),
});

export const paystackFixture = fixtureOf({
  gateway: "paystack",
  header: "x-paystack-signature",
  digest: "sha512",
  body: paystackCharge(1),
  anotherBody: paystackCharge(2),
  unknownBody: paystackCharge(1, "transfer.success"),
});
