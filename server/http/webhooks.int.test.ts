import pino from "pino";
import Stripe from "stripe";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId, refIdOf } from "#server/contracts/ids.ts";
import { backoffMs, JOBS } from "#server/contracts/jobs.ts";
import { GATEWAYS, type Gateway, type PaymentEvent } from "#server/contracts/payments.ts";
import { createWebhooks, type WebhookConfig } from "#server/domain/payments/webhooks/gateways.ts";
import { FIXTURES } from "#server/domain/payments/webhooks/testing/all.ts";
import { fetchPem } from "#server/domain/payments/webhooks/testing/bkash.ts";
import { mercadoPagoDelivery } from "#server/domain/payments/webhooks/testing/mercadopago.ts";
import { casesOf, NOTHING_CONFIGURED, NOW, TRIP } from "#server/domain/payments/webhooks/testing/suite.ts";
import { verifiedEvent, type WebhookRequest } from "#server/domain/payments/webhooks/webhook.ts";
import { type FakePaymentApi, startPaymentApi } from "#server/testing/fake-payment-api.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { startPrivatePostgres } from "#server/testing/services.ts";
import { allAtOnce } from "#server/testing/wait.ts";

/** A gateway's configuration as the environment has it. */
const ENV_OF: Readonly<Record<Gateway, (config: WebhookConfig) => Record<string, string>>> = {
  stripe: (c) => ({ STRIPE_WEBHOOK_SECRET: c.stripe ?? "" }),
  razorpay: (c) => ({ RAZORPAY_WEBHOOK_SECRET: c.razorpay ?? "" }),
  paystack: (c) => ({ PAYSTACK_SECRET_KEY: c.paystack ?? "" }),
  mercadopago: (c) => ({ MERCADOPAGO_WEBHOOK_SECRET: c.mercadopago ?? "", MERCADOPAGO_ACCESS_TOKEN: "mp-token" }),
  xendit: (c) => ({ XENDIT_CALLBACK_TOKEN: c.xendit ?? "" }),
  iyzico: (c) => ({ IYZICO_SECRET_KEY: c.iyzico ?? "" }),
  sslcommerz: (c) => ({
    SSLCOMMERZ_STORE_ID: c.sslcommerz?.storeId ?? "",
    SSLCOMMERZ_STORE_PASSWORD: c.sslcommerz?.passwords ?? "",
  }),
  bkash: (c) => ({ BKASH_SNS_TOPIC_ARN: c.bkash ?? "" }),
  sandbox: (c) => ({ SANDBOX_WEBHOOK_SECRET: c.sandbox ?? "" }),
};
const ALL_CONFIGURED = Object.fromEntries(
  GATEWAYS.flatMap((gateway) => Object.entries(ENV_OF[gateway](FIXTURES[gateway].config))),
);

let t: TestApp;
let url: string;
let bare: string;
let bareApp: TestApp;
let api: FakePaymentApi;
let now = NOW;
const clock = { now: () => now, monotonicMs: () => performance.now() };
const confirmed: string[] = [];
const sns = {
  fetchPem,
  confirm: async (address: string) => void confirmed.push(address),
};
const lines: string[] = [];
const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });

beforeAll(async () => {
  api = await startPaymentApi();
  const env = { ...ALL_CONFIGURED, MERCADOPAGO_BASE_URL: api.url, SSLCOMMERZ_BASE_URL: api.url };
  t = await createTestApp({ coordination: "standalone", env, overrides: { clock, sns, logger } });
  url = await t.listen();
  bareApp = await createTestApp({ coordination: "standalone" });
  bare = await bareApp.listen();
});
beforeEach(() => {
  now = NOW;
  api.answers = {
    "/v1/payments/123456": {
      id: 123456,
      status: "approved",
      transaction_amount: 41.5,
      currency_id: "BRL",
      external_reference: TRIP,
      date_last_updated: "2026-11-20T08:00:00.000-04:00",
    },
    "/validator/": {
      status: "VALID",
      tran_id: "tran1",
      val_id: "val1",
      amount: "41.50",
      currency: "BDT",
      risk_level: "0",
    },
  };
});
afterEach(async () => {
  await t.app.db.pool.query("TRUNCATE webhook_events, outbox, effects, trip_events");
  await t.app.db.pool.query("DELETE FROM trip_requests WHERE id = $1", [TRIP]);
});
afterAll(async () => {
  await t.dispose();
  await bareApp.dispose();
  await api.close();
});

