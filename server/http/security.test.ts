import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "#server/config/env.ts";
import { CAPTCHA_WIDGETS, type CaptchaProvider } from "#server/contracts/captcha.ts";
import { createGuard, doorOf, isForged, TOAST_STYLES } from "#server/http/security.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const ENV = { DATABASE_URL: "postgres://x", AUTH_SECRET: "a secret of the tests, 32 characters at least" };

/** What the guard does with a request, without a connection. */
function guarded(
  path: string,
  { headers = {}, env = {} }: { headers?: Record<string, string>; env?: Record<string, string> } = {},
) {
  const sent = new Map<string, string>();
  const answer = { status: 200 };
  const res = Object.create({
    hasHeader: (name: string) => sent.has(name.toLowerCase()),
    setHeader: (name: string, value: string) => sent.set(name.toLowerCase(), value),
    writeHead: (status: number) => {
      answer.status = status;
      return { end: () => undefined };
    },
  });
  const socket = { remoteAddress: "::ffff:10.0.0.9" };
  const req = { url: path, method: "GET", headers: { ...headers } as Record<string, string>, socket, push: () => true };
  const guard = createGuard({ config: loadConfig({ ...ENV, ...env }), development: false });
  const through = guard(req as never, res as never);
  // What the guard holds back is set as the answer is begun.
  if (through) res.writeHead(200);
  return { through, status: answer.status, sent, req };
}
const directives = (policy: string | undefined) =>
  new Map((policy ?? "").split("; ").map((part) => [part.split(" ")[0] ?? "", part.split(" ").slice(1)]));

describe("who asks, for what sees no socket", () => {
  const SENT = { "x-client-address": "1.2.3.4", "x-forwarded-for": "6.6.6.6, 203.0.113.7", "x-request-id": "a b<c>" };
  const told = (headers: Record<string, string>, env = {}) =>
    guarded("/api/auth/callback/credentials", { headers, env });

  test("is the peer, whatever the client says of itself", () => {
    expect(told(SENT).req.headers["x-client-address"]).toBe("10.0.0.9");
  });

  test("is the client that a trusted proxy tells of, not the proxy", () => {
    const { req } = told(SENT, { TRUSTED_PROXIES: "10.0.0.0/8" });
    expect(req.headers["x-client-address"]).toBe("203.0.113.7");
  });

  test("comes with the request's id as the answer has it: a sane one of the client's, else our own", () => {
    const { req, sent } = told(SENT);
    expect(req.headers["x-request-id"]).toMatch(/^[\da-f-]{36}$/);
    expect(req.headers["x-request-id"]).toBe(sent.get("x-request-id"));
    expect(told({ "x-request-id": "sane-1" }).req.headers["x-request-id"]).toBe("sane-1");
  });
});

