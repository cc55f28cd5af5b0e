import { describe, expect, it } from "vitest";
import { exponentOf, moneyOfDecimal, moneyOfSubunits } from "#server/domain/payments/webhooks/minor-units.ts";

describe("moneyOfDecimal", () => {
  it.each([
    ["41.00", "BDT", 4100],
    ["41.5", "BDT", 4150],
    ["41", "BDT", 4100],
    ["0.01", "EGP", 1],
    ["0", "EGP", 0],
    ["1.234", "KWD", 1234],
    ["1.2", "KWD", 1200],
    ["500", "JPY", 500],
    [41, "TRY", 4100],
    [41.1, "BRL", 4110],
    // Through floats this is 1998 (19.99 * 100 = 1998.9999…).
    ["19.99", "usd", 1999],
    ["90071992547409.91", "USD", Number.MAX_SAFE_INTEGER],
  ])("reads %s %s as %i", (value, currency, amount) => {
    expect(moneyOfDecimal(value, currency)).toEqual({ amount, currency: currency.toUpperCase() });
  });

  it.each([
    ["more decimals than it has", "41.001", "BDT"],
    ["zeros beyond its decimals", "41.000", "BDT"],
    ["decimals of a currency without", "500.00", "JPY"],
    ["four decimals of three", "1.2345", "KWD"],
    ["what no safe integer holds", "90071992547409.92", "USD"],
    ["a number as long as a line", "9".repeat(400), "USD"],
    ["an exponent", "1e3", "USD"],
    ["a float that is no decimal", 0.1 + 0.2, "USD"],
    ["a negative", "-1.00", "USD"],
    ["a sign", "+1.00", "USD"],
    ["a comma", "1,50", "TRY"],
    ["a thousands mark", "1,000.00", "USD"],
    ["hexadecimal", "0x10", "USD"],
    ["other digits", "٤١", "EGP"],
    ["a line break", "41.00\n", "BDT"],
    ["no digits before the point", ".50", "USD"],
    ["none after it", "1.", "USD"],
    ["nothing", "", "USD"],
    ["null", null, "USD"],
    ["NaN", Number.NaN, "USD"],
    ["infinity", Number.POSITIVE_INFINITY, "USD"],
    ["an object", {}, "USD"],
    ["an array", ["1"], "USD"],
    ["no currency", "1.00", null],
    ["a currency of nobody", "1.00", "ZZZ"],
    ["a unit of account", "1.0000", "CLF"],
    ["a currency from a prototype", "1.00", "constructor"],
  ])("refuses %s", (_what, value, currency) => {
    expect(moneyOfDecimal(value, currency)).toBeNull();
  });

  it("takes fewer decimals where the gateway has fewer", () => {
    expect(moneyOfDecimal("41500", "IDR", 0)).toEqual({ amount: 4_150_000, currency: "IDR" });
    expect(moneyOfDecimal("41500.50", "IDR", 0)).toBeNull();
  });
});

describe("moneyOfSubunits", () => {
  it.each([
    [4150, "EGP", 4150],
    ["4150", "ngn", 4150],
    [500, "JPY", 500],
    [1230, "KWD", 1230],
    [0, "USD", 0],
  ])("takes %s %s as it is", (value, currency, amount) => {
    expect(moneyOfSubunits(value, currency)).toEqual({ amount, currency: currency.toUpperCase() });
  });

  it.each([
    ["a negative", -1, "USD"],
    ["a fraction", 1.5, "USD"],
    ["a fraction as text", "1.50", "USD"],
    ["an exponent", "1e3", "USD"],
    ["an unsafe integer", 2 ** 53, "USD"],
    ["null", null, "USD"],
    ["no currency", 100, undefined],
    ["true", true, "USD"],
  ])("refuses %s", (_what, value, currency) => {
    expect(moneyOfSubunits(value, currency)).toBeNull();
  });

  it("translates a gateway's own units, and refuses what does not come out whole", () => {
    const own = new Map([
      ["ISK", 2],
      ["MGA", 0],
    ]);
    expect(moneyOfSubunits(50_000, "isk", own)).toEqual({ amount: 500, currency: "ISK" });
    expect(moneyOfSubunits(50_050, "isk", own)).toBeNull();
    expect(moneyOfSubunits(500, "mga", own)).toEqual({ amount: 50_000, currency: "MGA" });
    expect(moneyOfSubunits(Number.MAX_SAFE_INTEGER, "mga", own)).toBeNull();
  });
});

describe("exponentOf", () => {
  it("is ISO 4217's", () => {
    expect(["JPY", "ISK", "EGP", "IDR", "MGA", "KWD"].map(exponentOf)).toEqual([0, 0, 2, 2, 2, 3]);
  });
});
