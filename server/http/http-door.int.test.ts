import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

let t: TestApp;
let url: string;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
});
afterAll(() => t.dispose());

/** Sends bytes as they are, and reads until the server closes or has been silent for a while. */
function raw(text: string, silenceMs = 500): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
const answersIn = (text: string) => text.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0;
const booking = JSON.stringify({
  pickup: HERE,
  destination: { lat: 30.06, lng: 31.25 },
  vehicleCategory: "economy",
  paymentMethod: "cash",
});

describe("every answer carries the security headers", () => {
  test.each([
    "/api/v1/trips",
    "/api/nothing",
    "/health/live",
    "/metrics",
    "/robots.txt",
    "/api/trpc/trips.list",
    "/api/v1/trips/%E0%A4%A",
  ])("%s", async (path) => {
    const { headers } = await call(`${url}${path}`, { method: "GET" });
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBeTruthy();
    expect(headers.get("permissions-policy")).toContain("camera=()");
    expect(headers.get("x-request-id")).toMatch(/^[\w.:-]+$/);
    expect(headers.get("access-control-allow-origin")).toBeNull();
    expect(headers.get("x-powered-by")).toBeNull();
  });

  test("so does what is no request at all", async () => {
    const answer = await raw("GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n");
    expect(statusOf(answer)).toBe(400);
    expect(answer).toMatch(/content-security-policy: default-src 'none'/i);
    expect(answer).toMatch(/x-content-type-options: nosniff/i);
  });
});

