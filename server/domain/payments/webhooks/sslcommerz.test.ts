import { describe, expect, it } from "vitest";
import { parseSslCommerz, verifySslCommerz } from "#server/domain/payments/webhooks/sslcommerz.ts";
import { type Form, paidForm, sendForm, signedForm } from "./testing/sslcommerz.ts";
import { TRIP } from "./testing/suite.ts";

const secrets = { storeId: "store1", passwords: ["new"] };

function parsed(form: Form) {
  const verdict = verifySslCommerz({ ...sendForm(form), secrets });
  if (!verdict.ok) throw new Error(verdict.reason);
  return parseSslCommerz(verdict);
}
const parsedSigned = (more: Form) => parsed(signedForm({ ...paidForm, ...more }));

describe("parseSslCommerz", () => {
  it.each([
    ["VALID", "captured"],
    ["VALIDATED", "captured"],
    ["FAILED", "failed"],
    ["CANCELLED", "failed"],
    ["EXPIRED", "failed"],
    ["UNATTEMPTED", "failed"],
    ["constructor", "unknown"],
  ])("reads %s as %s", (status, kind) => {
    expect(parsedSigned({ status })).toMatchObject({
      kind,
      rawType: status,
      amount: { amount: 4150, currency: "BDT" },
      amountIsSigned: false,
      paymentId: "val1",
      reference: "tran1",
      tripId: TRIP,
      occurredAt: "2026-11-20T12:00:00.000Z",
    });
  });

  it("reads nothing that is not under the signature", () => {
    const { value_a: _trip, ...form } = paidForm;
    expect(parsed({ ...signedForm(form), value_a: TRIP, tran_date: paidForm.tran_date ?? "" }).tripId).toBeNull();
  });

  it.each([
    ["USD", "41.50", { amount: 4150, currency: "USD" }],
    ["JPY", "41", { amount: 41, currency: "JPY" }],
    ["JPY", "41.00", null],
    ["BDT", "41.501", null],
    ["BDT", "1e3", null],
  ])("reads %s %s", (currency, amount, money) => {
    expect(parsedSigned({ currency, amount }).amount).toEqual(money);
  });

  it("keys by tran_id, val_id and status", () => {
    const keys = [
      {},
      { tran_id: "tran2" },
      { val_id: "val2" },
      { status: "VALIDATED" },
      { tran_id: "tran1:val1", val_id: "x" },
    ];
    const seen = keys.map((more) => parsedSigned(more as Form).eventKey);
    expect(new Set(seen).size).toBe(keys.length);
    expect(parsedSigned({ card_issuer: "another" }).eventKey).toBe(seen[0]);
  });
});
