import { describe, expect, it } from "vitest";
import { parseJsonObject } from "#server/domain/payments/webhooks/payload.ts";
import { parsePaystack } from "#server/domain/payments/webhooks/paystack.ts";
import { verifiedEvent } from "#server/domain/payments/webhooks/webhook.ts";
import { paystackEvent } from "./testing/body-hmac.ts";
import { TRIP } from "./testing/suite.ts";

const parsed = (event: string, data: object) =>
  parsePaystack(verifiedEvent("key", parseJsonObject(paystackEvent(event, data)) ?? {}));
const charge = {
  id: 302_961,
  reference: `${TRIP}-1`,
  amount: 4150,
  currency: "NGN",
  paid_at: "2026-11-20T12:00:00.000Z",
  metadata: null,
};
const refund = { refund_reference: "132013318360", transaction_reference: `${TRIP}-1`, amount: "300", currency: "NGN" };
const dispute = { id: 358_950, refund_amount: 4150, currency: "NGN", transaction: charge };

describe("parsePaystack", () => {
  it.each([
    ["charge.success", charge, { kind: "captured", paymentId: "302961", tripId: TRIP, reference: `${TRIP}-1` }],
    ["preauthorization.reserve.success", charge, { kind: "authorized" }],
    ["preauthorization.capture.success", charge, { kind: "captured" }],
    ["preauthorization.capture.failed", charge, { kind: "failed" }],
    ["preauthorization.release.success", charge, { kind: "voided" }],
    // Nothing moved: what was held is held.
    ["preauthorization.release.failed", charge, { kind: "unknown" }],
    ["charge.failed", charge, { kind: "unknown", amount: null }],
    ["refund.pending", { ...refund, refund_reference: null }, { kind: "refund_pending", refundId: null, tripId: TRIP }],
    ["refund.processing", refund, { kind: "refund_pending" }],
    ["refund.needs-attention", refund, { kind: "refund_pending" }],
    [
      "refund.processed",
      refund,
      { kind: "refunded", refundId: "132013318360", amount: { amount: 300, currency: "NGN" } },
    ],
    ["refund.failed", refund, { kind: "refund_failed", paymentId: null }],
    [
      "charge.dispute.create",
      dispute,
      { kind: "dispute_opened", disputeId: "358950", paymentId: "302961", tripId: TRIP },
    ],
    ["charge.dispute.remind", dispute, { kind: "dispute_updated" }],
    ["charge.dispute.resolve", { ...dispute, resolution: "merchant-accepted" }, { kind: "dispute_lost" }],
    ["charge.dispute.resolve", { ...dispute, resolution: "declined" }, { kind: "dispute_won" }],
    ["charge.dispute.resolve", { ...dispute, resolution: null }, { kind: "dispute_updated" }],
  ])("%s", (event, data, expected) => {
    expect(parsed(event, data)).toMatchObject({ ...expected, rawType: event, amountIsSigned: true });
  });

  it.each([
    ["an object", { trip_id: TRIP }],
    ["JSON text", JSON.stringify({ trip_id: TRIP })],
  ])("finds the trip in metadata that are %s", (_what, metadata) => {
    expect(parsed("charge.success", { ...charge, reference: "trip_42", metadata }).tripId).toBe(TRIP);
  });
  it.each(["", null, 0, "[1]", "{", []])("finds none in metadata that are %j", (metadata) => {
    expect(parsed("charge.success", { ...charge, reference: "trip_42", metadata }).tripId).toBeNull();
  });

  it.each([
    ["XOF", 50_000, { amount: 500, currency: "XOF" }],
    ["XOF", 50_050, null],
    ["ZAR", "4150", { amount: 4150, currency: "ZAR" }],
    ["ZAR", "41.50", null],
  ])("reads %s %s", (currency, amount, money) => {
    expect(parsed("charge.success", { ...charge, currency, amount }).amount).toEqual(money);
  });
});
