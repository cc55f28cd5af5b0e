import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newId, refIdOf } from "#server/contracts/ids.ts";
import { mercadoPagoDelivery } from "#server/domain/payments/webhooks/testing/mercadopago.ts";
import { NOW, TRIP } from "#server/domain/payments/webhooks/testing/suite.ts";
import { type FakePaymentApi, startPaymentApi } from "#server/testing/fake-payment-api.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";
import { waitUntil } from "#server/testing/wait.ts";

/** Workers that die over a gateway's event: it is caught while it asks MercadoPago for the payment. */
let t: TestApp;
let api: FakePaymentApi;
const servers: TestServer[] = [];
beforeAll(async () => {
  api = await startPaymentApi();
  api.answers = {
    "/v1/payments/123456": {
      id: 123456,
      status: "approved",
      transaction_amount: 41.5,
      currency_id: "BRL",
      external_reference: TRIP,
      date_last_updated: "2026-11-20T08:00:00.000-04:00",
    },
  };
  t = await createTestApp({
    overrides: { clock: { now: () => NOW, monotonicMs: () => performance.now() } },
    env: {
      MERCADOPAGO_WEBHOOK_SECRET: "new",
      MERCADOPAGO_ACCESS_TOKEN: "mp-token",
      MERCADOPAGO_BASE_URL: api.url,
      JOB_STALLED_SECONDS: "1",
    },
  });
  await t.app.db.pool.query(
    `INSERT INTO trip_requests (id, ref_id, customer_id, vehicle_category_id, zone_id, payment_method, currency,
       estimated_fare, estimated_distance, estimated_duration, search_ends_at)
     SELECT $1, $2, $3, k.id, '0199aaaa-0000-7000-8000-000000000001', 'card', 'BRL', 4150, 5000, 600, now() + interval '1 hour'
     FROM vehicle_categories k WHERE k.code = 'economy'`,
    [TRIP, refIdOf(TRIP), await t.make.customer()],
  );
});
afterEach(() => Promise.all(servers.splice(0).map((server) => server.kill())));
afterAll(async () => {
  await t.dispose();
  await api.close();
});
const spawn = async () => {
  const server = await spawnServer({ roles: "worker", env: t.env });
  servers.push(server);
  return server;
};
const receive = async (notification: number) => {
  const request = mercadoPagoDelivery({ body: { id: notification } });
  expect(await t.app.webhooks.receive("mercadopago", { ...request, ip: null, requestId: newId() })).toBe("received");
};
const row = async () =>
  (
    await t.rows<{ status: string; attempts: number; verdict: string | null }>(
      "SELECT status, attempts, verdict FROM webhook_events ORDER BY id DESC LIMIT 1",
    )
  )[0];
const told = () =>
  t.value("SELECT count(*)::int FROM trip_events WHERE trip_request_id = $1 AND kind = 'payment.captured'", [TRIP]);

test("kill -9 in the middle: another worker does it again, and the payment is on the trip's timeline once", async () => {
  api.hold();
  const first = await spawn();
  await receive(1);
  await waitUntil("the job asks for the payment", () => api.asked.length === 1);
  await first.kill();
  api.resume();
  await spawn();
  await waitUntil("it is processed", async () => (await row())?.status === "processed", 60_000);
  expect(await row()).toMatchObject({ attempts: 2, verdict: "matched" });
  expect(await told()).toBe(1);
});

test("lost twice: given up, the event says failed and why, and by hand it is done, once", async () => {
  const before = api.asked.length;
  api.hold();
  await receive(2);
  for (const lost of [1, 2]) {
    const worker = await spawn();
    await waitUntil(`the job asks for the payment, try ${lost}`, () => api.asked.length === before + lost, 60_000);
    await worker.kill();
  }
  await spawn();
  await waitUntil("it is given up", async () => (await row())?.status === "failed", 60_000);
  api.resume();
  const id = await t.value<string>("SELECT id FROM webhook_events ORDER BY id DESC LIMIT 1");
  expect(await t.app.webhooks.detail(id)).toMatchObject({ lastError: expect.stringContaining("stalled") });
  expect(await t.app.webhooks.reprocess([id], async () => undefined)).toMatchObject([{ outcome: "queued" }]);
  await waitUntil("it is processed", async () => (await row())?.status === "processed", 60_000);
  // The same payment in the same state as before: nothing new is told.
  expect(await told()).toBe(1);
});
