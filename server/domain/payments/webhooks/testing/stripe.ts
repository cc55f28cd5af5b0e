import { createHmac } from "node:crypto";
import Stripe from "stripe";
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
  TRIP,
} from "./suite.ts";

const NEW = "whsec_new";
const OLD = "whsec_old";

export const stripeEvent = (type: string, object: unknown, more: object = {}): object => ({
  id: "evt_1",
  object: "event",
  type,
  created: 1_795_176_000,
  data: { object },
  ...more,
});

export const stripeBody = (id: string, type = "payment_intent.succeeded"): Buffer =>
  json(
    stripeEvent(
      type,
      { id: "pi_1", amount: 4150, amount_received: 4150, currency: "egp", metadata: { trip_id: TRIP } },
      { id },
    ),
  );

/** Signed by Stripe's own SDK. */
export function signedByStripe(rawBody: Buffer, options: { secret?: string; at?: Date } = {}): WebhookRequest {
  const header = Stripe.webhooks.generateTestHeaderString({
    payload: rawBody.toString(),
    secret: options.secret ?? NEW,
    timestamp: Math.floor((options.at ?? NOW).getTime() / 1000),
  });
  return { rawBody, headers: { "stripe-signature": header }, query: {}, now: NOW };
}

const withHeader = (request: WebhookRequest, header: string | string[]): WebhookRequest => ({
  ...request,
  headers: { "stripe-signature": header },
});

function fixtureOf(gateway: "stripe" | "sandbox"): Fixture {
  const valid = signedByStripe(stripeBody("evt_1"));
  const header = String(valid.headers["stripe-signature"]);
  const [stamp = "", v1 = ""] = header.split(",");
  const wrong = `v1=${"0".repeat(64)}`;
  const notJson = Buffer.from("not json");
  return {
    gateway,
    config: { ...NOTHING_CONFIGURED, [gateway]: `${NEW},${OLD}` },
    signingKeys: noSigningKeys,
    valid,
    another: signedByStripe(stripeBody("evt_2")),
    byOldSecret: signedByStripe(stripeBody("evt_1"), { secret: OLD }),
    byWrongSecret: signedByStripe(stripeBody("evt_1"), { secret: "whsec_other" }),
    forgedSignature: withHeader(valid, flipped(header)),
    unsigned: { ...valid, headers: {} },
    reserialised: { request: { ...valid, rawBody: respaced(valid.rawBody) }, expected: "mismatch" },
    truncatedIs: "mismatch",
    stamped: {
      stale: signedByStripe(stripeBody("evt_1"), { at: minutesFromNow(-5.1) }),
      future: signedByStripe(stripeBody("evt_1"), { at: minutesFromNow(5.1) }),
    },
    unknownKind: signedByStripe(stripeBody("evt_3", "customer.created")),
    more: [
      {
        name: "a stamp almost too old",
        request: signedByStripe(stripeBody("evt_1"), { at: minutesFromNow(-4) }),
        expected: "event",
        key: "same",
      },
      {
        name: "the right v1 behind a wrong one",
        request: withHeader(valid, `${stamp},${wrong},${v1}`),
        expected: "event",
      },
      { name: "a v0 beside it", request: withHeader(valid, `${stamp},v0=abc,${v1}`), expected: "event" },
      {
        name: "a v0 alone",
        request: withHeader(valid, `${stamp},${v1.replace("v1", "v0")}`),
        expected: "no_signature",
      },
      { name: "another stamp", request: withHeader(valid, `t=1795176001,${v1}`), expected: "mismatch" },
      { name: "two stamps", request: withHeader(valid, `${stamp},${header}`), expected: "no_signature" },
      { name: "a stamp that is no number", request: withHeader(valid, `t=NaN,${v1}`), expected: "no_signature" },
      { name: "no stamp", request: withHeader(valid, v1), expected: "no_signature" },
      { name: "an array of headers", request: withHeader(valid, [header]), expected: "no_signature" },
      {
        name: "the header twice",
        request: { ...valid, headers: { "stripe-signature": header, "Stripe-Signature": header } },
        expected: "no_signature",
      },
      { name: "junk behind the hex", request: withHeader(valid, `${header}zz`), expected: "no_signature" },
      {
        name: "an altered amount",
        request: { ...valid, rawBody: Buffer.from(valid.rawBody.toString().replaceAll("4150", "4151")) },
        expected: "mismatch",
      },
      {
        name: "signed with the secret without its prefix",
        request: withHeader(
          valid,
          `${stamp},v1=${createHmac("sha256", "new")
            .update(`${stamp.slice(2)}.`)
            .update(valid.rawBody)
            .digest("hex")}`,
        ),
        expected: "mismatch",
      },
      { name: "signed, and no JSON", request: signedByStripe(notJson), expected: "malformed" },
    ],
  };
}

export const stripeFixture = fixtureOf("stripe");
export const sandboxFixture = fixtureOf("sandbox");
