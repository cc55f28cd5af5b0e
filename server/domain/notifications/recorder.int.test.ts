import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRecorder } from "#server/domain/notifications/recorder.ts";
import { tripOtp } from "#server/domain/trips/trip-otp.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { spawnServer } from "#server/testing/server-process.ts";

const PRODUCTION = {
  NODE_ENV: "production",
  AUTH_SECRET: randomBytes(48).toString("base64"),
  ENCRYPTION_KEYS: `1:${randomBytes(32).toString("base64")}`,
};
const WISH = { type: "customer", password: "purple elephant drives", firstName: "Nour", lastName: "Saleh" };
let real: TestApp;
let demo: TestApp;
beforeAll(async () => {
  real = await createTestApp({ coordination: "standalone", env: PRODUCTION });
  demo = await createTestApp({ coordination: "standalone", env: { ...PRODUCTION, SMARTLINE_DEMO: "1" } });
});
afterAll(async () => {
  await demo.dispose();
  await real.dispose();
});

const kept = (t: TestApp) => t.rows<{ all: string }>("SELECT m::text AS all FROM recorded_messages m");
/** A trip that a driver accepted, with its messages sent; the code that starts it. */
async function acceptedTrip(t: TestApp): Promise<string> {
  const [trip, driver] = [await t.make.trip(), await t.make.driver()];
  expect(await t.accept(trip, driver)).toMatchObject({ accepted: true });
  await t.drain();
  return tripOtp(t.app.config.auth.secret, trip, driver);
}

describe("a production server without an SMS provider", () => {
  test("says so to who asks for a code, and makes none", async () => {
    const url = await real.listen();
    for (const [path, body] of [
      ["otp", { phone: "+201100000123" }],
      ["register", { ...WISH, phone: "+201100000123" }],
    ] as const) {
      const answer = await call(`${url}/api/v1/auth/${path}`, { body });
      expect([answer.status, answer.body.code]).toEqual([503, "SMS_NOT_CONFIGURED"]);
      expect(answer.body.detail).toMatch(/cannot send codes by SMS/);
    }
    expect(await real.value("SELECT count(*)::int FROM otp_verifications")).toBe(0);
  });

  test("says so at start; with a provider there is nothing to say, and the code is taken for it", async () => {
    const said = async (env: Record<string, string>) => {
      const server = await spawnServer({ roles: "web", env: { ...real.env, ...env, RATE_LIMITS: "on" } });
      const answer = await call(`${server.url}/api/v1/auth/otp`, { body: { phone: "+201100000456" } });
      await server.stop();
      return [server.log.some(({ msg }) => /no SMS provider is configured/.test(String(msg))), answer.status];
    };
    expect(await said({})).toEqual([true, 503]);
    expect(await said({ SMS_HTTP_URL: "http://127.0.0.1:9/sms" })).toEqual([false, 202]);
  });

  test("keeps no code of a trip for its operators to read", async () => {
    const code = await acceptedTrip(real);
    const rows = await kept(real);
    expect(rows.length).toBeGreaterThanOrEqual(2);
    for (const { all } of rows) expect(all).not.toMatch(new RegExp(`(?<!\\d)${code}(?!\\d)`));
    expect(JSON.stringify(rows)).toContain("••••");
  });

  test("nor one to sign in or register with, should one be sent all the same", async () => {
    await real.app.identity.codes.request("sign_in", "+201100000789");
    const id = await real.make.customer();
    await real.rows("UPDATE users SET phone = '+201100000789' WHERE id = $1", [id]);
    await real.app.identity.registrations.begin({ ...WISH, type: "customer", phone: "+201100000790" });
    await real.drain();
    const bodies = await real.rows<{ body: string }>(
      "SELECT body FROM recorded_messages WHERE recipient IN ('+201100000789', '+201100000790') ORDER BY recipient",
    );
    expect(bodies.map(({ body }) => body)).toEqual([
      expect.stringContaining("your code is ••••••. It signs you in"),
      expect.stringContaining("your code is ••••••. It confirms your new account"),
    ]);
  });

  test("mutation: a recorder that keeps codes shows one", async () => {
    const { sms } = createRecorder(real.app.db, { keepCodes: true });
    await sms.send({ to: "+201100000001", body: "your code is 314159.", dedupeKey: "mutation", tripId: null });
    expect(JSON.stringify(await kept(real))).toContain("314159");
  });
});

test("the demo goes on showing its codes", async () => {
  const code = await acceptedTrip(demo);
  expect(JSON.stringify(await kept(demo))).toMatch(new RegExp(`(?<!\\d)${code}(?!\\d)`));
  const answer = await call(`${await demo.listen()}/api/v1/auth/otp`, { body: { phone: "+201100000123" } });
  expect(answer.status).toBe(202);
});