describe("methods", () => {
  test("a path that exists takes its own methods alone, and names them", async () => {
    const answer = await call(`${url}/api/v1/trips/${newId()}/accept`, { method: "GET" });
    expect([answer.status, answer.body.code]).toEqual([405, "METHOD_NOT_ALLOWED"]);
    expect(answer.headers.get("allow")).toBe("POST, OPTIONS");
    expect((await call(`${url}/api/v1/trips`, { method: "DELETE" })).headers.get("allow")).toBe(
      "GET, HEAD, POST, OPTIONS",
    );
    expect((await call(`${url}/api/v1/nothing`, { method: "DELETE" })).status).toBe(404);
  });

  test("OPTIONS says what there is, and nothing to other origins", async () => {
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    const answer = await call(`${url}/api/v1/trips`, { method: "OPTIONS", headers });
    expect([answer.status, answer.headers.get("allow")]).toEqual([204, "GET, HEAD, POST, OPTIONS"]);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });

  test("HEAD answers as GET does, without the body", async () => {
    const answer = await fetch(`${url}/health/live`, { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });

  test("TRACE echoes nothing", async () => {
    const answer = await raw(
      "TRACE /api/v1/trips HTTP/1.1\r\nHost: x\r\nX-Secret: s3cret\r\nConnection: close\r\n\r\n",
    );
    expect(statusOf(answer)).toBeGreaterThanOrEqual(400);
    expect(answer).not.toContain("s3cret");
  });
});

describe("what is too long, or smuggled", () => {
  test("headers over 16 KiB: 431; an address over 8 KiB: 414", async () => {
    expect(statusOf(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(17_000)}\r\n\r\n`))).toBe(431);
    expect((await call(`${url}/api/v1/trips?cursor=${"a".repeat(9000)}`, { method: "GET" })).status).toBe(414);
  });

  test("a length and chunks at once: 400, and what follows is no second request", async () => {
    const smuggled = "0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const headers of [
      `Content-Length: ${smuggled.length}\r\nTransfer-Encoding: chunked`,
      `Transfer-Encoding: chunked\r\nContent-Length: 4`,
      "Content-Length: 5\r\nContent-Length: 6",
      "Transfer-Encoding: chunked, identity",
      "Transfer-Encoding : chunked",
      "Content-Length: +5",
    ]) {
      const answer = await raw(`POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${smuggled}`);
      expect([headers, statusOf(answer), answersIn(answer)]).toEqual([headers, 400, 1]);
    }
  });

  test("no host: 400; an expectation that nobody has: 417", async () => {
    expect(statusOf(await raw("GET /health/live HTTP/1.1\r\n\r\n"))).toBe(400);
    expect(
      statusOf(await raw("GET /health/live HTTP/1.1\r\nHost: x\r\nExpect: teapot\r\nConnection: close\r\n\r\n")),
    ).toBe(417);
  });

  test.each(["/%E0%A4%A", "//", "/\\evil.example", "/api/v1/trips/%E0%A4%A", "/api/trpc/%E0%A4%A", "*"])(
    "a path that is no path, %s, is refused in peace",
    async (path) => {
      const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect([400, 401, 404], answer.slice(0, 300)).toContain(statusOf(answer));
      expect(answer).not.toMatch(/node_modules|\bat .*\.ts:/);
      expect((await call(`${url}/health/live`, { method: "GET" })).status).toBe(200);
    },
  );

  test("a client that stops in the middle of its headers is let go after 10 s", { timeout: 30_000 }, async () => {
    const started = Date.now();
    const answer = await raw("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nX-Slow: ", 20_000);
    expect(statusOf(answer)).toBe(408);
    expect(Date.now() - started).toBeLessThan(15_000);
  });
});

describe("a cookie from elsewhere changes nothing", () => {
  const cookie = "next-auth.session-token=whatever";

  test("tRPC and REST: refused before the session is read", async () => {
    for (const path of ["/api/trpc/jobs.pause", "/api/v1/trips", "/api/auth/signout", "/map"]) {
      const answer = await call(`${url}${path}`, { body: {}, headers: { cookie, origin: "https://evil.example" } });
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, "FORBIDDEN"]);
      expect((await call(`${url}${path}`, { body: {}, headers: { cookie } })).status).toBe(403);
    }
    const own = await call(`${url}/api/trpc/jobs.pause`, { body: {}, headers: { cookie, origin: url } });
    expect(own.status).toBe(401);
  });

  test("a form's content type reaches no procedure", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
      const headers = { cookie, origin: url, "content-type": type };
      const answer = await call(`${url}/api/trpc/jobs.pause`, { body: "{}", headers });
      expect([type, answer.status]).toEqual([type, 415]);
    }
  });

  test("an app's bearer token needs no origin, and its cookies do no harm", async () => {
    const token = await t.token("customer", await t.make.customer());
    const headers = { "idempotency-key": newId(), cookie, origin: "https://evil.example" };
    expect((await call(`${url}/api/v1/trips`, { token, body: booking, headers })).status).toBe(201);
  });
});

test("security.txt tells where to report, until when, and robots stay out", async () => {
  const answer = await call(`${url}/.well-known/security.txt`, { method: "GET" });
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
  const fields = new Map(
    answer.text
      .trim()
      .split("\n")
      .map((line) => line.split(": ", 2) as [string, string]),
  );
  expect(fields.get("Contact")).toMatch(/^(mailto:|https:|tel:)/);
  const days = (new Date(fields.get("Expires") ?? 0).getTime() - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(150);
  expect(days).toBeLessThan(365);
  expect((await call(`${url}/robots.txt`, { method: "GET" })).text).toBe("User-agent: *\nDisallow: /\n");
});

test("a fault of ours is a problem without a stack, a query or a path", async () => {
  const { list } = t.app.trips;
  const fail = () => Promise.reject(new Error("SELECT secret FROM users at /srv/server/trips.ts:1"));
  Object.defineProperty(t.app.trips, "list", { value: fail, configurable: true });
  try {
    const token = await t.token("customer", await t.make.customer());
    const answer = await call(`${url}/api/v1/trips`, { method: "GET", token });
    expect([answer.status, answer.body.code]).toEqual([500, "INTERNAL"]);
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(answer.text).not.toMatch(/secret|\.ts|node_modules|stack/i);
  } finally {
    Object.defineProperty(t.app.trips, "list", { value: list, configurable: true });
  }
});

test("metrics are for this machine or a token; what a proxy here passes on is neither", async () => {
  const get = (headers: Record<string, string>) => fetch(`${url}/metrics`, { headers }).then(({ status }) => status);
  expect(await get({})).toBe(200);
  expect(await get({ "x-forwarded-for": "203.0.113.9" })).toBe(401);
  expect(await get({ forwarded: "for=203.0.113.9" })).toBe(401);
  expect(await get({ "x-forwarded-for": "127.0.0.1", authorization: "Bearer wrong" })).toBe(401);
});