const stored = (where = "true") => t.value<number>(`SELECT count(*)::int FROM webhook_events WHERE ${where}`);
const jobs = () => t.value<number>("SELECT count(*)::int FROM outbox WHERE topic = 'process-webhook'");
const eventRow = async () =>
  (
    await t.rows<{ id: string; status: string; verdict: string | null; kind: string; attempts: number }>(
      "SELECT id, status, verdict, kind, attempts FROM webhook_events ORDER BY id DESC LIMIT 1",
    )
  )[0];
/** Only what HTTP can carry: a header is one text, without blanks around it. */
const isSendable = ({ headers, query }: WebhookRequest) =>
  Object.values(headers).every((value) => typeof value === "string" && value === value.trim()) &&
  new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length &&
  Object.values(query).every((value) => value !== undefined);

async function deliver(gateway: Gateway, request: WebhookRequest, to = url) {
  now = request.now;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query))
    for (const one of [value].flat()) query.append(name, String(one));
  const response = await fetch(`${to}/api/webhooks/${gateway}?${query}`, {
    method: "POST",
    headers: request.headers as Record<string, string>,
    body: new Uint8Array(request.rawBody),
  });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}
const STATUS_OF = { event: 200, subscription: 200, not_configured: 503, certificate_unavailable: 503 } as const;
const CODE_OF: Readonly<Record<number, string>> = { 400: "INVALID_SIGNATURE" };

/** A trip with the id that the fixtures name, for which exactly this is due. */
async function tripFor(event: Pick<PaymentEvent, "amount">): Promise<void> {
  await t.app.db.pool.query("DELETE FROM trip_requests WHERE id = $1", [TRIP]);
  await t.app.db.pool.query(
    `INSERT INTO trip_requests (id, ref_id, customer_id, vehicle_category_id, zone_id, payment_method, currency,
       estimated_fare, estimated_distance, estimated_duration, search_ends_at)
     SELECT $1, $2, $3, k.id, '0199aaaa-0000-7000-8000-000000000001', 'card', $4, $5, 5000, 600, now() + interval '1 hour'
     FROM vehicle_categories k WHERE k.code = 'economy'`,
    [TRIP, refIdOf(TRIP), await t.make.customer(), event.amount?.currency ?? "EGP", event.amount?.amount ?? 4000],
  );
}
/** Has the newest event processed again, by hand, and says what came of it. */
async function again(): Promise<Awaited<ReturnType<typeof eventRow>>> {
  const row = await eventRow();
  expect(await t.app.webhooks.reprocess([row?.id ?? ""], async () => undefined)).toMatchObject([{ outcome: "queued" }]);
  await t.drain();
  return eventRow();
}

