import { describe, expect, it } from "vitest";
import { parseJsonObject } from "#server/domain/payments/webhooks/payload.ts";
import { verifiedEvent } from "#server/domain/payments/webhooks/webhook.ts";
import { parseXendit, verifyXendit } from "#server/domain/payments/webhooks/xendit.ts";
import { NOW, TRIP } from "./testing/suite.ts";
import { xenditBody } from "./testing/xendit.ts";

const parsed = (event: string, data?: object) =>
  parseXendit(verifiedEvent("key", parseJsonObject(xenditBody(event, data)) ?? {}));
const refund = {
  id: "rfd-1",
  payment_id: "py-1",
  amount: 300,
  currency: "IDR",
  reference_id: "refund-1",
  metadata: { trip_id: TRIP },
};

describe("parseXendit", () => {
  it.each([
    ["payment.capture", {}, { kind: "captured", paymentId: "py-1", tripId: TRIP, reference: `${TRIP}-1` }],
    ["payment.capture", { captures: [{ capture_amount: 20_000 }] }, { amount: { amount: 2_000_000, currency: "IDR" } }],
    ["payment.capture", { status: "PENDING" }, { kind: "unknown", amount: null }],
    ["payment.authorization", { status: "AUTHORIZED" }, { kind: "authorized" }],
    ["payment.failure", { status: "FAILED" }, { kind: "failed" }],
    ["payment_request.expiry", { payment_id: null }, { kind: "failed", paymentId: "pr-1" }],
    ["refund.succeeded", refund, { kind: "refunded", refundId: "rfd-1", tripId: TRIP, paymentId: "py-1" }],
    // As the documentation's sample nests it.
    [
      "refund.succeeded",
      { data: refund },
      { kind: "refunded", refundId: "rfd-1", amount: { amount: 30_000, currency: "IDR" } },
    ],
    ["refund.failed", refund, { kind: "refund_failed" }],
    ["dispute.action_required", { id: "dsp-1" }, { kind: "dispute_opened", disputeId: "dsp-1" }],
    ["dispute.under_review", { id: "dsp-1" }, { kind: "dispute_updated" }],
    ["dispute.won", { id: "dsp-1" }, { kind: "dispute_won" }],
    ["dispute.lost", { id: "dsp-1" }, { kind: "dispute_lost" }],
    ["toString", {}, { kind: "unknown" }],
  ])("%s %j", (event, data, expected) => {
    expect(parsed(event, data)).toMatchObject({
      ...expected,
      rawType: event,
      amountIsSigned: false,
      occurredAt: "2026-11-20T11:59:58.000Z",
    });
  });

  it.each([
    ["IDR", 41_500, { amount: 4_150_000, currency: "IDR" }],
    ["IDR", "41500", { amount: 4_150_000, currency: "IDR" }],
    ["IDR", 41_500.5, null],
    ["PHP", 41.5, { amount: 4150, currency: "PHP" }],
    ["VND", 41_500, { amount: 41_500, currency: "VND" }],
    ["VND", "41500.00", null],
  ])("reads %s %s", (currency, request_amount, money) => {
    expect(parsed("payment.capture", { currency, request_amount }).amount).toEqual(money);
  });

  it("keys by the delivery's own id where it has one, else by subject and event", () => {
    const keyOf = (headers: Record<string, string>, rawBody = xenditBody("payment.capture")) => {
      const request = { rawBody, query: {}, now: NOW, secrets: ["token"] };
      const verdict = verifyXendit({ ...request, headers: { "x-callback-token": "token", ...headers } });
      return verdict.ok ? verdict.eventKey : null;
    };
    expect(keyOf({ "webhook-id": "wh-1" })).toBe("webhook:wh-1");
    expect(keyOf({})).toBe("py-1:payment.capture");
    expect(keyOf({}, xenditBody("refund.succeeded", { data: refund }))).toBe("rfd-1:refund.succeeded");
    expect(keyOf({}, Buffer.from("{}"))).toMatch(/^sha256:/);
  });
});
