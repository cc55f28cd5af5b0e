import { describe, expect, it } from "vitest";
import { parseJsonObject } from "#server/domain/payments/webhooks/payload.ts";
import { parseRazorpay, verifyRazorpay } from "#server/domain/payments/webhooks/razorpay.ts";
import { hmacOf } from "#server/domain/payments/webhooks/signature.ts";
import { verifiedEvent } from "#server/domain/payments/webhooks/webhook.ts";
import { razorpayEvent, razorpayPayment } from "./testing/body-hmac.ts";
import { NOW, TRIP } from "./testing/suite.ts";

const parsed = (event: string, payload: object) =>
  parseRazorpay(verifiedEvent("key", parseJsonObject(razorpayEvent(event, payload)) ?? {}));
const payment = razorpayPayment();
const uncaptured = razorpayPayment({ captured: false });
const refund = { entity: { id: "rfnd_1", payment_id: "pay_1", amount: 300, currency: "INR", notes: [] } };
const dispute = { entity: { id: "disp_1", payment_id: "pay_1", amount: 4150, currency: "INR" } };
const order = { entity: { id: "order_1", receipt: `${TRIP}-2`, notes: [] } };

describe("parseRazorpay", () => {
  it.each([
    ["payment.authorized", { payment }, { kind: "authorized", paymentId: "pay_1", tripId: TRIP, reference: "order_1" }],
    ["payment.captured", { payment }, { kind: "captured", amount: { amount: 4150, currency: "INR" } }],
    ["payment.failed", { payment }, { kind: "failed", refundId: null, disputeId: null }],
    [
      "order.paid",
      { payment: razorpayPayment({ notes: [] }), order },
      { kind: "captured", tripId: TRIP, reference: `${TRIP}-2` },
    ],
    [
      "refund.created",
      { payment, refund },
      { kind: "refund_pending", refundId: "rfnd_1", paymentId: "pay_1", tripId: TRIP },
    ],
    ["refund.processed", { payment, refund }, { kind: "refunded", amount: { amount: 300, currency: "INR" } }],
    ["refund.failed", { payment, refund }, { kind: "refund_failed" }],
    // Not captured in time: given back by Razorpay itself.
    ["refund.created", { payment: uncaptured, refund }, { kind: "voided" }],
    ["refund.processed", { payment: uncaptured, refund }, { kind: "voided" }],
    ["refund.processed", { refund }, { kind: "refunded", paymentId: "pay_1" }],
    [
      "payment.dispute.created",
      { payment, dispute },
      { kind: "dispute_opened", disputeId: "disp_1", paymentId: "pay_1" },
    ],
    ["payment.dispute.under_review", { payment, dispute }, { kind: "dispute_updated" }],
    ["payment.dispute.won", { payment, dispute }, { kind: "dispute_won" }],
    ["payment.dispute.lost", { dispute }, { kind: "dispute_lost", paymentId: "pay_1" }],
    ["payment.dispute.closed", { dispute }, { kind: "dispute_updated" }],
    ["__proto__", { payment }, { kind: "unknown", amount: null }],
  ])("%s", (event, payload, expected) => {
    const seen = parsed(event, payload);
    expect(seen).toMatchObject({ ...expected, rawType: event, amountIsSigned: true });
    expect(seen.occurredAt).toBe("2026-11-20T12:00:00.000Z");
  });

  it.each([
    ["JPY", 295, { amount: 295, currency: "JPY" }],
    ["KWD", 1230, { amount: 1230, currency: "KWD" }],
    ["INR", "41.50", null],
    ["", 100, null],
  ])("reads %s %s", (currency, amount, money) => {
    expect(parsed("payment.captured", { payment: razorpayPayment({ currency, amount }) }).amount).toEqual(money);
  });
});

describe("verifyRazorpay's key", () => {
  const keyOf = (rawBody: Buffer): string | null => {
    const headers = { "x-razorpay-signature": hmacOf("sha256", "s", [rawBody]), "x-razorpay-event-id": "evt_1" };
    const verdict = verifyRazorpay({ rawBody, headers, query: {}, now: NOW, secrets: ["s"] });
    return verdict.ok ? verdict.eventKey : null;
  };
  it("tells events, entities and the steps of one dispute apart, by what is signed", () => {
    const keys = [
      keyOf(razorpayEvent("payment.captured", { payment })),
      keyOf(razorpayEvent("payment.failed", { payment })),
      keyOf(razorpayEvent("payment.captured", { payment: razorpayPayment({ id: "pay_2" }) })),
      keyOf(razorpayEvent("refund.processed", { payment, refund })),
      keyOf(razorpayEvent("payment.dispute.under_review", { payment, dispute })),
      keyOf(razorpayEvent("payment.dispute.under_review", { payment, dispute }, 1_795_176_600)),
      keyOf(razorpayEvent("payment.downtime.started", {})),
    ];
    expect(keys).not.toContain(null);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keyOf(razorpayEvent("payment.captured", { payment }))).toBe("payment.captured:pay_1:1795176000");
  });
});
