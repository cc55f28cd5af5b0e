import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publishContext } from "#server/context-access.ts";
import { hashPassword } from "#server/platform/crypto.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { authOptions } from "./auth-options.ts";

const PASSWORD = "correct horse battery";
let t: TestApp;
let open: TestApp;
let hash: string;
beforeAll(async () => {
  t = await createTestApp({ limits: "on" });
  open = await createTestApp({ peerOf: t, limits: "off" });
  hash = await hashPassword(PASSWORD);
});
afterAll(async () => {
  await open.dispose();
  await t.dispose();
});

type Authorize = (given: object, request: object) => Promise<object | null>;
/** What the sign-in page gets: the operator, or the words for it. */
async function signIn(email: string, password: string, ip = "203.0.113.7"): Promise<string> {
  const [provider] = authOptions().providers as unknown as { options: { authorize: Authorize } }[];
  const request = { headers: { "x-client-address": ip } };
  return provider?.options.authorize({ email, password }, request).then(
    (operator) => (operator === null ? "wrong" : "in"),
    (error: Error) => error.message,
  ) as Promise<string>;
}
async function operator(): Promise<string> {
  const id = await t.make.operator("viewer");
  await t.rows("UPDATE users SET password_hash = $2, email = $3 WHERE id = $1", [id, hash, `${id}@example.com`]);
  return `${id}@example.com`;
}
const inTurn = async (count: number, once: () => Promise<string>) => {
  const answers: string[] = [];
  for (let n = 0; n < count; n++) answers.push(await once());
  return answers;
};
const WRONG = Array.from({ length: 5 }, () => "wrong");
const REFUSED = /^Too many tries\. Wait \d+ seconds\.$/;

describe("signing in to the console", () => {
  test("five wrong tries a minute from one address; the sixth is told how long to wait, right or not", async () => {
    publishContext(t.app);
    const email = await operator();
    expect(await inTurn(5, () => signIn(email, "wrong"))).toEqual(WRONG);
    expect(await signIn(email, "wrong")).toMatch(REFUSED);
    expect(await signIn(` ${email.toUpperCase()}`, PASSWORD)).toMatch(REFUSED);
    // Neither a colleague at the same address, nor the same person elsewhere.
    expect(await signIn(await operator(), PASSWORD)).toBe("in");
    expect(await signIn(email, PASSWORD, "203.0.113.8")).toBe("in");
  });

  test("tries at the API and at the console are counted together", async () => {
    publishContext(t.app);
    const email = await operator();
    const url = await t.listen();
    const headers = { "content-type": "application/json" };
    for (let n = 0; n < 5; n++) {
      const body = JSON.stringify({ email, password: "wrong" });
      expect((await fetch(`${url}/api/v1/auth/login`, { method: "POST", headers, body })).status).toBe(401);
    }
    expect(await signIn(email, PASSWORD, "127.0.0.1")).toMatch(REFUSED);
  });

  test("who is who they say signs in as often as they like", async () => {
    publishContext(t.app);
    const email = await operator();
    expect(await inTurn(8, () => signIn(email, PASSWORD))).toEqual(Array.from({ length: 8 }, () => "in"));
  });

  test("mutation: without the count the sixth guess is looked at", async () => {
    publishContext(open.app);
    const email = await operator();
    expect(await inTurn(6, () => signIn(email, "wrong"))).toEqual([...WRONG, "wrong"]);
    expect(await signIn(email, PASSWORD)).toBe("in");
  });
});

describe("what is no sign-in", () => {
  const answer = (given: object) => {
    const [provider] = authOptions().providers as unknown as { options: { authorize: Authorize } }[];
    return provider?.options.authorize(given, { headers: {} }).then(
      (operator) => (operator === null ? "wrong" : "in"),
      (error: Error) => error.message,
    );
  };

  test.each<[string, object]>([
    ["nothing", {}],
    ["an object for an email", { email: { x: 1 }, password: PASSWORD }],
    ["a list for a password", { email: "a@b.test", password: ["a"] }],
    ["an email that cannot be stored", { email: "a\0@b.test", password: PASSWORD }],
    ["a password of a megabyte", { email: "a@b.test", password: "a".repeat(1e6) }],
    ["a number for a code", { email: "a@b.test", password: PASSWORD, totp: 5 }],
  ])("%s is wrong, and nothing else is said", async (_, given) => {
    publishContext(t.app);
    expect(await answer(given)).toBe("wrong");
  });

  test("a fault of ours is logged and told in our own words", async () => {
    publishContext(open.app);
    const { signInOperator } = open.app.identity;
    const fault = new Error("SELECT secret FROM users: connection to 10.0.0.5 refused");
    const told: unknown[] = [];
    const { error } = open.app.logger;
    open.app.identity.signInOperator = () => Promise.reject(fault);
    open.app.logger.error = ((line: { err: unknown }) => told.push(line.err)) as never;
    try {
      const words = await answer({ email: "a@b.test", password: PASSWORD });
      expect(words).toBe("Signing in failed on our side. Try again in a few seconds.");
      expect(told).toEqual([fault]);
    } finally {
      open.app.identity.signInOperator = signInOperator;
      open.app.logger.error = error;
    }
  });
});
