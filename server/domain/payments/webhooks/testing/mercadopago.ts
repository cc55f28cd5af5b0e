import { createHmac } from "node:crypto";
import type { WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import {
  type Fixture,
  flipped,
  json,
  minutesFromNow,
  NOTHING_CONFIGURED,
  NOW,
  noSigningKeys,
  respaced,
} from "./suite.ts";

interface Delivery {
  readonly dataId?: string;
  readonly signedId?: string;
  readonly requestId?: string | null;
  readonly stamp?: string;
  readonly secret?: string;
  readonly body?: object;
  readonly query?: Record<string, string | string[]>;
}

const notification = {
  id: 9001,
  type: "payment",
  action: "payment.updated",
  date_created: "2026-11-20T08:00:00.000-04:00",
};

export function mercadoPagoDelivery(delivery: Delivery = {}): WebhookRequest {
  const { dataId = "123456", requestId = "req-1", stamp = String(NOW.getTime()), secret = "new" } = delivery;
  const pairs = [
    `id:${delivery.signedId ?? dataId};`,
    requestId === null ? "" : `request-id:${requestId};`,
    `ts:${stamp};`,
  ];
  const v1 = createHmac("sha256", secret).update(pairs.join("")).digest("hex");
  return {
    rawBody: json({ ...notification, data: { id: dataId }, ...delivery.body }),
    headers: { "x-signature": `ts=${stamp},v1=${v1}`, ...(requestId === null ? {} : { "x-request-id": requestId }) },
    query: delivery.query ?? { "data.id": dataId, type: "payment" },
    now: NOW,
  };
}

const seconds = (date: Date): string => String(Math.floor(date.getTime() / 1000));
const valid = mercadoPagoDelivery();
const header = String(valid.headers["x-signature"]);
const withHeader = (value: string | string[]): WebhookRequest => ({
  ...valid,
  headers: { ...valid.headers, "x-signature": value },
});
const withQuery = (query: WebhookRequest["query"]): WebhookRequest => ({ ...valid, query });

export const mercadoPagoFixture: Fixture = {
  gateway: "mercadopago",
  config: { ...NOTHING_CONFIGURED, mercadopago: "new,old" },
  signingKeys: noSigningKeys,
  valid,
  another: mercadoPagoDelivery({ body: { id: 9002 } }),
  byOldSecret: mercadoPagoDelivery({ secret: "old" }),
  byWrongSecret: mercadoPagoDelivery({ secret: "other" }),
  forgedSignature: withHeader(flipped(header)),
  unsigned: { ...valid, headers: { "x-request-id": "req-1" } },
  // The body is not signed.
  reserialised: { request: { ...valid, rawBody: respaced(valid.rawBody) }, expected: "event" },
  truncatedIs: "malformed",
  stamped: {
    stale: mercadoPagoDelivery({ stamp: String(minutesFromNow(-5.1).getTime()) }),
    future: mercadoPagoDelivery({ stamp: String(minutesFromNow(5.1).getTime()) }),
  },
  unknownKind: mercadoPagoDelivery({ query: { "data.id": "123456", type: "plan" } }),
  more: [
    {
      name: "a stamp in seconds",
      request: mercadoPagoDelivery({ stamp: seconds(NOW) }),
      expected: "event",
      key: "same",
    },
    {
      name: "a stale stamp in seconds",
      request: mercadoPagoDelivery({ stamp: seconds(minutesFromNow(-6)) }),
      expected: "outside_tolerance",
    },
    {
      name: "a future stamp in seconds",
      request: mercadoPagoDelivery({ stamp: seconds(minutesFromNow(6)) }),
      expected: "outside_tolerance",
    },
    {
      name: "a stamp of another length",
      request: mercadoPagoDelivery({ stamp: "179517600" }),
      expected: "no_signature",
    },
    {
      name: "a retry under a new stamp",
      request: mercadoPagoDelivery({ stamp: seconds(minutesFromNow(1)) }),
      expected: "event",
      key: "same",
    },
    {
      name: "an id signed in lower case",
      request: mercadoPagoDelivery({ dataId: "ABC1", signedId: "abc1" }),
      expected: "event",
    },
    { name: "an id signed as written", request: mercadoPagoDelivery({ dataId: "ABC1" }), expected: "event" },
    { name: "no request id", request: mercadoPagoDelivery({ requestId: null }), expected: "event", key: "same" },
    {
      name: "the request id taken away",
      request: { ...valid, headers: { "x-signature": header } },
      expected: "mismatch",
    },
    {
      name: "another payment in the query",
      request: withQuery({ "data.id": "123457", type: "payment" }),
      expected: "mismatch",
    },
    { name: "no id in the query", request: withQuery({ type: "payment" }), expected: "malformed" },
    { name: "the id twice in the query", request: withQuery({ "data.id": ["123456", "1"] }), expected: "malformed" },
    {
      name: "the request id moved into the id",
      request: { ...valid, headers: { "x-signature": header }, query: { "data.id": "123456;request-id:req-1" } },
      expected: "malformed",
    },
    {
      name: "a request id that holds another pair",
      request: mercadoPagoDelivery({ requestId: "req-1;ts:1" }),
      expected: "malformed",
    },
    { name: "two signatures", request: withHeader(`${header},v1=${"0".repeat(64)}`), expected: "no_signature" },
    { name: "an array of headers", request: withHeader([header]), expected: "no_signature" },
    { name: "junk behind the hex", request: withHeader(`${header}zz`), expected: "no_signature" },
  ],
};
