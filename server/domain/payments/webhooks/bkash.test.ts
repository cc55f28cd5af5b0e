import { describe, expect, it } from "vitest";
import { parseBkash, verifyBkash } from "#server/domain/payments/webhooks/bkash.ts";
import { createSigningKeys } from "#server/domain/payments/webhooks/sns-certificate.ts";
import type { WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import { BAD_CERTIFICATE_URLS, bkashFixture, certificatePem, payment, published } from "./testing/bkash.ts";
import { TRIP } from "./testing/suite.ts";

const secrets = { topicArns: [bkashFixture.config.bkash?.split(",")[0] ?? ""] };

async function parsed(request: WebhookRequest) {
  const verdict = await verifyBkash({ ...request, secrets }, bkashFixture.signingKeys);
  if (!verdict.ok || verdict.result !== "event") throw new Error(JSON.stringify(verdict));
  return parseBkash(verdict);
}

describe("parseBkash", () => {
  it("reads a completed payment", async () => {
    expect(await parsed(published())).toEqual({
      gateway: "bkash",
      eventKey: "m-1:4J420ANOXC",
      kind: "captured",
      amount: { amount: 4150, currency: "BDT" },
      amountIsSigned: true,
      tripId: TRIP,
      reference: TRIP,
      paymentId: "4J420ANOXC",
      refundId: null,
      disputeId: null,
      occurredAt: "2026-11-20T11:59:00.000Z",
      rawType: "Completed",
    });
  });
  it.each([
    ["41.5", undefined, { amount: 4150, currency: "BDT" }],
    ["41", "BDT", { amount: 4100, currency: "BDT" }],
    ["41.555", "BDT", null],
    ["500", "JPY", { amount: 500, currency: "JPY" }],
    ["1,000.00", "BDT", null],
  ])("reads %s %s", async (amount, currency, money) => {
    expect((await parsed(published({ Message: payment({ amount, currency }) }))).amount).toEqual(money);
  });
  it.each([
    ["another status", payment({ transactionStatus: "Initiated" })],
    ["no JSON", "hello"],
    ["an array", "[1]"],
  ])("acts on nothing for %s", async (_what, message) => {
    expect(await parsed(published({ Message: message }))).toMatchObject({ kind: "unknown", amount: null });
  });
});

describe("what verifyBkash fetches", () => {
  function counting() {
    const urls: string[] = [];
    const keys = createSigningKeys(async (url) => {
      urls.push(url);
      return certificatePem;
    });
    return { urls, keys };
  }

  it("is nothing for a stranger's topic, an old message or an address that is not pinned", async () => {
    const { urls, keys } = counting();
    const requests = [
      published({ TopicArn: "arn:aws:sns:us-east-1:1:theirs" }),
      published({ Timestamp: "2020-01-01T00:00:00.000Z" }),
      ...BAD_CERTIFICATE_URLS.map((url) => published({ SigningCertURL: url })),
    ];
    for (const request of requests) await verifyBkash({ ...request, secrets }, keys);
    expect(urls).toEqual([]);
  });
  it("is one certificate for many messages", async () => {
    const { urls, keys } = counting();
    for (const id of ["a", "b", "c"]) {
      expect(await verifyBkash({ ...published({ MessageId: id }), secrets }, keys)).toMatchObject({ ok: true });
    }
    expect(urls).toHaveLength(1);
  });
});
