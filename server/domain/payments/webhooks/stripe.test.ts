import Stripe from "stripe";
import { describe, expect, it } from "vitest";
import { type JsonObject, parseJsonObject } from "#server/domain/payments/webhooks/payload.ts";
import { parseSandbox } from "#server/domain/payments/webhooks/sandbox.ts";
import { parseStripe, verifyStripe } from "#server/domain/payments/webhooks/stripe.ts";
import { verifiedEvent } from "#server/domain/payments/webhooks/webhook.ts";
import { signedByStripe, stripeBody, stripeEvent } from "./testing/stripe.ts";
import { json, NOW, TRIP } from "./testing/suite.ts";

const payload = (type: string, object: object, data: object = {}): JsonObject =>
  parseJsonObject(json(stripeEvent(type, object, { data: { object, ...data } }))) ?? {};
const parsed = (type: string, object: object, data?: object) =>
  parseStripe(verifiedEvent("evt_1", payload(type, { currency: "egp", ...object }, data)));

const intent = {
  id: "pi_1",
  amount: 5000,
  amount_received: 4150,
  amount_capturable: 5000,
  metadata: { trip_id: TRIP },
};
const charge = { id: "ch_1", payment_intent: "pi_1", amount: 5000, amount_captured: 4150, amount_refunded: 900 };
const refund = { id: "re_1", payment_intent: "pi_1", charge: "ch_1", amount: 300 };
const dispute = { id: "dp_1", payment_intent: "pi_1", charge: "ch_1", amount: 4150 };

describe("parseStripe", () => {
  it.each([
    ["payment_intent.succeeded", intent, { kind: "captured", amount: 4150, paymentId: "pi_1", tripId: TRIP }],
    ["payment_intent.amount_capturable_updated", intent, { kind: "authorized", amount: 5000, paymentId: "pi_1" }],
    ["payment_intent.payment_failed", intent, { kind: "failed", amount: 5000, paymentId: "pi_1" }],
    ["payment_intent.canceled", intent, { kind: "voided", amount: 5000, paymentId: "pi_1" }],
    ["charge.captured", charge, { kind: "captured", amount: 4150, paymentId: "pi_1" }],
    ["charge.expired", charge, { kind: "voided", amount: 5000, paymentId: "pi_1" }],
    ["charge.captured", { ...charge, payment_intent: null }, { kind: "captured", amount: 4150, paymentId: "ch_1" }],
    ["refund.created", { ...refund, status: "pending" }, { kind: "refund_pending", amount: 300, refundId: "re_1" }],
    ["refund.updated", { ...refund, status: "succeeded" }, { kind: "refunded", amount: 300, paymentId: "pi_1" }],
    ["refund.updated", { ...refund, status: "canceled" }, { kind: "refund_failed", amount: 300 }],
    ["refund.failed", { ...refund, status: "failed" }, { kind: "refund_failed", amount: 300, refundId: "re_1" }],
    ["refund.updated", { ...refund, status: "constructor" }, { kind: "unknown", refundId: "re_1" }],
    ["charge.dispute.created", dispute, { kind: "dispute_opened", amount: 4150, disputeId: "dp_1", paymentId: "pi_1" }],
    ["charge.dispute.updated", dispute, { kind: "dispute_updated" }],
    ["charge.dispute.funds_withdrawn", dispute, { kind: "dispute_updated" }],
    ["charge.dispute.closed", { ...dispute, status: "won" }, { kind: "dispute_won" }],
    ["charge.dispute.closed", { ...dispute, status: "lost" }, { kind: "dispute_lost" }],
    ["charge.dispute.closed", { ...dispute, status: "warning_closed" }, { kind: "dispute_won" }],
    ["charge.dispute.closed", { ...dispute, status: "a new one" }, { kind: "dispute_updated" }],
    ["constructor", intent, { kind: "unknown", paymentId: null, amount: null }],
  ])("%s", (type, object, { amount, ...expected }: { amount?: number | null } & object) => {
    const money = amount === undefined ? {} : { amount: amount === null ? null : { amount, currency: "EGP" } };
    expect(parsed(type, object)).toMatchObject({ ...expected, ...money, rawType: type, amountIsSigned: true });
  });

  it("says when, by Stripe's clock, and under which gateway", () => {
    expect(parsed("payment_intent.succeeded", intent)).toMatchObject({
      gateway: "stripe",
      eventKey: "evt_1",
      occurredAt: "2026-11-20T12:00:00.000Z",
    });
    expect(parseSandbox(verifiedEvent("evt_1", payload("refund.failed", refund)))).toMatchObject({
      gateway: "sandbox",
      kind: "refund_failed",
    });
  });

  it("takes of `charge.refunded`, which carries the sum, only what was added", () => {
    const before = { previous_attributes: { amount_refunded: 600 } };
    expect(parsed("charge.refunded", charge, before).amount).toEqual({ amount: 300, currency: "EGP" });
    expect(parsed("charge.refunded", charge)).toMatchObject({ kind: "refunded", amount: null });
  });

  it.each([
    ["jpy", 500, { amount: 500, currency: "JPY" }],
    ["kwd", 1230, { amount: 1230, currency: "KWD" }],
    ["isk", 50_000, { amount: 500, currency: "ISK" }],
    ["isk", 50_050, null],
    ["mga", 500, { amount: 50_000, currency: "MGA" }],
    ["zzz", 500, null],
    ["usd", 1.5, null],
    ["usd", -1, null],
  ])("reads %s %d", (currency, amount_received, money) => {
    expect(parsed("payment_intent.succeeded", { ...intent, currency, amount_received }).amount).toEqual(money);
  });
});

describe("verifyStripe beside the SDK's constructEvent", () => {
  /** `receivedAt` is in milliseconds [S]. */
  const bySdk = (rawBody: Buffer, header: string): boolean => {
    try {
      Stripe.webhooks.constructEvent(rawBody, header, "whsec_new", 300, undefined, NOW.getTime());
      return true;
    } catch {
      return false;
    }
  };
  const body = stripeBody("evt_1");
  const minutes = (n: number): Date => new Date(NOW.getTime() + n * 60_000);

  it.each([
    ["valid", signedByStripe(body), true],
    ["altered", { ...signedByStripe(body), rawBody: Buffer.concat([body, Buffer.from(" ")]) }, false],
    ["by another secret", signedByStripe(body, { secret: "whsec_other" }), false],
    ["a little old", signedByStripe(body, { at: minutes(-4) }), true],
    ["too old", signedByStripe(body, { at: minutes(-6) }), false],
  ])("agrees where it is %s", (_name, request, accepted) => {
    expect(bySdk(request.rawBody, String(request.headers["stripe-signature"]))).toBe(accepted);
    expect(verifyStripe({ ...request, secrets: ["whsec_new"] }).ok).toBe(accepted);
  });

  it("refuses a stamp from the future, which the SDK takes", () => {
    const request = signedByStripe(body, { at: minutes(6) });
    expect(bySdk(body, String(request.headers["stripe-signature"]))).toBe(true);
    expect(verifyStripe({ ...request, secrets: ["whsec_new"] })).toEqual({ ok: false, reason: "outside_tolerance" });
  });
});
