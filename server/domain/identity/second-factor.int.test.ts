import { createServer } from "node:http";
import { Secret, TOTP } from "otpauth";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { SignInGuard } from "#server/domain/identity/sign-in-guard.ts";
import { hashPassword } from "#server/platform/crypto.ts";
import type { Database } from "#server/platform/db.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call } from "#server/testing/http-calls.ts";

const PASSWORD = "correct horse battery";
const REQUEST = { ip: "10.0.0.1", device: null, requestId: "r" };
let t: TestApp;
let hash: string;
let now = new Date("2026-11-20T12:00:00Z").getTime();
/** Answers `success` for the token `solved`. */
const asked: string[] = [];
const siteverify = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    asked.push(body);
    const success = new URLSearchParams(body).get("response") === "solved";
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ success }));
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => siteverify.listen(0, "127.0.0.1", resolve));
  const address = siteverify.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  hash = await hashPassword(PASSWORD);
  t = await createTestApp({
    overrides: { clock: { now: () => new Date(now), monotonicMs: () => performance.now() } },
    env: {
      RATE_LIMITS: "off",
      CAPTCHA_PROVIDER: "turnstile",
      CAPTCHA_SITE_KEY: "site-key",
      CAPTCHA_SECRET: "provider-secret",
      CAPTCHA_VERIFY_URL: `http://127.0.0.1:${port}/siteverify`,
    },
  });
});
afterAll(async () => {
  await t.dispose();
  siteverify.close();
});

const unrecorded = async () => undefined;
async function operator() {
  const id = await t.make.operator("viewer");
  const email = `${id}@example.com`;
  await t.rows("UPDATE users SET password_hash = $2, email = $3 WHERE id = $1", [id, hash, email]);
  const signIn = (more: object = {}) =>
    t.app.identity.login({ email }, { password: PASSWORD, ...more }, REQUEST).then(
      () => "in",
      (error: { code: string }) => error.code,
    );
  return { id, email, signIn };
}

async function enrolled() {
  const person = await operator();
  const { secret, qr } = await t.app.identity.secondFactor.begin(person.id, "Test", unrecorded);
  const code = (offset = 0) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now + offset * 30_000 });
  const recovery = await t.app.identity.secondFactor.confirm(person.id, code(), unrecorded);
  now += 30_000;
  return { ...person, secret, qr, code, recovery };
}

describe("the second factor", () => {
  test("is not asked for until it was confirmed; then with the password, at every sign-in of an operator", async () => {
    const person = await operator();
    const { secret } = await t.app.identity.secondFactor.begin(person.id, "Test", unrecorded);
    expect(await person.signIn()).toBe("in");
    await expect(t.app.identity.secondFactor.confirm(person.id, "000000", unrecorded)).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
    });
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now });
    await t.app.identity.secondFactor.confirm(person.id, code, unrecorded);
    expect(await person.signIn()).toBe("SECOND_FACTOR_REQUIRED");
    await expect(t.app.identity.signInOperator(person.email, { password: PASSWORD }, REQUEST)).rejects.toMatchObject({
      code: "SECOND_FACTOR_REQUIRED",
    });
    expect(await person.signIn({ totp: code })).toBe("SECOND_FACTOR_REQUIRED");
    now += 30_000;
  });

  test("a code is taken once, also of two at once, and an older step never after a newer one", async () => {
    const { id, code } = await enrolled();
    const take = () => t.app.identity.secondFactor.take(id, code());
    expect((await Promise.all([take(), take(), take()])).filter(Boolean)).toHaveLength(1);
    expect(await t.app.identity.secondFactor.take(id, code(-1))).toBe(false);
    expect(await t.app.identity.secondFactor.take(id, code(1))).toBe(true);
    expect(await t.app.identity.secondFactor.take(id, code(5))).toBe(false);
  });

  test("mutation: with the last step forgotten a code is good again", async () => {
    const { id, code } = await enrolled();
    expect(await t.app.identity.secondFactor.take(id, code())).toBe(true);
    await t.rows("UPDATE operator_totp SET last_step = 0 WHERE user_id = $1", [id]);
    expect(await t.app.identity.secondFactor.take(id, code())).toBe(true);
  });

  test("a recovery code is good once; secret and codes are kept sealed", async () => {
    const { id, signIn, recovery, secret, qr } = await enrolled();
    expect(recovery).toHaveLength(10);
    expect(qr).toMatch(/^<svg/);
    const [first = ""] = recovery;
    expect(await signIn({ totp: first })).toBe("in");
    expect(await signIn({ totp: first })).toBe("SECOND_FACTOR_REQUIRED");
    expect(await t.app.identity.secondFactor.recoveryCodesLeft(id)).toBe(9);
    const kept = JSON.stringify(
      await t.rows(
        "SELECT to_jsonb(o)::text AS row FROM operator_totp o UNION ALL SELECT to_jsonb(r)::text FROM recovery_codes r",
      ),
    );
    expect(kept).not.toContain(secret);
    for (const code of recovery) expect(kept).not.toContain(code);
  });
});

describe("the CAPTCHA", () => {
  test("is asked for after three failures, known account or not, with what the app needs", async () => {
    const url = `${await t.listen()}/api/v1/auth/login`;
    const { email } = await operator();
    for (const account of [email, "nobody@example.com"]) {
      const attempt = (password: string, more: object = {}) =>
        call(url, { body: { email: account, password, ...more } });
      for (let i = 0; i < 3; i++) expect((await attempt("wrong")).status).toBe(401);
      const refused = await attempt(PASSWORD);
      expect([refused.status, refused.body.code, refused.body.captcha]).toEqual([
        403,
        "CAPTCHA_REQUIRED",
        { provider: "turnstile", siteKey: "site-key" },
      ]);
      expect((await attempt(PASSWORD, { captchaToken: "unsolved" })).status).toBe(403);
      const solved = await attempt(PASSWORD, { captchaToken: "solved" });
      expect(solved.status).toBe(account === email ? 200 : 401);
    }
    expect(asked.every((body) => body.includes("secret=provider-secret"))).toBe(true);
    // Signed in: nothing is held against the account any more.
    expect((await call(url, { body: { email, password: PASSWORD } })).status).toBe(200);
  });

  test.each([
    ["that is never read", "SELECT failures FROM sign_in_failures", "SELECT 0 AS failures FROM sign_in_failures"],
    ["that stays at one", "ELSE f.failures + 1 END", "ELSE 1 END"],
  ])("mutation: with a count %s no challenge is asked for", async (_what, clause, broken) => {
    const asIs = (text: string) => text;
    const outcome = async (change: (text: string) => string) => {
      const query = (config: { text: string; values: unknown[] }) =>
        t.app.db.pool.query({ text: change(config.text), values: config.values });
      const db = { ...t.app.db, pool: { query } } as unknown as Database;
      const captcha = { challenge: { provider: "turnstile", siteKey: "k" }, isSolved: async () => false } as const;
      const guard = new SignInGuard({ db, secret: "s", captcha });
      const key = guard.keyOf({ email: `${newId()}@example.com` });
      const nothing = { captchaToken: null, ip: null };
      for (let n = 0; n < 3; n++) await guard.admit(key, nothing);
      return guard.admit(key, nothing).then(
        ({ kind }) => kind,
        (error: { code: string }) => error.code,
      );
    };
    let applied = 0;
    const mutated = (text: string) => {
      if (text.includes(clause)) applied++;
      return text.replace(clause, broken);
    };
    expect([await outcome(asIs), await outcome(mutated)]).toEqual(["CAPTCHA_REQUIRED", "look"]);
    expect(applied).toBeGreaterThan(0);
  });
});