describe.each(Object.values(FIXTURES))("$gateway", (fixture) => {
  const { gateway, valid } = fixture;

  test.each(casesOf(fixture).filter(({ request }) => isSendable(request)))(
    "$name",
    async ({ request, expected, config }) => {
      const answer = await deliver(gateway, request, config === undefined ? url : bare);
      const status = (STATUS_OF as Record<string, number>)[expected] ?? 400;
      expect([answer.status, answer.body.code]).toEqual([
        status,
        CODE_OF[status] ??
          (expected === "not_configured"
            ? "GATEWAY_NOT_CONFIGURED"
            : expected === "certificate_unavailable"
              ? "SERVICE_UNAVAILABLE"
              : undefined),
      ]);
      if (status === 503) expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      expect([await stored(), await jobs()]).toEqual(status === 200 ? [1, 1] : [0, 0]);
      if (status === 200) expect(answer.body).toEqual({ status: "received" });
    },
  );

  test("twenty at once: one row, one job, one received; and later all duplicates", async () => {
    const answers = await allAtOnce(20, () => deliver(gateway, valid));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(answers.filter(({ body }) => body.status === "received")).toHaveLength(1);
    expect((await deliver(gateway, valid)).body).toEqual({ status: "duplicate" });
    expect([await stored(), await jobs()]).toEqual([1, 1]);
    expect(await t.value("SELECT deliveries FROM webhook_events")).toBe(21);
  });

  test("the bytes are kept as they came", async () => {
    await deliver(gateway, valid);
    expect((await t.value<Buffer>("SELECT raw_body FROM webhook_events")).equals(valid.rawBody)).toBe(true);
  });

  test("what it says of a trip: matched, another amount, another currency, out of order, no such trip", async () => {
    const verdict = await t.app.webhooks.receive(gateway, { ...valid, ip: null, requestId: "r" });
    expect(verdict).toBe("received");
    await t.drain();
    const said = await t.app.webhooks.detail((await eventRow())?.id ?? "");
    await tripFor(said);
    // Xendit and Iyzico sign no amount and are not asked yet.
    const fits = gateway === "xendit" || gateway === "iyzico" ? "unconfirmed" : "matched";
    expect(await again()).toMatchObject({ status: "processed", verdict: fits, kind: said.kind });
    expect(await t.value("SELECT count(*)::int FROM trip_events WHERE trip_request_id = $1", [TRIP])).toBe(1);
    if (said.amount !== null) {
      await t.app.db.pool.query("UPDATE trip_requests SET estimated_fare = estimated_fare + 1");
      expect(await again()).toMatchObject({ verdict: "amount_mismatch" });
      await t.app.db.pool.query("UPDATE trip_requests SET estimated_fare = estimated_fare - 1, currency = 'XTS'");
      expect(await again()).toMatchObject({ verdict: "currency_mismatch" });
      await tripFor(said);
    }
    if (said.occurredAt !== null && said.paymentId !== null) {
      await t.app.db.pool.query(
        `INSERT INTO webhook_events (id, gateway, event_key, kind, raw_type, amount_is_signed, payment_id, occurred_at, status, job_id, request_id)
         SELECT $1, gateway, 'later', 'refunded', 'later', true, payment_id, occurred_at + interval '1 second', 'processed', $1, 'r' FROM webhook_events`,
        ["00000000-0000-4000-8000-000000000001"],
      );
      expect(await again()).toMatchObject({ verdict: "out_of_order" });
    }
    await t.app.db.pool.query("DELETE FROM trip_requests WHERE id = $1", [TRIP]);
    expect(await again()).toMatchObject({ verdict: "unknown_trip" });
    // All of it was one event, and stands once on the trip's timeline.
    expect(await t.value("SELECT count(*)::int FROM trip_events WHERE trip_request_id = $1", [TRIP])).toBe(1);
  });

  test("an event that means nothing to us is kept and ignored", async () => {
    await deliver(gateway, fixture.unknownKind);
    await t.drain();
    expect(await eventRow()).toMatchObject({ status: "ignored", verdict: null, kind: "unknown" });
  });

  test("mutation: a verifier that says yes to all lets the forged one in", async () => {
    const config = { ...NOTHING_CONFIGURED, ...fixture.config };
    const real = createWebhooks(config, fixture.signingKeys);
    const trusting = {
      ...real,
      [gateway]: { ...real[gateway], verify: async () => verifiedEvent("forged", { anything: true }) },
    };
    const peer = await createTestApp({ peerOf: t, overrides: { clock, gateways: trusting } });
    const answer = await deliver(gateway, fixture.forgedSignature, await peer.listen());
    await peer.dispose();
    expect([answer.status, await stored()], "the tests above would be red").toEqual([200, 1]);
  });
});

