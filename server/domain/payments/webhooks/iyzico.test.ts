import { describe, expect, it } from "vitest";
import { parseIyzico, verifyIyzico } from "#server/domain/payments/webhooks/iyzico.ts";
import { direct, hpp, type IyzicoBody, iyzicoDelivery } from "./testing/iyzico.ts";
import { TRIP } from "./testing/suite.ts";

function parsed(body: IyzicoBody) {
  const verdict = verifyIyzico({ ...iyzicoDelivery(body), secrets: ["new"] });
  if (!verdict.ok) throw new Error(verdict.reason);
  return parseIyzico(verdict);
}

describe("parseIyzico", () => {
  it.each([
    ["API_AUTH", "SUCCESS", "captured"],
    ["THREE_DS_AUTH", "SUCCESS", "captured"],
    ["API_PREAUTH", "SUCCESS", "authorized"],
    ["CHECKOUT_FORM_PRE_AUTH", "SUCCESS", "authorized"],
    ["API_AUTH", "FAILURE", "failed"],
    ["API_AUTH", "INIT_THREEDS", "unknown"],
    ["API_AUTH", "CALLBACK_THREEDS", "unknown"],
    ["BALANCE", "SUCCESS", "unknown"],
  ])("reads %s %s as %s", (iyziEventType, status, kind) => {
    expect(parsed({ ...direct, iyziEventType, status })).toMatchObject({
      kind,
      rawType: iyziEventType,
      amount: null,
      amountIsSigned: false,
      paymentId: "22484059",
      tripId: TRIP,
      occurredAt: "2026-11-20T12:00:00.000Z",
    });
  });
  it("reads the checkout form's", () => {
    expect(parsed(hpp)).toMatchObject({ kind: "captured", paymentId: "22483975", tripId: TRIP });
  });
  it("finds no trip in a conversation that is none", () => {
    expect(parsed({ ...direct, paymentConversationId: "conversationId" }).tripId).toBeNull();
  });
});

describe("the signed text has no separators", () => {
  const replayed = (original: IyzicoBody, claimed: object) => {
    const { headers, ...rest } = iyzicoDelivery(original);
    return verifyIyzico({ ...rest, headers, rawBody: Buffer.from(JSON.stringify(claimed)), secrets: ["new"] });
  };

  it("yet a form's delivery read as a direct one names no trip", () => {
    const { token, iyziPaymentId, ...form } = hpp;
    const verdict = replayed(hpp, { ...form, paymentId: iyziPaymentId, paymentConversationId: `${token}${TRIP}` });
    // The same text, so the same signature: nothing can tell. What it claims must be of no use.
    expect(verdict.ok && parseIyzico(verdict).tripId).toBeNull();
  });
  it("yet digits moved from the conversation into the payment's id leave no trip", () => {
    const claimed = {
      ...direct,
      paymentId: Number(`${direct.paymentId}${TRIP.slice(0, 1)}`),
      paymentConversationId: TRIP.slice(1),
    };
    const verdict = replayed(direct, claimed);
    expect(verdict.ok && parseIyzico(verdict).tripId).toBeNull();
  });
  it("letters cannot move from the type", () => {
    expect(replayed({ ...direct, status: "XSUCCESS" }, { ...direct, paymentConversationId: `${TRIP}X` })).toMatchObject(
      { ok: true },
    );
    expect(replayed(direct, { ...direct, iyziEventType: "API_AUT", paymentId: `H${direct.paymentId}` })).toMatchObject({
      reason: "malformed",
    });
  });
});
