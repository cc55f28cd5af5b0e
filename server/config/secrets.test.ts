import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ConfigError, demoWarning, loadConfig } from "#server/config/env.ts";

const strong = () => randomBytes(32).toString("base64url");
const production = (more: Record<string, string | undefined> = {}) => ({
  NODE_ENV: "production",
  DATABASE_URL: "postgres://localhost/x",
  AUTH_SECRET: strong(),
  ENCRYPTION_KEYS: `1:${randomBytes(32).toString("base64")}`,
  ...more,
});

test("strong secrets start", () => {
  expect(loadConfig(production()).production).toBe(true);
  const keys = `b:${randomBytes(32).toString("base64")},a:${randomBytes(32).toString("base64")}`;
  expect(loadConfig(production({ ENCRYPTION_KEYS: keys })).encryptionKeys?.map(({ id }) => id)).toEqual(["b", "a"]);
});

test.each([
  ["AUTH_SECRET", "unset", { AUTH_SECRET: undefined }],
  ["AUTH_SECRET", "empty", { AUTH_SECRET: "" }],
  ["AUTH_SECRET", "short", { AUTH_SECRET: "kJ8s0aQz" }],
  ["AUTH_SECRET", "one letter", { AUTH_SECRET: "a".repeat(64) }],
  ["AUTH_SECRET", "a word again and again", { AUTH_SECRET: "abcd1234".repeat(8) }],
  ["AUTH_SECRET", "the tests'", { AUTH_SECRET: "a secret of the tests, 32 characters at least" }],
  ["AUTH_SECRET", "an example's", { AUTH_SECRET: `changeme-${strong()}` }],
  ["ENCRYPTION_KEYS", "unset", { ENCRYPTION_KEYS: undefined }],
  ["ENCRYPTION_KEYS", "too short", { ENCRYPTION_KEYS: `1:${randomBytes(16).toString("base64")}` }],
  ["ENCRYPTION_KEYS", "zeros", { ENCRYPTION_KEYS: `1:${Buffer.alloc(32).toString("base64")}` }],
  [
    "ENCRYPTION_KEYS",
    "one id twice",
    { ENCRYPTION_KEYS: `1:${Buffer.alloc(32, 1).toString("base64")},1:${Buffer.alloc(32, 2).toString("base64")}` },
  ],
  ["METRICS_TOKEN", "short", { METRICS_TOKEN: "metrics" }],
  ["SANDBOX_WEBHOOK_SECRET", "the demo's, without the demo", { SANDBOX_WEBHOOK_SECRET: "whsec_smartline_sandbox" }],
])("in production %s that is %s refuses to start, in one line that names it", (name, _what, more) => {
  let refusal: unknown;
  try {
    loadConfig(production(more));
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(ConfigError);
  expect((refusal as Error).message).toContain(name);
  expect((refusal as Error).message).not.toContain("\n");
});

test.each<[string, string, Record<string, string>]>([
  ["STRIPE_WEBHOOK_SECRET", "one letter", { STRIPE_WEBHOOK_SECRET: "x" }],
  ["STRIPE_WEBHOOK_SECRET", "one letter again and again", { STRIPE_WEBHOOK_SECRET: "x".repeat(40) }],
  ["STRIPE_WEBHOOK_SECRET", "strong, with an old one that is weak", { STRIPE_WEBHOOK_SECRET: `${strong()},old` }],
  ["RAZORPAY_WEBHOOK_SECRET", "short", { RAZORPAY_WEBHOOK_SECRET: "razorpay" }],
  ["PAYSTACK_SECRET_KEY", "short", { PAYSTACK_SECRET_KEY: "sk_live_1" }],
  ["MERCADOPAGO_WEBHOOK_SECRET", "short", { MERCADOPAGO_WEBHOOK_SECRET: "mp" }],
  ["MERCADOPAGO_ACCESS_TOKEN", "short", { MERCADOPAGO_ACCESS_TOKEN: "mp" }],
  ["XENDIT_CALLBACK_TOKEN", "short", { XENDIT_CALLBACK_TOKEN: "a" }],
  ["IYZICO_SECRET_KEY", "short", { IYZICO_SECRET_KEY: "key" }],
  ["SSLCOMMERZ_STORE_PASSWORD", "short", { SSLCOMMERZ_STORE_ID: "shop", SSLCOMMERZ_STORE_PASSWORD: "shop" }],
  ["CAPTCHA_SECRET", "short", { CAPTCHA_PROVIDER: "turnstile", CAPTCHA_SITE_KEY: "site", CAPTCHA_SECRET: "s" }],
  ["SMS_HTTP_TOKEN", "short", { SMS_HTTP_URL: "https://sms.example.com", SMS_HTTP_TOKEN: "t" }],
])("what a provider gave us starts, and is warned of: %s that is %s", (name, _what, more) => {
  expect(loadConfig(production(more)).warnings).toEqual([expect.stringContaining(name)]);
});

test("secrets of the gateways' usual lengths start, and so do none at all", () => {
  const STRIPE_WEBHOOK_SECRET = `whsec_${strong()},whsec_${strong()}`;
  const more = { STRIPE_WEBHOOK_SECRET, SSLCOMMERZ_STORE_ID: "shop", SSLCOMMERZ_STORE_PASSWORD: "aK39dkw0Ps@ssl" };
  expect(loadConfig(production(more))).toMatchObject({ webhooks: { stripe: STRIPE_WEBHOOK_SECRET }, warnings: [] });
});

describe("the demo in production", () => {
  const demo = (more: Record<string, string | undefined> = {}) =>
    production({ SMARTLINE_DEMO: "1", HOST: "127.0.0.1", ...more });

  test("starts with secrets of its own, and says that it is one", () => {
    const config = loadConfig(demo());
    expect(config.demo).toBe(true);
    expect(demoWarning(config)).toMatch(/passwords and trips are published/);
    expect(demoWarning(loadConfig(production()))).toBeNull();
  });

  test.each([
    ["AUTH_SECRET", { AUTH_SECRET: "a".repeat(64) }],
    ["ENCRYPTION_KEYS", { ENCRYPTION_KEYS: undefined }],
    ["METRICS_TOKEN", { METRICS_TOKEN: "metrics" }],
    ["STRIPE_WEBHOOK_SECRET", { STRIPE_WEBHOOK_SECRET: "x" }],
  ])("starts all the same, and says what is weak: %s", (name, more) => {
    expect(loadConfig(demo(more)).warnings).toEqual([expect.stringContaining(name)]);
  });

  test("opens the sandbox with its published secret to its own machine, to others only when asked to", () => {
    const sandbox = (more: Record<string, string>) => loadConfig(demo(more)).webhooks.sandbox;
    for (const HOST of ["127.0.0.1", "::1", "localhost"]) expect(sandbox({ HOST }), HOST).toMatch(/^whsec_/);
    for (const HOST of ["0.0.0.0", "::", "10.0.0.4", "127.0.0.1.example.com"])
      expect(sandbox({ HOST }), HOST).toBeNull();
    expect(sandbox({ HOST: "0.0.0.0", SANDBOX_WEBHOOK_SECRET: "whsec_smartline_sandbox" })).toMatch(/^whsec_/);
  });
});

test("random secrets are never refused", () => {
  for (let i = 0; i < 200; i++)
    loadConfig(production({ AUTH_SECRET: i % 2 === 0 ? strong() : randomBytes(32).toString("hex") }));
});
