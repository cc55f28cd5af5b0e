import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { Tokens } from "#server/domain/identity/tokens.ts";
import { verifyPassword } from "#server/platform/crypto.ts";

test("a token new to the process is read while passwords are hashed", { timeout: 30_000 }, async () => {
  const secret = "x".repeat(40);
  const subject = { id: "d1", type: "driver", role: null, name: "", tokenVersion: 0 } as const;
  const token = await new Tokens({ secret, accessTokenSeconds: 60 }).issue(subject);
  const hashing = Array.from({ length: 16 }, () => verifyPassword("busy", null));
  const read = new Tokens({ secret, accessTokenSeconds: 60 }).verify(token).then(() => "token");
  expect(await Promise.race([read, Promise.race(hashing).then(() => "password")])).toBe("token");
  await Promise.all(hashing);
});

test("only a token of ours is read: no other header, algorithm, issuer or secret, and none without its end", async () => {
  const secret = "x".repeat(40);
  const tokens = new Tokens({ secret, accessTokenSeconds: 60 });
  const now = Math.floor(Date.now() / 1000);
  const good = { use: "access", typ: "driver", name: "", tv: 0, iss: "smartline-ops", sub: "d1", exp: now + 60 };
  const made = (header: object, claims: object, key = secret, hash = "sha256") => {
    const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${text}.${createHmac(hash, key).update(text).digest("base64url")}`;
  };
  const ours = { alg: "HS256", typ: "JWT" };
  expect(await tokens.verify(made(ours, good))).toMatchObject({ type: "driver", id: "d1" });
  const { exp: _exp, ...endless } = good;
  const [head = "", body = ""] = made(ours, good).split(".");
  for (const [what, token] of Object.entries({
    "no algorithm": `${made({ alg: "none", typ: "JWT" }, good).split(".").slice(0, 2).join(".")}.`,
    "another algorithm": made({ alg: "HS512", typ: "JWT" }, good, secret, "sha512"),
    "a critical extension": made({ ...ours, crit: ["b64"], b64: false }, good),
    "a key of its own": made({ ...ours, jwk: { kty: "oct", k: "eA" } }, good, "x"),
    "another secret": made(ours, good, "y".repeat(40)),
    "another issuer": made(ours, { ...good, iss: "elsewhere" }),
    "two issuers": made(ours, { ...good, iss: ["smartline-ops", "elsewhere"] }),
    "no end": made(ours, endless),
    "an end that is none": made(ours, { ...good, exp: "never" }),
    "another use": made(ours, { ...good, use: "refresh" }),
    "no signature": `${head}.${body}.`,
    "not yet": made(ours, { ...good, nbf: now + 600 }),
    expired: made(ours, { ...good, exp: now - 1 }),
  }))
    await expect(tokens.verify(token), what).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});
