import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OneTimeCodes } from "#server/domain/identity/one-time-codes.ts";
import { passwordHashing } from "#server/domain/identity/passwords.ts";
import { derivedDigits, hashPassword, verifyPassword } from "#server/platform/crypto.ts";
import type { Database } from "#server/platform/db.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { call, tally } from "#server/testing/http-calls.ts";

let t: TestApp;
let url: string;
let hash: string;
const PASSWORD = "correct horse battery";
/** Every derivation of a key from a password, as N, r, p: the work that a sign-in costs. */
const work: string[] = [];
const DECOY = "nobody";
/** Where many guesses are made and only their number matters. */
let cheap = false;

beforeAll(async () => {
  hash = await hashPassword(PASSWORD);
  t = await createTestApp({
    overrides: {
      passwords: {
        ...passwordHashing,
        verify: (password, stored) => {
          work.push((stored ?? DECOY).split("$").slice(0, 4).join("$"));
          return cheap ? Promise.resolve(stored !== null && password === PASSWORD) : verifyPassword(password, stored);
        },
      },
    },
  });
  url = await t.listen();
});
afterAll(() => t.dispose());

let phones = 0;
const newPhone = () => `+2017${String(++phones).padStart(8, "0")}`;

async function person(
  type: "customer" | "driver" | "operator" = "customer",
): Promise<{ id: string; phone: string; email: string }> {
  const id = await (type === "operator"
    ? t.make.operator("admin")
    : type === "driver"
      ? t.make.driver()
      : t.make.customer());
  const [phone, email] = [newPhone(), `p${phones}@example.com`];
  await t.rows("UPDATE users SET phone = $2, email = $3, password_hash = $4 WHERE id = $1", [id, phone, email, hash]);
  return { id, phone, email };
}
const post = (path: string, body: unknown, more: object = {}) => call(`${url}/api/v1/auth/${path}`, { body, ...more });
const login = (phone: string, password = PASSWORD) => post("login", { phone, password });
const codeFor = async (purpose: string, subject: string): Promise<string> => {
  const id = await t.value<string>("SELECT id FROM otp_verifications WHERE purpose = $1 AND subject = $2", [
    purpose,
    subject,
  ]);
  return derivedDigits(t.app.config.auth.secret, `code:${id}`, 6);
};
const otherThan = (code: string) => (code === "000000" ? "000001" : "000000");