describe("Stripe, signed by its own SDK", () => {
  const event = (id: string, type: string, created: number, object: object) => ({
    id,
    object: "event",
    type,
    created,
    data: { object: { id: "pi_9", currency: "egp", metadata: { trip_id: TRIP }, ...object } },
  });
  function signed(body: object, secret = "whsec_new"): WebhookRequest {
    const payload = JSON.stringify(body);
    const timestamp = Math.floor(NOW.getTime() / 1000);
    const header = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
    return { rawBody: Buffer.from(payload), headers: { "stripe-signature": header }, query: {}, now: NOW };
  }

  test("captured before authorised: the later told one is out of order, and each is on the trip's timeline once", async () => {
    await tripFor({ amount: { amount: 4150, currency: "EGP" } });
    const at = Math.floor(NOW.getTime() / 1000) - 60;
    await deliver("stripe", signed(event("evt_b", "payment_intent.succeeded", at + 5, { amount_received: 4150 })));
    await t.drain();
    expect(await eventRow()).toMatchObject({ kind: "captured", verdict: "matched" });
    await deliver(
      "stripe",
      signed(event("evt_a", "payment_intent.amount_capturable_updated", at, { amount_capturable: 4150 })),
    );
    await t.drain();
    expect(await eventRow()).toMatchObject({ kind: "authorized", verdict: "out_of_order" });
    expect(
      (await t.rows("SELECT kind FROM trip_events ORDER BY at")).map((row) => (row as { kind: string }).kind),
    ).toEqual(["payment.captured", "payment.authorized"]);
  });

  describe("payments that fail", () => {
    const at = Math.floor(NOW.getTime() / 1000) - 60;
    const fail = async (id: string) => {
      await deliver("stripe", signed(event(id, "payment_intent.payment_failed", at, { amount: 4150 })));
      await t.drain();
    };
    const counted = () => t.value<number>("SELECT count(*)::int FROM conduct_events WHERE kind = 'payment_failed'");
    const mayPay = async () =>
      t.app.conduct.assertMayPay(
        t.app.db.pool,
        await t.value("SELECT customer_id FROM trip_requests WHERE id = $1", [TRIP]),
      );
    const alerts = () => t.rows("SELECT kind, resolved_at IS NULL AS open FROM alerts");
    beforeEach(async () => {
      await t.app.db.pool.query("TRUNCATE conduct_events, alerts");
      await tripFor({ amount: { amount: 4150, currency: "EGP" } });
    });

    test("the fourth within an hour blocks the customer's payments and raises an alert; the third does neither", async () => {
      for (const id of ["evt_f1", "evt_f2", "evt_f3"]) await fail(id);
      await mayPay();
      expect([await counted(), await alerts()]).toEqual([3, []]);
      await fail("evt_f4");
      await expect(mayPay()).rejects.toMatchObject({ code: "FORBIDDEN", retryAfterSeconds: 3600 });
      expect(await alerts()).toEqual([{ kind: "payments.blocked", open: true }]);
    });

    test("the same one counts once, delivered again or processed again", async () => {
      for (const id of ["evt_f1", "evt_f2", "evt_f3", "evt_f3", "evt_f3"]) await fail(id);
      expect(await again()).toMatchObject({ status: "processed", kind: "failed" });
      expect([await stored(), await counted(), await alerts()]).toEqual([3, 3, []]);
      await mayPay();
    });

    test("mutation: counted outside the once-only effect, processing again counts again and blocks", async () => {
      for (const id of ["evt_f1", "evt_f2", "evt_f3"]) await fail(id);
      // Without its mark, an effect is one that was never done.
      await t.app.db.pool.query("DELETE FROM effects WHERE effect = 'payment.event'");
      await again();
      await expect(mayPay()).rejects.toMatchObject({ code: "FORBIDDEN" });
    });
  });

  test("a refund that names no trip finds it by its payment; more than was due is a mismatch", async () => {
    await tripFor({ amount: { amount: 4150, currency: "EGP" } });
    const at = Math.floor(NOW.getTime() / 1000) - 60;
    await deliver("stripe", signed(event("evt_c", "payment_intent.succeeded", at, { amount_received: 4150 })));
    await t.drain();
    for (const [id, amount, verdict] of [
      ["evt_d", 1000, "matched"],
      ["evt_e", 4151, "amount_mismatch"],
    ] as const) {
      const refund = { id: `re_${id}`, payment_intent: "pi_9", status: "succeeded", amount, metadata: {} };
      await deliver("stripe", signed(event(id, "refund.updated", at + 10, refund)));
      await t.drain();
      expect(await eventRow()).toMatchObject({ kind: "refunded", verdict });
    }
  });
});

