import { createServer } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { derivedDigits, hashPassword } from "#server/platform/crypto.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";
import { spawnServer, type TestServer } from "#server/testing/server-process.ts";
import { waitUntil } from "#server/testing/wait.ts";

/** A provider that answers with all it was sent, as some do. */
const leaky = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => response.writeHead(503, { "content-type": "text/plain" }).end(`refused: ${body}`));
});
const PHONE = "+201555000111";
const EMAIL = "mona.adel@example.com";
const PASSWORD = "purple elephant drives";
let t: TestApp;
let server: TestServer;

beforeAll(async () => {
  await new Promise<void>((resolve) => leaky.listen(0, "127.0.0.1", resolve));
  const address = leaky.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  t = await createTestApp();
  server = await spawnServer({
    roles: "web,worker",
    logLevel: "debug",
    env: { ...t.env, SMS_HTTP_URL: `http://127.0.0.1:${port}/sms`, SMS_HTTP_TOKEN: "sms-provider-token-1234" },
  });
});
afterAll(async () => {
  await server.stop();
  await t.dispose();
  leaky.close();
});

test("no log line, at debug level, tells a password, a token, a code, a phone, an email or a card", async () => {
  const [customer, driver] = [await t.make.customer(), await t.make.driver()];
  await t.rows("UPDATE users SET phone = $2, email = $3, password_hash = $4 WHERE id = $1", [
    customer,
    PHONE,
    EMAIL,
    await hashPassword(PASSWORD),
  ]);
  await t.make.place([driver]);
  const post = (path: string, body: unknown, token?: string) =>
    call(`${server.url}${path}`, {
      body,
      ...(token === undefined ? {} : { token }),
      headers: { "idempotency-key": `k-${path}` },
    });
  const signedIn = await post("/api/v1/auth/login", { phone: PHONE, password: PASSWORD });
  const { accessToken, refreshToken } = signedIn.body as { accessToken: string; refreshToken: string };
  await post("/api/v1/auth/login", { email: EMAIL, password: "wrong-password-77" });
  await post("/api/v1/auth/otp", { phone: PHONE });
  const id = await t.value<string>("SELECT id FROM otp_verifications WHERE subject = $1", [PHONE]);
  const code = derivedDigits(t.app.config.auth.secret, `code:${id}`, 6);
  await post("/api/v1/auth/otp/verify", { phone: PHONE, code: code === "123456" ? "654321" : "123456" });
  const renewed = await post("/api/v1/auth/refresh", { refreshToken });
  await post("/api/v1/auth/refresh", { refreshToken: "not-a-refresh-token-but-secret" });
  const again = renewed.body as { accessToken: string; refreshToken: string };
  const ride = { pickup: HERE, destination: HERE, vehicleCategory: "economy", paymentMethod: "cash" };
  const trip = await post("/api/v1/trips", ride, again.accessToken);
  expect([signedIn.status, renewed.status, trip.status]).toEqual([200, 200, 201]);
  // A fault of ours, with a person's data in the database's own words.
  await t.rows("ALTER TABLE registrations ADD CONSTRAINT forced CHECK (details = 'never')");
  const wish = { type: "driver", phone: PHONE, password: PASSWORD, firstName: "Mona", lastName: "Adel" };
  const documents = { licenceNumber: "LIC-998877", identityNumber: "4242424242424242" };
  expect((await post("/api/v1/auth/register", { ...wish, ...documents })).status).toBe(500);
  await waitUntil(
    "the provider's refusal in the log",
    () => JSON.stringify(server.log).includes("sms answered 503"),
    20_000,
  );

  const written = `${JSON.stringify(server.log)}\n${server.words.join("\n")}`;
  expect(server.log.length).toBeGreaterThan(10);
  const secrets = [PASSWORD, "wrong-password-77", accessToken, refreshToken, again.accessToken, again.refreshToken];
  const personal = [
    PHONE,
    PHONE.slice(1),
    EMAIL,
    "998877",
    "4242424242424242",
    "sms-provider-token",
    "not-a-refresh-token",
  ];
  for (const secret of [...secrets, ...personal]) expect(written.includes(secret), secret.slice(0, 12)).toBe(false);
  expect(written).not.toMatch(new RegExp(`\\b${code}\\b`));
  // The mutation's other half: what came in did hold them, and was cut.
  expect(written).toContain("[redacted]");
});
