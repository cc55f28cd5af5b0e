import { describe, expect, it } from "vitest";
import { assertStorable } from "#server/trpc/storable-input.ts";

const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = { inner: value };
  return value;
};

describe("assertStorable", () => {
  it.each([
    ["a NUL", { reason: "a\0b" }, "reason"],
    ["half a surrogate pair", { stops: [{ address: "\ud800" }] }, "stops.0.address"],
    ["a big integer", { amount: 5n }, "amount"],
    ["a date", { from: [new Date()] }, "from.0"],
    ["a map", { ids: new Map() }, "ids"],
    ["such a name", { "a\0": 1 }, ""],
  ])("refuses %s and says where", (_, input, path) => {
    expect(() => assertStorable(input)).toThrow(
      expect.objectContaining({ code: "VALIDATION_FAILED", fields: [expect.objectContaining({ path })] }),
    );
  });

  it("refuses thirty thousand levels without running out of stack", () => {
    expect(() => assertStorable(nested(30_000))).toThrow(expect.objectContaining({ code: "VALIDATION_FAILED" }));
  });

  it("lets ordinary input pass", () => {
    expect(() => assertStorable({ name: "Tahrir \u{1F697} ميدان", stops: [nested(5)], none: null })).not.toThrow();
  });
});