describe("MercadoPago", () => {
  test("the payment is fetched by its signed id, with our token", async () => {
    const before = api.asked.length;
    await deliver("mercadopago", mercadoPagoDelivery());
    await t.drain();
    expect(api.asked.slice(before)).toMatchObject([
      { line: "GET /v1/payments/123456", headers: { authorization: "Bearer mp-token" } },
    ]);
    expect(await eventRow()).toMatchObject({ kind: "captured", status: "processed" });
  });

  test("two notifications of one state are one effect; a new state is another", async () => {
    await tripFor({ amount: { amount: 4150, currency: "BRL" } });
    const told = () => t.value("SELECT count(*)::int FROM trip_events WHERE trip_request_id = $1", [TRIP]);
    await deliver("mercadopago", mercadoPagoDelivery());
    await deliver("mercadopago", mercadoPagoDelivery({ body: { id: 9002 } }));
    await t.drain();
    expect([await stored(), await told()]).toEqual([2, 1]);
    const payment = api.answers["/v1/payments/123456"] as object;
    const later = {
      status: "refunded",
      transaction_amount_refunded: 41.5,
      date_last_updated: "2026-11-20T08:00:09.000-04:00",
    };
    api.answers = { "/v1/payments/123456": { ...payment, ...later } };
    await deliver("mercadopago", mercadoPagoDelivery({ body: { id: 9003 } }));
    await t.drain();
    expect(await told()).toBe(2);
  });

  test("a gateway that does not answer fails the try and not the event; the next try does it", async () => {
    api.answers = { "/v1/payments/123456": 503 };
    await deliver("mercadopago", mercadoPagoDelivery());
    await expect(t.drain()).rejects.toThrow("mercadopago answered 503");
    expect(await t.rows("SELECT status, attempts, last_error FROM webhook_events")).toMatchObject([
      { status: "received", attempts: 1, last_error: expect.stringContaining("answered 503") },
    ]);
  });

  test("a payment that the gateway does not know is not asked for again", async () => {
    api.answers = {};
    await deliver("mercadopago", mercadoPagoDelivery());
    await expect(t.drain()).rejects.toMatchObject({ name: "PermanentJobError" });
  });
});

describe("SSLCommerz: the validation API decides", () => {
  const ANSWER = { status: "VALID", tran_id: "tran1", amount: "41.50", currency: "BDT", risk_level: "0" };
  test.each([
    ["risky: held", { risk_level: "1" }, "held"],
    ["another amount", { amount: "41.51" }, "amount_mismatch"],
    ["another currency", { currency: "USD" }, "currency_mismatch"],
    ["another transaction", { tran_id: "tran2" }, "unconfirmed"],
    ["not valid", { status: "INVALID_TRANSACTION" }, "unconfirmed"],
  ])("%s", async (_name, more, verdict) => {
    await tripFor({ amount: { amount: 4150, currency: "BDT" } });
    api.answers = { "/validator/": { ...ANSWER, ...more } };
    await deliver("sslcommerz", FIXTURES.sslcommerz.valid);
    await t.drain();
    expect(await eventRow()).toMatchObject({ status: "processed", verdict });
  });

  test("its password, which goes in the address, is in no log line and no error", async () => {
    api.answers = { "/validator/": 500 };
    await deliver("sslcommerz", FIXTURES.sslcommerz.valid);
    await expect(t.drain()).rejects.toThrow("sslcommerz answered 500");
    expect(api.asked.at(-1)?.line).toContain("store_passwd=new");
    expect(lines.join("")).not.toContain("store_passwd");
    expect(await t.value("SELECT last_error FROM webhook_events")).not.toContain("store_passwd");
  });
});

test("bKash's subscription is confirmed by a GET of the pinned address, once it was verified", async () => {
  const confirmation = casesOf(FIXTURES.bkash).find(({ expected }) => expected === "subscription");
  if (confirmation === undefined) throw new Error("no subscription among the cases");
  await deliver("bkash", confirmation.request);
  expect(confirmed).toEqual([]);
  await t.drain();
  expect(confirmed).toEqual([
    expect.stringMatching(/^https:\/\/sns\.ap-southeast-1\.amazonaws\.com\/\?Action=ConfirmSubscription/),
  ]);
  expect(await eventRow()).toMatchObject({ status: "processed", verdict: null });
});

test("a failed try is repeated after 1, 5 and 15 minutes", () => {
  expect(JOBS["process-webhook"].attempts).toBe(4);
  expect([1, 2, 3].map((made) => backoffMs("process-webhook", made) / 1000)).toEqual([60, 300, 900]);
});

