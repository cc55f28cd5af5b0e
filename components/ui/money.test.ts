import { expect, test } from "vitest";
import { formatAmount } from "./money.tsx";

test("minor units become the currency's own decimals", () => {
  expect(formatAmount({ amount: 8450, currency: "EGP" })).toBe("84.50");
  expect(formatAmount({ amount: 8450, currency: "KWD" })).toBe("8.450");
  expect(formatAmount({ amount: 8450, currency: "JPY" })).toBe("8,450");
  expect(formatAmount({ amount: -5, currency: "EGP" })).toBe("-0.05");
});
