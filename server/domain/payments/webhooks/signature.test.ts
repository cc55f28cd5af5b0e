import { describe, expect, it } from "vitest";
import {
  hmacMatches,
  hmacOf,
  sameBytes,
  sameSecret,
  secretList,
  unconfigured,
} from "#server/domain/payments/webhooks/signature.ts";

describe("secretList", () => {
  it.each([
    [null, []],
    ["", []],
    [" , ,", []],
    ["new", ["new"]],
    [" new, old ,", ["new", "old"]],
  ])("reads %j as %j", (configured, secrets) => {
    expect(secretList(configured)).toEqual(secrets);
  });
});

describe("a signature", () => {
  const by = (secret: string): string => hmacOf("sha256", secret, ["message"]);

  it("matches by any of the secrets", () => {
    expect(hmacMatches(["new", "old"], by("old"), by)).toBe(true);
    expect(hmacMatches(["new", "old"], by("other"), by)).toBe(false);
  });
  it("never matches by an empty secret, which everyone has", () => {
    expect(hmacMatches(["", "new"], by(""), by)).toBe(false);
    expect(unconfigured([""])).toBe(true);
  });
  it("matches whole only", () => {
    expect(hmacMatches(["new"], by("new").slice(0, 32), by)).toBe(false);
    expect(hmacMatches(["new"], "", by)).toBe(false);
    expect(hmacMatches(["new"], `${by("new")}0`, by)).toBe(false);
  });
  it("is the HMAC of the parts put together", () => {
    expect(hmacOf("sha512", "s", ["a", Buffer.from("b")])).toBe(hmacOf("sha512", "s", ["ab"]));
  });
});

describe("comparisons", () => {
  it("do not throw for other lengths", () => {
    expect(sameBytes(Buffer.from("a"), Buffer.from("ab"))).toBe(false);
    expect([sameSecret("a", "a"), sameSecret("a", "ab"), sameSecret("", "a")]).toEqual([true, false, false]);
  });
});