describe("the door", () => {
  const sandbox = FIXTURES.sandbox.valid;

  test("an unknown gateway is 404; another method 405, and says which", async () => {
    expect((await call(`${url}/api/webhooks/paypal`, { body: {} })).status).toBe(404);
    const get = await call(`${url}/api/webhooks/stripe`, { method: "GET" });
    expect([get.status, get.body.code, get.headers.get("allow")]).toEqual([405, "METHOD_NOT_ALLOWED", "POST, OPTIONS"]);
  });

  test("600 a minute for each gateway, and one's flood costs neither another nor the real one anything", async () => {
    const fresh = await createTestApp({ peerOf: bareApp, limits: "on", env: { TRUSTED_PROXIES: "127.0.0.1,::1" } });
    const to = await fresh.listen();
    const knock = (gateway: Gateway, from = "203.0.113.1") =>
      fetch(`${to}/api/webhooks/${gateway}`, { method: "POST", body: "{}", headers: { "x-forwarded-for": from } });
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) statuses.push(...(await allAtOnce(50, async () => (await knock("paystack")).status)));
    expect(new Set(statuses)).toEqual(new Set([503]));
    const refused = await knock("paystack");
    expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([429, true]);
    expect((await knock("razorpay")).status).toBe(503);
    expect((await knock("paystack", "198.51.100.7")).status).toBe(503);
    await fresh.dispose();
  });

  test("a mebibyte is read, a byte more is 413, announced or not", async () => {
    const post = (bytes: number, chunked: boolean) => {
      const body = new Uint8Array(bytes).fill(32);
      const stream = new ReadableStream({
        start(controller) {
          controller.enqueue(body);
          controller.close();
        },
      });
      return fetch(`${url}/api/webhooks/stripe`, {
        method: "POST",
        body: chunked ? stream : body,
        ...(chunked ? { duplex: "half" as const } : {}),
      } as RequestInit).then((response) => response.status);
    };
    expect([await post(1024 * 1024, false), await post(1024 * 1024, true)]).toEqual([400, 400]);
    expect([await post(1024 * 1024 + 1, false), await post(1024 * 1024 + 1, true)]).toEqual([413, 413]);
  });

  test("what is refused leaves a security line and a count, without a byte of it", async () => {
    lines.length = 0;
    const marker = "personal-data-of-somebody";
    const rawBody = Buffer.from(JSON.stringify({ marker }));
    await deliver("stripe", { ...FIXTURES.stripe.valid, rawBody });
    const line = lines.find((each) => each.includes('"security":"INVALID_SIGNATURE"'));
    expect(JSON.parse(line ?? "{}")).toMatchObject({
      gateway: "stripe",
      reason: "mismatch",
      bytes: rawBody.length,
      requestId: expect.any(String),
    });
    expect(lines.join("")).not.toContain(marker);
    expect(await t.app.metrics.registry.getSingleMetricAsString("webhook_deliveries_total")).toContain(
      'gateway="stripe",outcome="mismatch"',
    );
    expect(await stored()).toBe(0);
  });

  test("a password of a token is not kept, and a signature is shortened", async () => {
    await deliver("xendit", FIXTURES.xendit.valid);
    await deliver("stripe", FIXTURES.stripe.valid);
    const kept = JSON.stringify(await t.rows("SELECT headers FROM webhook_events"));
    expect(kept).not.toContain("callback-token");
    expect(kept).not.toContain(String(FIXTURES.stripe.valid.headers["stripe-signature"]));
  });

  test("event and job are one transaction: without the outbox neither is there", async () => {
    await t.app.db.pool.query("ALTER TABLE outbox RENAME TO outbox_gone");
    try {
      expect((await deliver("sandbox", sandbox)).status).toBe(500);
    } finally {
      await t.app.db.pool.query("ALTER TABLE outbox_gone RENAME TO outbox");
    }
    expect([await stored(), await jobs()]).toEqual([0, 0]);
    expect((await deliver("sandbox", sandbox)).body).toEqual({ status: "received" });
  });

  test("mutation: without the unique key, a duplicate is kept and processed again", async () => {
    await tripFor({ amount: { amount: 4150, currency: "EGP" } });
    await t.app.db.pool.query(`
      CREATE FUNCTION forget_key() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.event_key := gen_random_uuid()::text; RETURN NEW; END $$;
      CREATE TRIGGER forget_key BEFORE INSERT ON webhook_events FOR EACH ROW EXECUTE FUNCTION forget_key()`);
    try {
      await allAtOnce(5, () => deliver("sandbox", sandbox));
      await t.drain();
      expect([
        await stored(),
        await t.value("SELECT count(*)::int FROM trip_events WHERE trip_request_id = $1", [TRIP]),
      ]).toEqual([5, 5]);
    } finally {
      await t.app.db.pool.query("DROP TRIGGER forget_key ON webhook_events; DROP FUNCTION forget_key()");
    }
  });

  test("the database down: 503 before the gateway gives up, and the retry is received", async () => {
    const postgres = await startPrivatePostgres();
    const own = await createTestApp({
      coordination: "standalone",
      databaseUrl: postgres.url,
      env: ALL_CONFIGURED,
      overrides: { clock, sns },
    });
    try {
      const to = await own.listen();
      await postgres.crash();
      const started = performance.now();
      const refused = await deliver("sandbox", sandbox, to);
      expect([refused.status, refused.body.code]).toEqual([503, "SERVICE_UNAVAILABLE"]);
      expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(performance.now() - started).toBeLessThan(5000);
      await postgres.start();
      expect((await deliver("sandbox", sandbox, to)).body).toEqual({ status: "received" });
    } finally {
      await own.dispose();
      await postgres.stop();
    }
  });
});

