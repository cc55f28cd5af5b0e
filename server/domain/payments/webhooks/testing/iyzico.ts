import { createHmac } from "node:crypto";
import type { WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import { type Fixture, flipped, json, NOTHING_CONFIGURED, NOW, noSigningKeys, respaced, TRIP } from "./suite.ts";

export interface IyzicoBody {
  readonly iyziEventType: string;
  readonly paymentId?: number;
  readonly iyziPaymentId?: number;
  readonly token?: string;
  readonly paymentConversationId: string;
  readonly status: string;
  readonly iyziReferenceCode?: string;
  readonly iyziEventTime?: number;
}

export function iyzicoDelivery(body: IyzicoBody, secret = "new"): WebhookRequest {
  const id = body.token === undefined ? body.paymentId : body.iyziPaymentId;
  const message = `${secret}${body.iyziEventType}${id}${body.token ?? ""}${body.paymentConversationId}${body.status}`;
  return {
    rawBody: json(body),
    headers: { "x-iyz-signature-v3": createHmac("sha256", secret).update(message).digest("hex") },
    query: {},
    now: NOW,
  };
}

export const direct: IyzicoBody = {
  iyziEventType: "API_AUTH",
  paymentId: 22_484_059,
  paymentConversationId: TRIP,
  status: "SUCCESS",
  iyziReferenceCode: "ref-1",
  iyziEventTime: 1_795_176_000_000,
};
const { paymentId: _direct, ...shared } = direct;
export const hpp: IyzicoBody = {
  ...shared,
  iyziEventType: "CHECKOUT_FORM_AUTH",
  iyziPaymentId: 22_483_975,
  token: "e828c62d-fd12-4b1a-ad5a-380f15fe6596",
};

const valid = iyzicoDelivery(direct);
const signature = String(valid.headers["x-iyz-signature-v3"]);
const withBody = (body: object): WebhookRequest => ({ ...valid, rawBody: json(body) });

export const iyzicoFixture: Fixture = {
  gateway: "iyzico",
  config: { ...NOTHING_CONFIGURED, iyzico: "new,old" },
  signingKeys: noSigningKeys,
  valid,
  another: iyzicoDelivery({ ...direct, paymentId: 22_484_060 }),
  byOldSecret: iyzicoDelivery(direct, "old"),
  byWrongSecret: iyzicoDelivery(direct, "other"),
  forgedSignature: { ...valid, headers: { "x-iyz-signature-v3": flipped(signature) } },
  unsigned: { ...valid, headers: {} },
  // Five values are signed, not the bytes.
  reserialised: { request: { ...valid, rawBody: respaced(valid.rawBody) }, expected: "event" },
  truncatedIs: "malformed",
  stamped: null,
  unknownKind: iyzicoDelivery({ ...direct, iyziEventType: "BALANCE" }),
  more: [
    { name: "the checkout form's", request: iyzicoDelivery(hpp), expected: "event", key: "other" },
    { name: "another status", request: withBody({ ...direct, status: "FAILURE" }), expected: "mismatch" },
    { name: "another payment", request: withBody({ ...direct, paymentId: 1 }), expected: "mismatch" },
    {
      name: "another trip",
      request: withBody({ ...direct, paymentConversationId: TRIP.replace("a", "b") }),
      expected: "mismatch",
    },
    { name: "an id that is no number", request: withBody({ ...direct, paymentId: "22a" }), expected: "malformed" },
    {
      name: "an id with an exponent",
      request: { ...valid, rawBody: Buffer.from(valid.rawBody.toString().replace("22484059", "2.2484059e7")) },
      expected: "malformed",
    },
    {
      name: "a type that ends in a digit",
      request: withBody({ ...direct, iyziEventType: "API_AUTH2", paymentId: 2_484_059 }),
      expected: "malformed",
    },
    { name: "a token that is no text", request: withBody({ ...hpp, token: null }), expected: "malformed" },
    { name: "a direct one with a token added", request: withBody({ ...direct, token: "" }), expected: "malformed" },
    {
      name: "an array of headers",
      request: { ...valid, headers: { "x-iyz-signature-v3": [signature] } },
      expected: "no_signature",
    },
    {
      name: "junk behind the hex",
      request: { ...valid, headers: { "x-iyz-signature-v3": `${signature}zz` } },
      expected: "no_signature",
    },
  ],
};
