import { describe, expect, it } from "vitest";
import {
  eventOfMercadoPagoPayment,
  parseMercadoPago,
  verifyMercadoPago,
} from "#server/domain/payments/webhooks/mercadopago.ts";
import type { WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import { mercadoPagoDelivery } from "./testing/mercadopago.ts";
import { TRIP } from "./testing/suite.ts";

function parsed(request: WebhookRequest) {
  const verdict = verifyMercadoPago({ ...request, secrets: ["new"] });
  if (!verdict.ok) throw new Error(verdict.reason);
  return parseMercadoPago(verdict);
}

describe("parseMercadoPago", () => {
  it("names the payment of the signed query, whatever the body says", () => {
    const event = parsed(mercadoPagoDelivery({ body: { data: { id: "666" }, amount: 1 } }));
    expect(event).toMatchObject({
      kind: "unknown",
      paymentId: "123456",
      amount: null,
      amountIsSigned: false,
      rawType: "payment.updated",
      occurredAt: "2026-11-20T12:00:00.000Z",
    });
  });
  it("keeps an id that no float holds", () => {
    expect(parsed(mercadoPagoDelivery({ dataId: "9007199254740993" })).paymentId).toBe("9007199254740993");
  });
  it("names a chargeback as one", () => {
    const query = { "data.id": "77", type: "topic_chargebacks_wh" };
    expect(parsed(mercadoPagoDelivery({ dataId: "77", query }))).toMatchObject({ disputeId: "77", paymentId: null });
  });
});

describe("eventOfMercadoPagoPayment", () => {
  const payment = {
    id: 123_456,
    status: "approved",
    transaction_amount: 41.5,
    transaction_amount_refunded: 3,
    currency_id: "BRL",
    external_reference: `${TRIP}-1`,
    date_last_updated: "2026-11-20T08:00:00.000-04:00",
  };
  it.each([
    ["approved", "captured"],
    ["authorized", "authorized"],
    ["rejected", "failed"],
    ["cancelled", "voided"],
    ["refunded", "refunded"],
    ["charged_back", "dispute_opened"],
    ["in_mediation", "dispute_opened"],
    ["in_process", "unknown"],
    ["constructor", "unknown"],
  ])("reads %s as %s", (status, kind) => {
    expect(eventOfMercadoPagoPayment("123456", { ...payment, status })).toMatchObject({
      kind,
      paymentId: "123456",
      tripId: TRIP,
      amount: { amount: status === "refunded" ? 300 : 4150, currency: "BRL" },
      amountIsSigned: true,
      occurredAt: "2026-11-20T12:00:00.000Z",
    });
  });
  it("has one key for each state of a payment", () => {
    const keyOf = (more: object) => eventOfMercadoPagoPayment("123456", { ...payment, ...more })?.eventKey;
    expect(keyOf({})).toBe(keyOf({ extra: 1 }));
    expect(keyOf({ status: "refunded" })).not.toBe(keyOf({}));
    expect(keyOf({ date_last_updated: "2026-11-20T09:00:00.000-04:00" })).not.toBe(keyOf({}));
  });
  it("reads pesos of a currency without decimals", () => {
    const chilean = { ...payment, currency_id: "CLP", transaction_amount: 4150 };
    expect(eventOfMercadoPagoPayment("123456", chilean)?.amount).toEqual({ amount: 4150, currency: "CLP" });
  });
  it.each([null, "x", [], {}, { ...payment, id: 1 }, { ...payment, status: null }])("is null for %j", (answer) => {
    expect(eventOfMercadoPagoPayment("123456", answer)).toBeNull();
  });
});
