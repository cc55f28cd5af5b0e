import { describe, expect, test } from "vitest";
import { isOurOrigin } from "#server/platform/origin.ts";

describe("without a public address", () => {
  test.each([
    ["http://127.0.0.1:3000", "127.0.0.1:3000", true],
    ["http://[::1]:3000", "[::1]:3000", true],
    ["http://localhost:3000", "localhost:3000", true],
    ["http://localhost:3000", "LOCALHOST:3000", true],
    ["http://localhost:3000", "localhost:4000", false],
    ["https://evil.example", "127.0.0.1:3000", false],
    ["http://localhost.evil.example:3000", "localhost:3000", false],
    ["null", "localhost:3000", false],
    ["file://", "", false],
    ["//", "localhost:3000", false],
    ["http://127.0.0.1:3000", undefined, false],
  ] as const)("a page of %s that asks %s: %s", (origin, host, ours) => {
    expect(isOurOrigin(origin, host, null)).toBe(ours);
  });

  test("a name that was pointed at us is not ours, though both headers have it; mutation: by Host alone it would be", () => {
    const [origin, host] = ["http://rebound.evil.example:3000", "rebound.evil.example:3000"];
    expect(new URL(origin).host === host).toBe(true);
    expect(isOurOrigin(origin, host, null)).toBe(false);
  });
});

describe("with a public address only that is ours", () => {
  const ours = (origin: string, host = "10.0.0.7:3000") => isOurOrigin(origin, host, "https://ops.example.com/console");
  test("behind whatever host the proxy asks", () => {
    expect(ours("https://ops.example.com")).toBe(true);
    expect(ours("https://ops.example.com", "ops.example.com")).toBe(true);
  });

  test.each([
    "http://ops.example.com",
    "https://ops.example.com:8443",
    "https://ops.example.com.evil.example",
    "http://10.0.0.7:3000",
  ])("%s is not", (origin) => expect(ours(origin)).toBe(false));
});
