import Stripe from "stripe";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { openTestDatabase, type TestDatabase } from "#server/testing/services.ts";
import { portOf, startTcpProxy, type TcpProxy, through } from "#server/testing/tcp-proxy.ts";
import { waitUntil } from "#server/testing/wait.ts";

const SECRET = "whsec_frozen";
let database: TestDatabase;
let proxy: TcpProxy;
let t: TestApp;
beforeEach(async () => {
  database = await openTestDatabase();
  proxy = await startTcpProxy({ port: portOf(database.url) });
  t = await createTestApp({ databaseUrl: through(proxy, database.url), env: { SANDBOX_WEBHOOK_SECRET: SECRET } });
});
afterEach(async () => {
  proxy.resume();
  await t.dispose();
  await proxy.close();
  await database.drop();
});

test("a database that went silent: every accept is answered before its app gives up, and nobody is told a lie", async () => {
  const [trips, drivers] = await Promise.all([t.make.trips(150), t.make.drivers(150)]);
  const url = await t.listen();
  const tokens = await Promise.all(drivers.map((driver) => t.token("driver", driver)));
  const accept = async (n: number, headers: Record<string, string> = {}) => {
    const started = performance.now();
    const answer = await call(`${url}/api/v1/trips/${trips[n]}/accept`, {
      token: tokens[n] ?? "",
      headers,
      body: {},
      timeoutMs: 20_000,
    });
    return { ...answer, ms: performance.now() - started };
  };
  expect((await accept(0)).status).toBe(200);
  proxy.pause();
  const answers = await Promise.all(
    Array.from({ length: 149 }, async (_, n) => {
      // Arriving over 2 s: in flight, waiting for a group, and after the first time-out.
      await new Promise((resolve) => setTimeout(resolve, n * 14));
      return accept(n + 1, n % 3 === 0 ? { "idempotency-key": `key-${n}` } : {});
    }),
  );
  expect(Math.max(...answers.map((answer) => answer.ms))).toBeLessThan(7000);
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([503]));
  expect(answers.every((answer) => /^\d+$/.test(answer.headers.get("retry-after") ?? ""))).toBe(true);
  proxy.resume();
  await waitUntil("the database answers again", async () => (await t.app.db.ping().catch(() => null)) !== null);
  // Also those whose statement was on its way when the silence began: their driver's retry is a success.
  const again = await Promise.all(Array.from({ length: 149 }, (_, n) => accept(n + 1)));
  expect(new Set(again.map((answer) => answer.status))).toEqual(new Set([200]));
  expect(await t.broken()).toEqual([]);
});

test("a database that went silent: a gateway is told 503 before it gives up, and its retry is kept once", async () => {
  const url = await t.listen();
  async function deliver(id: string) {
    const started = performance.now();
    const body = JSON.stringify({ id, type: "payment_intent.succeeded", data: { object: { id: "pi" } } });
    const headers = { "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret: SECRET }) };
    const answer = await call(`${url}/api/webhooks/sandbox`, { body, headers, timeoutMs: 20_000 });
    return { ...answer, ms: performance.now() - started };
  }
  expect((await deliver("evt_0")).body).toEqual({ status: "received" });
  proxy.pause();
  const ids = ["evt_1", "evt_2", "evt_3"];
  const answers = await Promise.all(ids.map(deliver));
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
  // Razorpay waits for 5 s.
  expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(5000);
  proxy.resume();
  await waitUntil("the database answers again", async () => (await t.app.db.ping().catch(() => null)) !== null);
  // One whose statement was on its way when the silence began may be there already.
  for (const id of ids) expect((await deliver(id)).status).toBe(200);
  expect(await t.value("SELECT count(*)::int FROM webhook_events")).toBe(4);
  expect(await t.value("SELECT count(*)::int FROM outbox WHERE topic = 'process-webhook'")).toBe(4);
});
