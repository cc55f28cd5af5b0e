import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFcm } from "#server/domain/notifications/fcm.ts";
import { createSmsHttp } from "#server/domain/notifications/sms-http.ts";
import { createProviderClient, ProviderError } from "#server/platform/http-client.ts";
import { createMetrics } from "#server/platform/metrics.ts";

interface Call {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let server: Server;
let base = "";
let calls: Call[] = [];
/** What the provider answers, one after another; the last one stays. `hang`: nothing, ever. */
let answers: (number | "hang")[] = [200];
const metrics = createMetrics({ processMetrics: false });

beforeEach(async () => {
  calls = [];
  answers = [200];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    calls.push({ path: request.url ?? "", headers: request.headers, body });
    if (request.url === "/token")
      return response.end(JSON.stringify({ access_token: "google-token", expires_in: 3600 }));
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer !== "hang") response.writeHead(answer ?? 200).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const sms = (timeoutMs = 500) =>
  createSmsHttp({
    url: `${base}/sms`,
    token: "sms-token",
    sender: "SmartLine",
    client: createProviderClient({ name: "sms", metrics, timeoutMs, retries: 2 }),
  });
const message = { to: "+201100000001", body: "code 1234", dedupeKey: "otp.sms:trip:1", tripId: null };

describe("SMS over HTTP", () => {
  it("sends the message with its key, so that a repeat can be dropped", async () => {
    await sms().send(message);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.headers).toMatchObject({ authorization: "Bearer sms-token", "idempotency-key": "otp.sms:trip:1" });
    expect(JSON.parse(calls[0]?.body ?? "")).toEqual({ to: "+201100000001", from: "SmartLine", text: "code 1234" });
  });

  it("tries again after a server error, with the same key", async () => {
    answers = [503, 502, 200];
    await sms().send(message);
    expect(calls.map((call) => call.headers["idempotency-key"])).toEqual(Array(3).fill("otp.sms:trip:1"));
  });

  it("gives up at once when the request itself is refused", async () => {
    answers = [400];
    await expect(sms().send(message)).rejects.toMatchObject({ name: "ProviderError", status: 400, permanent: true });
    expect(calls).toHaveLength(1);
  });

  it("does not wait for a provider that hangs", async () => {
    answers = ["hang"];
    await expect(sms(50).send(message)).rejects.toBeInstanceOf(ProviderError);
    expect(calls).toHaveLength(3);
  });

  it("asks a dead provider no more after five failures in a row, and says so", async () => {
    answers = [500];
    const provider = sms();
    for (let i = 0; i < 3; i++) await expect(provider.send(message)).rejects.toBeInstanceOf(ProviderError);
    const asked = calls.length;
    expect(asked).toBe(5);
    await expect(provider.send(message)).rejects.toThrow(/circuit breaker is open/);
    expect(calls).toHaveLength(asked);
  });
});

describe("FCM HTTP v1", () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const fcm = () =>
    createFcm({
      account: {
        project_id: "smartline",
        client_email: "push@smartline",
        private_key: privateKey,
        token_uri: `${base}/token`,
      },
      baseUrl: base,
      client: createProviderClient({ name: "fcm", metrics, timeoutMs: 500, retries: 1 }),
    });
  const push = {
    token: "phone",
    recipient: "+20",
    title: "Hello",
    body: "World",
    data: { tripId: "t" },
    dedupeKey: "otp.push:t:1",
    tripId: null,
  };

  it("signs in with the service account once, and sends to the phone under one tag", async () => {
    const provider = fcm();
    await provider.send(push);
    await provider.send(push);
    expect(calls.map((call) => call.path)).toEqual([
      "/token",
      "/v1/projects/smartline/messages:send",
      "/v1/projects/smartline/messages:send",
    ]);
    expect(calls[1]?.headers.authorization).toBe("Bearer google-token");
    const { message: sent } = JSON.parse(calls[1]?.body ?? "");
    expect(sent).toMatchObject({
      token: "phone",
      notification: { title: "Hello", body: "World" },
      data: { tripId: "t", messageId: "otp.push:t:1" },
      android: { notification: { tag: "otp.push:t:1" } },
      apns: { headers: { "apns-collapse-id": "otp.push:t:1" } },
    });
  });

  it("signs in again when its access token was revoked", async () => {
    const provider = fcm();
    answers = [401, 200];
    await provider.send(push);
    expect(calls.map((call) => call.path.slice(0, 6))).toEqual(["/token", "/v1/pr", "/token", "/v1/pr"]);
  });

  it("knows that a phone without a token cannot be reached", async () => {
    await expect(fcm().send({ ...push, token: null })).rejects.toMatchObject({ permanent: true });
    expect(calls).toEqual([]);
  });
});
