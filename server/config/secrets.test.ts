import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { ConfigError, loadConfig } from "#server/config/env.ts";

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

test("random secrets are never refused", () => {
  for (let i = 0; i < 200; i++)
    loadConfig(production({ AUTH_SECRET: i % 2 === 0 ? strong() : randomBytes(32).toString("hex") }));
});