describe("operators", () => {
  const as = async (role: "admin" | "viewer") => t.operatorToken(await t.make.operator(role));
  const query = (token: string, path: string, input: unknown) =>
    call(`${url}/api/trpc/${path}?input=${encodeURIComponent(JSON.stringify({ json: input }))}`, {
      token,
      method: "GET",
    });
  const dataOf = (answer: { body: Record<string, unknown> }) =>
    (answer.body.result as { data: { json: Record<string, unknown> } }).data.json;

  test("see the inbox by gateway, status and verdict, and an event beside its bytes, masked", async () => {
    const admin = await as("admin");
    await deliver("stripe", FIXTURES.stripe.valid);
    await deliver("sslcommerz", FIXTURES.sslcommerz.valid);
    await t.drain();
    const items = async (input: object) =>
      dataOf(await query(admin, "webhooks.list", input)).items as { id: string; gateway: string }[];
    expect((await items({})).map(({ gateway }) => gateway)).toEqual(["sslcommerz", "stripe"]);
    expect((await items({ gateways: ["stripe"] })).map(({ gateway }) => gateway)).toEqual(["stripe"]);
    expect(await items({ statuses: ["failed"] })).toEqual([]);
    expect(await items({ verdicts: ["unknown_trip"] })).toHaveLength(2);
    const [form] = await items({ gateways: ["sslcommerz"] });
    const detail = dataOf(await query(admin, "webhooks.detail", { id: form?.id }));
    expect(detail).toMatchObject({
      kind: "captured",
      amount: { amount: 4150, currency: "BDT" },
      bytes: FIXTURES.sslcommerz.valid.rawBody.length,
      body: { amount: "41.50", verify_sign: "•••", verify_sign_sha2: "•••" },
    });
    expect((await query(admin, "webhooks.detail", { id: newId() })).status).toBe(404);
  });

  test("who lacks the permission sees nothing and reprocesses nothing", async () => {
    const viewer = await as("viewer");
    expect((await query(viewer, "webhooks.list", {})).status).toBe(403);
    const reprocess = await call(`${url}/api/trpc/webhooks.reprocess`, {
      token: viewer,
      body: { json: { ids: [newId()], reason: "because I can" } },
    });
    expect(reprocess.status).toBe(403);
  });

  test("reprocess by hand: each its own result, audited with the reason; deleted bytes cannot be", async () => {
    const admin = await as("admin");
    await deliver("stripe", FIXTURES.stripe.valid);
    await deliver("sandbox", FIXTURES.sandbox.valid);
    await t.drain();
    const ids = (await t.rows<{ id: string }>("SELECT id FROM webhook_events ORDER BY gateway")).map(({ id }) => id);
    await t.app.db.pool.query("UPDATE webhook_events SET payload = NULL, raw_body = NULL WHERE gateway = 'sandbox'");
    const answer = await call(`${url}/api/trpc/webhooks.reprocess`, {
      token: admin,
      body: { json: { ids: [...ids, newId()], reason: "the trip was imported late" } },
    });
    const outcomes = (answer.body.result as { data: { json: { outcome: string }[] } }).data.json.map(
      ({ outcome }) => outcome,
    );
    expect(outcomes).toEqual(["too_old", "queued", "gone"]);
    expect(await t.drain()).toBe(1);
    expect(await t.value("SELECT attempts FROM webhook_events WHERE gateway = 'stripe'")).toBe(2);
    expect(
      await t.value(
        "SELECT count(*)::int FROM activity_logs WHERE action = 'webhook.reprocess' AND reason = 'the trip was imported late'",
      ),
    ).toBe(3);
  });
});