describe("the policy of a page", () => {
  test("has a fresh nonce at each load, and no other way for a script to run", () => {
    const nonces = Array.from({ length: 20 }, () => guarded("/map").req.headers["x-nonce"] ?? "");
    expect(new Set(nonces).size).toBe(20);
    for (const nonce of nonces) expect(Buffer.from(nonce, "base64").length).toBe(16);

    const { sent, req } = guarded("/map", { headers: { "x-nonce": "chosen-by-the-client" } });
    const policy = directives(sent.get("content-security-policy"));
    expect(policy.get("script-src")).toEqual([`'nonce-${req.headers["x-nonce"]}'`, "'strict-dynamic'"]);
    expect(req.headers["x-nonce"]).not.toBe("chosen-by-the-client");
    expect(req.headers["content-security-policy"]).toBe(sent.get("content-security-policy"));
    const unsafe = [...policy].filter(([, sources]) => sources.some((source) => source.startsWith("'unsafe-")));
    expect(unsafe).toEqual([["style-src-attr", ["'unsafe-inline'"]]]);
    for (const name of ["object-src", "base-uri", "frame-ancestors"]) expect(policy.get(name)).toEqual(["'none'"]);
    expect(policy.get("worker-src")).toContain("blob:");
  });

  test.each([
    ["turnstile", "https://challenges.cloudflare.com"],
    ["hcaptcha", "https://*.hcaptcha.com"],
    ["recaptcha", "https://www.google.com/recaptcha/"],
  ])("lets %s in on the sign-in page only, and only when it is the configured one", (provider, source) => {
    const env = { CAPTCHA_PROVIDER: provider, CAPTCHA_SITE_KEY: "site-key", CAPTCHA_SECRET: "secret" };
    const policyOf = (path: string, more = {}) =>
      directives(guarded(path, { env: more }).sent.get("content-security-policy"));
    const policy = policyOf("/sign-in", env);
    for (const name of ["script-src", "frame-src", "connect-src"]) expect(policy.get(name)).toContain(source);
    const script = new URL(CAPTCHA_WIDGETS[provider as CaptchaProvider].script);
    const allowed = policy.get("script-src")?.some((from) => {
      const [, host = ""] = /^https:\/\/([^/]+)/.exec(from) ?? [];
      return host.startsWith("*.") ? script.host.endsWith(host.slice(1)) : script.host === host;
    });
    expect(allowed).toBe(true);
    expect(policy.get("script-src")).toContain("'strict-dynamic'");
    expect(policy.get("frame-ancestors")).toEqual(["'none'"]);
    for (const other of [policyOf("/map", env), policyOf("/sign-in")]) {
      expect(JSON.stringify([...other])).not.toMatch(/https?:/);
      expect(other.has("frame-src")).toBe(false);
    }
  });

  test("lets Mapbox in only when there is a token for it", () => {
    const without = guarded("/map").sent.get("content-security-policy");
    expect(without).not.toMatch(/https?:/);
    const mapped = guarded("/map", { env: { NEXT_PUBLIC_MAPBOX_TOKEN: "pk.x" } });
    expect(directives(mapped.sent.get("content-security-policy")).get("connect-src")).toContain(
      "https://api.mapbox.com",
    );
    const styled = guarded("/map", {
      env: { NEXT_PUBLIC_MAP_STYLE_URL: "https://tiles.example.com/style.json?key=1" },
    });
    expect(directives(styled.sent.get("content-security-policy")).get("connect-src")).toEqual([
      "'self'",
      "https://tiles.example.com",
    ]);
  });

  test("knows the one style element that has no nonce", () => {
    const source = readFileSync(
      createRequire(import.meta.url)
        .resolve("sonner")
        .replace(/\.js$/, ".mjs"),
      "utf8",
    );
    const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const css = JSON.parse(/__insertCSS\(("(?:[^"\\]|\\.)*")\);/.exec(source)?.[1] ?? "null") as string;
    expect([hashOf(""), hashOf(css)]).toEqual(TOAST_STYLES);
  });
});

test.each([
  ["/api/v1/trips", "data"],
  ["/api/nothing", "data"],
  ["/api/trpc/trips.list", "data"],
  ["/health/live", "data"],
  ["/metrics", "data"],
  ["/robots.txt", "data"],
  ["/api/docs", "docs"],
  ["/_next/static/chunks/a.js", "asset"],
  ["/map", "page"],
  ["/sign-in", "page"],
  ["/%E0%A4%A", "page"],
  ["//evil.example", "page"],
])("%s is a %s", (path, door) => {
  expect(doorOf(path)).toBe(door);
  const { sent } = guarded(path);
  for (const name of ["referrer-policy", "permissions-policy", "x-request-id"]) expect(sent.get(name)).toBeTruthy();
  expect(sent.get("x-content-type-options")).toBe("nosniff");
  expect(sent.get("x-frame-options")).toBe("DENY");
  const policy = directives(sent.get("content-security-policy"));
  expect(policy.get("frame-ancestors")).toEqual(["'none'"]);
  if (door !== "page") expect(sent.get("content-security-policy")).not.toMatch(/unsafe-/);
  if (door === "data") expect(policy.get("default-src")).toEqual(["'none'"]);
});

test("HSTS in production and behind https, not on a developer's http", () => {
  const hsts = (env: Record<string, string>) => guarded("/map", { env }).sent.has("strict-transport-security");
  expect(hsts({})).toBe(false);
  expect(hsts({ PUBLIC_URL: "http://localhost:3000" })).toBe(false);
  expect(hsts({ PUBLIC_URL: "https://ops.example.com" })).toBe(true);
});

test("an address over 8 KiB is no link of ours", () => {
  expect(guarded(`/map?q=${"x".repeat(8192)}`)).toMatchObject({ through: false, status: 414 });
  expect(guarded(`/map?q=${"x".repeat(8000)}`).through).toBe(true);
});

describe("forged by another site", () => {
  const host = "ops.example.com";
  const cookie = "next-auth.session-token=x";
  const post = (headers: Record<string, string>, method = "POST") =>
    isForged({ method, headers: { host, ...headers } }, null);

  test.each([
    ["no word of where it comes from", { cookie }, true],
    ["another origin", { cookie, origin: "https://evil.example" }, true],
    ["a sandboxed frame", { cookie, origin: "null" }, true],
    ["our name within another's", { cookie, origin: `https://${host}.evil.example` }, true],
    ["another port of ours", { cookie, origin: `https://${host}:8443` }, true],
    [
      "our origin, and the browser says it is not",
      { cookie, origin: `https://${host}`, "sec-fetch-site": "cross-site" },
      true,
    ],
    ["a sister site", { cookie, "sec-fetch-site": "same-site" }, true],
    ["typed by the person", { cookie, "sec-fetch-site": "none" }, true],
    ["a page of ours", { cookie, origin: `https://${host}` }, false],
    ["a page of ours, by Sec-Fetch-Site alone", { cookie, "sec-fetch-site": "same-origin" }, false],
    ["an app", { authorization: "Bearer x" }, false],
    ["an app whose library keeps cookies", { authorization: "Bearer x", cookie }, false],
    ["a gateway's webhook", {}, false],
  ] as const)("%s: %s → %s", (_, headers, forged) => {
    expect(post(headers)).toBe(forged);
    expect(post(headers, "DELETE")).toBe(forged);
    expect(post(headers, "GET")).toBe(false);
  });

  test("the public address is ours too, behind a proxy that renames the host", () => {
    const sent = { method: "POST", headers: { host: "10.0.0.7:3000", cookie, origin: "https://ops.example.com" } };
    expect(isForged(sent, "https://ops.example.com")).toBe(false);
    expect(isForged(sent, "https://other.example.com")).toBe(true);
  });
});

test("no protection depends on a proxy file: there is none", () => {
  const files = [ROOT, join(ROOT, "app")].flatMap((folder) => readdirSync(folder));
  expect(files.filter((name) => /^(proxy|middleware)\./.test(name))).toEqual([]);
});

describe("the body of what goes to Next", () => {
  /** A server that reads all it is given, as Next does; with the guard before it, or without. */
  async function sent(path: string, bytes: number, { chunked = false, unguarded = false } = {}) {
    const guard = createGuard({ config: loadConfig(ENV), development: false });
    let read = 0;
    const server = createServer(async (req, res) => {
      if (!unguarded && !guard(req, res)) return;
      // Next looks at the body only after a while.
      await new Promise((resolve) => setTimeout(resolve, 10));
      try {
        for await (const chunk of req) read += (chunk as Buffer).length;
        res.end(String(read));
      } catch {
        // The guard answered, and closed.
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const headers = chunked ? {} : { "content-length": bytes };
      const req = request({ port, host: "127.0.0.1", path, method: "POST", headers }, async (res) => {
        let body = "";
        for await (const chunk of res) body += chunk;
        resolve({ status: res.statusCode ?? 0, body });
      });
      req.on("error", reject);
      for (let left = bytes; left > 0; left -= 8192) req.write(Buffer.alloc(Math.min(left, 8192), "a"));
      req.end();
    });
    await new Promise((resolve) => server.close(resolve));
    return { ...answer, read };
  }
  const LIMIT = 64 * 1024;
  const PATHS = ["/api/auth/callback/credentials", "/map", "/sign-in"];

  test.each([false, true])("up to 64 KiB comes through whole; chunked: %s", async (chunked) => {
    for (const path of PATHS)
      expect(await sent(path, LIMIT, { chunked })).toEqual({ status: 200, body: String(LIMIT), read: LIMIT });
  });

  test.each([false, true])("one byte more is refused with 413; chunked: %s", async (chunked) => {
    for (const path of PATHS) {
      const { status, body, read } = await sent(path, LIMIT + 1, { chunked });
      expect([status, JSON.parse(body).code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
      expect(read).toBeLessThanOrEqual(chunked ? LIMIT : 0);
    }
  });

  test("mutation: without the guard the whole body is read", async () => {
    for (const chunked of [false, true])
      expect((await sent("/api/auth/callback/credentials", LIMIT * 4, { chunked, unguarded: true })).read).toBe(
        LIMIT * 4,
      );
  });
});

test.each(["/trips/%E0%A4%A", "*", "/%", "http://evil.example/map"])("the path %s is refused with 400", (path) => {
  expect(guarded(path)).toMatchObject({ through: false, status: 400 });
  expect(guarded("/trips/%E0%A4%85%20b?q=%E0%A4%A").through).toBe(true);
});