describe("a code by SMS", () => {
  test("is sent once, opens one session, and is kept nowhere but in the message", async () => {
    const { phone, id } = await person();
    const asked = await post("otp", { phone });
    expect([asked.status, asked.body]).toEqual([202, { status: "accepted", expiresIn: 300 }]);
    await t.drain();
    await t.drain();
    const messages = await t.rows<{ body: string }>("SELECT body FROM recorded_messages WHERE recipient = $1", [phone]);
    expect(messages).toHaveLength(1);
    const code = /\b\d{6}\b/.exec(messages[0]?.body ?? "")?.[0] ?? "";
    const kept = await t.rows(
      "SELECT to_jsonb(o)::text AS row FROM otp_verifications o UNION ALL SELECT to_jsonb(o)::text FROM outbox o UNION ALL SELECT to_jsonb(e)::text FROM effects e",
    );
    expect(JSON.stringify(kept)).not.toContain(`"${code}`);
    const verified = await post("otp/verify", { phone, code });
    expect(verified.status).toBe(200);
    expect(verified.body.user).toMatchObject({ id, type: "customer", phone });
    expect((await post("otp/verify", { phone, code })).status).toBe(401);
  });

  test("an unknown phone gets the same answer after the same work, and no message", async () => {
    const { phone } = await person();
    const strange = newPhone();
    const [known, unknown] = [await post("otp", { phone }), await post("otp", { phone: strange })];
    expect([unknown.status, unknown.text]).toEqual([known.status, known.text]);
    const rows = (subject: string) =>
      t.value<number>("SELECT count(*)::int FROM otp_verifications WHERE subject = $1", [subject]);
    expect([await rows(phone), await rows(strange)]).toEqual([1, 1]);
    await t.drain();
    expect(await t.value("SELECT count(*)::int FROM recorded_messages WHERE recipient = $1", [strange])).toBe(0);
    const answer = await post("otp/verify", { phone: strange, code: await codeFor("sign_in", strange) });
    expect([answer.status, answer.body.detail]).toEqual([401, "The code is wrong or has expired."]);
  });

  test("of ten verifications at once one wins", async () => {
    const { phone } = await person();
    await post("otp", { phone });
    const code = await codeFor("sign_in", phone);
    // The limit by phone would stop some of them first: straight at the service.
    const request = { ip: null, device: null, requestId: "r" };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => t.app.identity.loginByCode(phone, code, request)),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("is dead after five wrong tries, and after five minutes", async () => {
    const { codes } = t.app.identity;
    const phone = newPhone();
    await codes.request("sign_in", phone);
    const code = await codeFor("sign_in", phone);
    for (let i = 0; i < 5; i++) expect(await codes.consume("sign_in", phone, otherThan(code))).toBe(false);
    expect(await codes.consume("sign_in", phone, code)).toBe(false);
    await codes.request("sign_in", phone);
    await t.rows("UPDATE otp_verifications SET expires_at = now() - interval '1 second' WHERE subject = $1", [phone]);
    expect(await codes.consume("sign_in", phone, await codeFor("sign_in", phone))).toBe(false);
  });

  test.each([
    ["without its single use", " AND consumed_at IS NULL", [true, true]],
    ["without its count of tries", " AND attempts < $4", [true, false]],
  ])("mutation: %s a code is good again", async (_what, condition, expected) => {
    const query = (config: { text: string; values: unknown[] }) => {
      if (!config.text.includes("UPDATE otp_verifications")) return t.app.db.pool.query(config);
      const text = config.text.replace(condition, condition.includes("$4") ? " AND $4::int > 0" : "");
      if (text === config.text) throw new Error("the mutation does not apply any more");
      return t.app.db.pool.query({ text, values: config.values });
    };
    const db = { ...t.app.db, pool: { query } } as unknown as Database;
    const broken = new OneTimeCodes({ db, secret: t.app.config.auth.secret, onCommitted: () => undefined });
    const phone = newPhone();
    await t.app.identity.codes.request("sign_in", phone);
    const code = await codeFor("sign_in", phone);
    for (let i = 0; i < (expected[1] ? 0 : 5); i++) await broken.consume("sign_in", phone, otherThan(code));
    expect([await broken.consume("sign_in", phone, code), await broken.consume("sign_in", phone, code)]).toEqual(
      expected,
    );
  });
});

describe("registration", () => {
  const wish = (phone: string, more: object = {}) => ({
    type: "customer",
    phone,
    password: "purple elephant drives",
    firstName: "Nour",
    lastName: "Saleh",
    ...more,
  });

  test("a code to the phone makes the account; both passwords and documents are kept sealed", async () => {
    const phone = newPhone();
    const asked = await post(
      "register",
      wish(phone, { type: "driver", licenceNumber: "LIC-4455-X", identityNumber: "29801011234567" }),
    );
    expect(asked.status).toBe(202);
    const { registrationId } = asked.body as { registrationId: string };
    expect(await t.value("SELECT count(*)::int FROM users WHERE phone = $1", [phone])).toBe(0);
    const code = await codeFor("register", registrationId);
    const made = await post("register/verify", { registrationId, code });
    expect([made.status, (made.body.user as { type: string }).type]).toEqual([201, "driver"]);
    const [row] = await t.rows<{
      licence_number: string;
      identity_number: string;
      under_review: boolean;
      user_id: string;
    }>("SELECT d.* FROM driver_details d JOIN users u ON u.id = d.user_id WHERE u.phone = $1", [phone]);
    expect(row?.under_review).toBe(true);
    expect(JSON.stringify(row)).not.toMatch(/LIC-4455|29801011/);
    const cell = { table: "driver_details", column: "licence_number", rowId: row?.user_id ?? "" } as const;
    expect(t.app.cipher.decrypt(row?.licence_number ?? "", cell)).toBe("LIC-4455-X");
    expect((await post("register/verify", { registrationId, code })).status).toBe(401);
    expect((await login(phone, "purple elephant drives")).status).toBe(200);
  });

  test("a taken phone is answered in the same way; only the phone hears of it", async () => {
    const { phone } = await person();
    const [taken, free] = [await post("register", wish(phone)), await post("register", wish(newPhone()))];
    expect([taken.status, Object.keys(taken.body)]).toEqual([free.status, Object.keys(free.body)]);
    await t.drain();
    expect(await t.value("SELECT body FROM recorded_messages WHERE recipient = $1", [phone])).toContain(
      "has one already",
    );
    const { registrationId } = taken.body as { registrationId: string };
    const code = await codeFor("register", registrationId);
    expect((await post("register/verify", { registrationId, code })).status).toBe(401);
    expect((await login(phone)).status).toBe(200);
  });

  test("somebody else's wish for my phone is not confirmed by my signing in", async () => {
    const phone = newPhone();
    await post("register", wish(phone));
    await post("otp", { phone });
    expect((await post("otp/verify", { phone, code: await codeFor("sign_in", phone) })).status).toBe(401);
    expect(await t.value("SELECT count(*)::int FROM users WHERE phone = $1", [phone])).toBe(0);
  });

  test.each([
    ["too short", "Zx9#q"],
    ["common", "password1234"],
    ["a keyboard row", "qwertyuiop12"],
    ["the product's own name", "smartline-demo"],
    ["short and simple", "monkey99"],
  ])("a password that is %s is refused, and the field is named", async (_what, password) => {
    const answer = await post("register", wish(newPhone(), { password }));
    expect([answer.status, answer.body.code]).toEqual([400, "VALIDATION_FAILED"]);
    expect(answer.body.errors).toEqual([{ path: "password", message: expect.any(String) }]);
  });
});

describe("sign-in with a password", () => {
  test("unknown, wrong, locked and without a password cost the same work, and answer in the same words", async () => {
    const [known, locked, without] = [await person(), await person(), await person()];
    await t.rows("UPDATE users SET password_hash = NULL WHERE id = $1", [without.id]);
    cheap = true;
    await lock(locked.phone);
    cheap = false;
    work.length = 0;
    const answers = [];
    for (const phone of [known.phone, newPhone(), locked.phone, without.phone])
      answers.push(await login(phone, "wrong"));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.code} ${body.detail}`)).size).toBe(1);
    expect(work).toHaveLength(4);
    expect(work.map((params) => (params === DECOY ? hash.split("$").slice(0, 4).join("$") : params))).toEqual(
      Array.from({ length: 4 }, () => hash.split("$").slice(0, 4).join("$")),
    );
  });

  /** Processor time of one look at a password, in ms: the derivation is what it goes into. */
  async function workOf(look: (stored: string | null) => Promise<boolean>, stored: string | null): Promise<number> {
    const rounds: number[] = [];
    for (let n = 0; n < 3; n++) {
      const before = process.cpuUsage();
      await look(stored);
      const { user, system } = process.cpuUsage(before);
      rounds.push((user + system) / 1000);
    }
    return Math.min(...rounds);
  }

  test("for nobody the password is really derived, not only said to be", async () => {
    const known = await workOf((stored) => verifyPassword("wrong", stored), hash);
    expect(await workOf((stored) => verifyPassword("wrong", stored), null)).toBeGreaterThan(known / 2);
    // Mutation: who answers for nobody without the work is found out by it.
    const lazy = async (stored: string | null) => stored !== null && verifyPassword("wrong", stored);
    expect(await workOf(lazy, null)).toBeLessThan(known / 4);
  });

  /** Ten wrong ones, one after another. */
  async function lock(phone: string): Promise<void> {
    const request = { ip: null, device: null, requestId: "r" };
    for (let i = 0; i < 10; i++)
      await t.app.identity.login({ phone }, { password: "wrong" }, request).catch(() => undefined);
    expect(await t.value("SELECT count(*)::int FROM sign_in_failures WHERE locked_until > now()")).toBe(1);
  }

  test("ten failures lock the account, known or not, for fifteen minutes; the right one is refused too", async () => {
    cheap = true;
    const operator = await person("operator");
    const request = { ip: "10.0.0.9", device: null, requestId: "req-lock" };
    const tryOnce = (password: string) => t.app.identity.login({ email: operator.email }, { password }, request);
    for (let i = 0; i < 10; i++) await expect(tryOnce("wrong")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(tryOnce(PASSWORD)).rejects.toThrow("The account or the password is wrong.");
    const audit = () =>
      t.rows<{ action: string }>("SELECT action FROM activity_logs WHERE actor_id = $1 ORDER BY id", [operator.id]);
    await expect.poll(async () => (await audit()).map(({ action }) => action)).toContain("account.locked");
    await t.rows(
      "UPDATE sign_in_failures SET locked_until = now() - interval '1 second' WHERE locked_until IS NOT NULL",
    );
    expect((await tryOnce(PASSWORD)).user.id).toBe(operator.id);
    await expect.poll(async () => (await audit()).map(({ action }) => action)).toContain("operator.sign_in");
    cheap = false;
  });

  test("mutation: with the failures forgotten after each, nothing locks", async () => {
    cheap = true;
    const { phone } = await person();
    const request = { ip: null, device: null, requestId: "r" };
    for (let i = 0; i < 12; i++) {
      await t.app.identity.login({ phone }, { password: "wrong" }, request).catch(() => undefined);
      await t.rows("DELETE FROM sign_in_failures");
    }
    expect((await t.app.identity.login({ phone }, { password: PASSWORD }, request)).user.phone).toBe(phone);
    cheap = false;
  });

  test("of fifty guesses at once ten are looked at", async () => {
    cheap = true;
    const { phone } = await person();
    const request = { ip: null, device: null, requestId: "r" };
    const before = await t.value<number>("SELECT count(*)::int FROM sessions");
    const guesses = Array.from({ length: 50 }, (_, i) => (i < 40 ? "wrong" : PASSWORD));
    // The right ones come last: all ten looks are spent by then.
    const outcomes = await Promise.allSettled(
      guesses.map((password) => t.app.identity.login({ phone }, { password }, request)),
    );
    expect(outcomes.filter(({ status }) => status === "rejected").length).toBeGreaterThanOrEqual(40);
    expect((await t.value<number>("SELECT count(*)::int FROM sessions")) - before).toBeLessThanOrEqual(10);
    cheap = false;
  });

  test("a hash of older parameters is made anew at sign-in, and the password stays", async () => {
    const { id, phone } = await person();
    const { scryptSync } = await import("node:crypto");
    const salt = Buffer.alloc(16, 7);
    const key = scryptSync(PASSWORD, salt, 32, { N: 1024, r: 8, p: 1 });
    const old = `scrypt$1024$8$1$${salt.toString("base64url")}$${key.toString("base64url")}`;
    await t.rows("UPDATE users SET password_hash = $2 WHERE id = $1", [id, old]);
    expect((await login(phone)).status).toBe(200);
    const fresh = await t.value<string>("SELECT password_hash FROM users WHERE id = $1", [id]);
    expect(fresh.split("$").slice(0, 4)).toEqual(hash.split("$").slice(0, 4));
    expect((await login(phone)).status).toBe(200);
    expect(tally([await login(phone, "wrong")])).toEqual({ 401: 1 });
  });
});
