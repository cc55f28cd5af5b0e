import { describe, expect, it } from "vitest";
import { createWebhooks, type WebhookConfig } from "#server/domain/payments/webhooks/gateways.ts";
import { manifestOf } from "#server/domain/payments/webhooks/mercadopago.ts";
import { hmacOf } from "#server/domain/payments/webhooks/signature.ts";
import { sslCommerzDigest } from "#server/domain/payments/webhooks/sslcommerz.ts";
import type { WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import { signedForm } from "./testing/sslcommerz.ts";
import { NOTHING_CONFIGURED, noSigningKeys } from "./testing/suite.ts";

/** The published and recomputed vectors of payments.md, each through the whole verifier where it is a whole delivery. */
const webhooksWith = (config: Partial<WebhookConfig>) =>
  createWebhooks({ ...NOTHING_CONFIGURED, ...config }, noSigningKeys);
const request = (
  rawBody: string,
  headers: Record<string, string>,
  more: Partial<WebhookRequest> = {},
): WebhookRequest => ({
  rawBody: Buffer.from(rawBody),
  headers,
  query: {},
  now: new Date("2026-11-20T12:00:00Z"),
  ...more,
});

describe("Stripe's vectors", () => {
  it.each([
    ['{"obj1":"hello","obj2":"world"}', "bebb1a643997f419b315ddba19e6f5411e1ce7f810ba6d3617ce72823092f363"],
    ["", "f7f9bd47fb987337b5796fdc1fdb9ba221d0d5396814bfcaf9521f43fd8927fd"],
  ])("HMAC of %j [S,R]", (payload, expected) => {
    expect(hmacOf("sha256", "test_secret", [Buffer.from(payload)])).toBe(expected);
  });
  it.each(["stripe", "sandbox"] as const)("a whole delivery [R], as %s", async (gateway) => {
    const body = JSON.stringify({ id: "evt_test_webhook", object: "event" }, null, 2);
    const header = "t=1234567890,v1=45969f456b3331a0f76e237ed33423d5f758908f1f0432d30e7d45ba89bb9edd";
    const { verify } = webhooksWith({ [gateway]: "whsec_test_secret" })[gateway];
    const sent = request(body, { "stripe-signature": header }, { now: new Date(1_234_567_890_000) });
    expect(await verify(sent)).toMatchObject({ ok: true, eventKey: "evt_test_webhook" });
    expect(await verify({ ...sent, now: new Date("2026-11-20T12:00:00Z") })).toEqual({
      ok: false,
      reason: "outside_tolerance",
    });
  });
});

it("Razorpay's vector [S,R]", async () => {
  const signature = "2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc";
  const { verify } = webhooksWith({ razorpay: "123456" }).razorpay;
  const body = '{"a":1,"b":2,"c":{"d":3}}';
  expect(await verify(request(body, { "X-Razorpay-Signature": signature }))).toMatchObject({ ok: true });
  expect(await verify(request(`${body} `, { "X-Razorpay-Signature": signature }))).toMatchObject({
    reason: "mismatch",
  });
});

it("Paystack's vector [R]", async () => {
  const signature =
    "5a93e943f071fa38d78ab3fee2712682635b650659e47e9c329bf041f0e6d11fa77268fa5f428ec6105dd172bb22e430ecbacfae1c4e37e8beed0700ddb0c4cc";
  const { verify } = webhooksWith({ paystack: "sk_test_vector" }).paystack;
  const body = '{"event":"charge.success","data":{"reference":"trip_42","amount":1000}}';
  expect(await verify(request(body, { "x-paystack-signature": signature }))).toMatchObject({
    ok: true,
    eventKey: "charge.success:trip_42",
  });
});

describe("MercadoPago's vector [3,R]", () => {
  const requestId = "bb56a2f1-6aae-46ac-982e-9dcd3581d08e";
  const signature = "85aaea44adced84bf23e95db43da124f818caad473052e8d0ecd46c5319c231e";
  const secret = "v1-test-secret-not-a-real-key";
  it("as a manifest", () => {
    const manifest = manifestOf("123456", requestId, "1742505638683");
    expect(manifest).toBe(`id:123456;request-id:${requestId};ts:1742505638683;`);
    expect(hmacOf("sha256", secret, [manifest])).toBe(signature);
  });
  it("as a delivery", async () => {
    const { verify } = webhooksWith({ mercadopago: secret }).mercadopago;
    const headers = { "x-signature": `ts=1742505638683,v1=${signature}`, "x-request-id": requestId };
    const now = new Date(1_742_505_638_683);
    const query = { "data.id": "123456", type: "payment" };
    expect(await verify(request("{}", headers, { now, query }))).toMatchObject({ ok: true });
    expect(await verify(request("{}", headers, { query }))).toMatchObject({ reason: "outside_tolerance" });
  });
});

describe("Iyzico's vectors [S,R]", () => {
  const { verify } = webhooksWith({ iyzico: "sandbox-UuLnD7wZa0a3DmytfIrwHQqAMfqCNJrs" }).iyzico;
  const common = { paymentConversationId: "conversationId", status: "SUCCESS" };
  it.each([
    [
      "the checkout form's",
      {
        iyziEventType: "CHECKOUT_FORM_AUTH",
        iyziPaymentId: 22_483_975,
        token: "e828c62d-fd12-4b1a-ad5a-380f15fe6596",
        ...common,
      },
      "4031c575763486a2d2bf3f7ace0baebfcd6bed65393ab4df3fe80c00d5fd6878",
    ],
    [
      "the direct one",
      { iyziEventType: "API_AUTH", paymentId: 22_484_059, ...common },
      "92c7a72b7741bc83eb696066605c894778c87297b2c88d6037670666230e18ae",
    ],
  ])("%s", async (_name, body, signature) => {
    const headers = { "X-IYZ-SIGNATURE-V3": signature };
    expect(await verify(request(JSON.stringify(body), headers))).toMatchObject({ ok: true });
    const failed = { ...body, status: "FAILURE" };
    expect(await verify(request(JSON.stringify(failed), headers))).toMatchObject({ reason: "mismatch" });
  });
});

describe("SSLCommerz's vector [3,R]", () => {
  const form = Object.fromEntries(
    new URLSearchParams(
      "amount=41.00&bank_tran_id=21041820235217WSibg8WymA1Az&base_fair=0.00&card_brand=VISA&card_issuer=STANDARD CHARTERED BANK" +
        "&card_issuer_country=Bangladesh&card_issuer_country_code=BD&card_no=421481XXXXXX4177&card_sub_brand=Classic" +
        "&card_type=VISA-Dutch Bangla&currency=BDT&currency_amount=41.00&currency_rate=1.0000&currency_type=BDT&error=" +
        "&risk_level=0&risk_title=Safe&status=VALID&store_amount=39.98&store_id=demo60755b72efb76" +
        "&tran_date=2021-04-18 20:23:37&tran_id=29483c11198245a89f537aba38b0b2&val_id=2104182023530eW1BEsNECM6DtH" +
        "&value_a=&value_b=&value_c=&value_d=",
    ),
  );
  const password = "demo60755b72efb76@ssl";
  const md5 = "3cf600d3ea852dc9a292f8ef5b742aac";
  const sha2 = "1bda6d3ff5a73f0998f12b4f0d0b120a42b99f380914f0e52274ffd5b9e40852";

  it("as digests", () => {
    const fields = new Map(Object.entries(form));
    expect(sslCommerzDigest("md5", password, fields)).toBe(md5);
    expect(sslCommerzDigest("sha256", password, fields)).toBe(sha2);
  });
  it.each([
    ["both", { verify_sign: md5, verify_sign_sha2: sha2 }],
    ["MD5 alone", { verify_sign: md5 }],
  ])("as a delivery with %s", async (_name, signatures) => {
    const { verify, parse } = webhooksWith({
      sslcommerz: { storeId: "demo60755b72efb76", passwords: password },
    }).sslcommerz;
    const { verify_key = "" } = signedForm(form);
    const body = new URLSearchParams({ ...form, verify_key, ...signatures }).toString();
    const verdict = await verify(request(body, {}));
    if (!verdict.ok || verdict.result !== "event") throw new Error(`not verified: ${JSON.stringify(verdict)}`);
    expect(parse(verdict)).toMatchObject({
      kind: "captured",
      amount: { amount: 4100, currency: "BDT" },
      paymentId: "2104182023530eW1BEsNECM6DtH",
      occurredAt: "2021-04-18T14:23:37.000Z",
    });
  });
});
