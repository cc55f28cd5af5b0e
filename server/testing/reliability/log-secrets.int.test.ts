import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tripOtp } from "#server/domain/trips/trip-otp.ts";
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
  request.on("end", () => {
    if (request.url === "/token") {
      const answer = JSON.stringify({ access_token: FCM_TOKEN, expires_in: 3600 });
      return response.writeHead(200, { "content-type": "application/json" }).end(answer);
    }
    if (request.url?.startsWith("/v1/projects/")) pushed.push(body);
    response.writeHead(503, { "content-type": "text/plain" }).end(`refused: ${request.headers.authorization} ${body}`);
  });
});
const FCM_TOKEN = "ya29.google-access-token-987";
const PHONE_TOKEN = "fcm-token-of-monas-phone-4711";
const pushed: string[] = [];
const PHONE = "+201555000111";
const EMAIL = "mona.adel@example.com";
const PASSWORD = "purple elephant drives";
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
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
    env: {
      ...t.env,
      SMS_HTTP_URL: `http://127.0.0.1:${port}/sms`,
      SMS_HTTP_TOKEN: "sms-provider-token-1234",
      FCM_BASE_URL: `http://127.0.0.1:${port}`,
      FCM_SERVICE_ACCOUNT: JSON.stringify({
        project_id: "smartline-test",
        client_email: "pushes@smartline-test.example",
        private_key: privateKey,
        token_uri: `http://127.0.0.1:${port}/token`,
      }),
    },
  });
});
afterAll(async () => {
  await server.stop();
  await t.dispose();
  leaky.close();
});

test("no log line, at debug level, tells a password, a token, a code, a phone, an email or a card", async () => {
  const [customer, driver] = [await t.make.customer(), await t.make.driver()];
  await t.rows("UPDATE users SET phone = $2, email = $3, password_hash = $4, fcm_token = $5 WHERE id = $1", [
    customer,
    PHONE,
    EMAIL,
    await hashPassword(PASSWORD),
    PHONE_TOKEN,
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
  // The push with the code that starts the trip, refused by a provider that repeats it.
  const accepted = await post(`/api/v1/trips/${trip.body.id}/accept`, {}, await t.token("driver", driver));
  expect(accepted.status).toBe(200);
  const startCode = tripOtp(t.app.config.auth.secret, String(trip.body.id), driver);
  await waitUntil("the code's push at the provider", () => pushed.some((body) => body.includes(startCode)), 20_000);
  // A fault of ours, with a person's data in the database's own words.
  await t.rows("ALTER TABLE registrations ADD CONSTRAINT forced CHECK (details = 'never')");
  const wish = { type: "driver", phone: PHONE, password: PASSWORD, firstName: "Mona", lastName: "Adel" };
  const documents = { licenceNumber: "LIC-998877", identityNumber: "4242424242424242" };
  expect((await post("/api/v1/auth/register", { ...wish, ...documents })).status).toBe(500);
  for (const refusal of ["sms answered 503", "fcm answered 503"])
    await waitUntil(`${refusal} in the log`, () => JSON.stringify(server.log).includes(refusal), 20_000);
  // What the provider was sent, and sent back, did hold them.
  expect(pushed.join()).toContain(PHONE_TOKEN);

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
    FCM_TOKEN,
    PHONE_TOKEN,
    "BEGIN PRIVATE KEY",
    "not-a-refresh-token",
  ];
  for (const secret of [...secrets, ...personal]) expect(written.includes(secret), secret.slice(0, 12)).toBe(false);
  expect(written).not.toMatch(new RegExp(`\\b${code}\\b`));
  // Four digits alone may be a port: the code as the push has it.
  expect(written).not.toMatch(new RegExp(`(otp\\W{1,9}|code )${startCode}`));
  // The mutation's other half: what came in did hold them, and was cut.
  expect(written).toContain("[redacted]");
});
