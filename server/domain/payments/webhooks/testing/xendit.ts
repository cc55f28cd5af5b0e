import type { WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import { type Fixture, json, NOTHING_CONFIGURED, NOW, noSigningKeys, respaced, TRIP } from "./suite.ts";

export const xenditBody = (event: string, data: object = {}): Buffer =>
  json({
    event,
    business_id: "biz_1",
    created: "2026-11-20T11:59:58.000Z",
    data: {
      payment_id: "py-1",
      payment_request_id: "pr-1",
      reference_id: `${TRIP}-1`,
      currency: "IDR",
      request_amount: 41_500,
      status: "SUCCEEDED",
      ...data,
    },
  });

const send = (rawBody: Buffer, headers: WebhookRequest["headers"]): WebhookRequest => ({
  rawBody,
  headers,
  query: {},
  now: NOW,
});
const body = xenditBody("payment.capture");
const valid = send(body, { "x-callback-token": "new" });

export const xenditFixture: Fixture = {
  gateway: "xendit",
  config: { ...NOTHING_CONFIGURED, xendit: "new,old" },
  signingKeys: noSigningKeys,
  valid,
  another: send(xenditBody("payment.authorization"), valid.headers),
  byOldSecret: send(body, { "x-callback-token": "old" }),
  byWrongSecret: send(body, { "x-callback-token": "other" }),
  forgedSignature: send(body, { "x-callback-token": "neW" }),
  unsigned: send(body, {}),
  // Nothing is signed.
  reserialised: { request: { ...valid, rawBody: respaced(body) }, expected: "event" },
  truncatedIs: "malformed",
  stamped: null,
  unknownKind: send(xenditBody("payment_session.completed"), valid.headers),
  more: [
    { name: "both tokens at once", request: send(body, { "x-callback-token": "new,old" }), expected: "mismatch" },
    { name: "an empty token", request: send(body, { "x-callback-token": "" }), expected: "no_signature" },
    { name: "a longer token", request: send(body, { "x-callback-token": "new " }), expected: "mismatch" },
    { name: "an array of headers", request: send(body, { "x-callback-token": ["new"] }), expected: "no_signature" },
    {
      name: "an empty token, and only blanks configured",
      request: send(body, { "x-callback-token": "" }),
      config: { ...NOTHING_CONFIGURED, xendit: " , " },
      expected: "not_configured",
    },
    {
      name: "a delivery with an id of its own",
      request: send(body, { "x-callback-token": "new", "webhook-id": "wh-1" }),
      expected: "event",
      key: "other",
    },
    {
      name: "another capture",
      request: send(xenditBody("payment.capture", { payment_id: "py-2" }), valid.headers),
      expected: "event",
      key: "other",
    },
  ],
};
