import type { Money } from "#server/contracts/trips.ts";

/** ISO 4217 (2026): the currencies whose minor unit is not a hundredth; units of account that nobody pays in left out. */
const EXPONENTS = new Map<string, number>([
  ...["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"].map(zero),
  ...["XAF", "XOF", "XPF"].map(zero),
  ...["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"].map((code): [string, number] => [code, 3]),
]);
function zero(code: string): [string, number] {
  return [code, 0];
}

const KNOWN = new Set(Intl.supportedValuesOf("currency"));

/** The upper-case ISO 4217 code, or null for what is none. Gateways write it in either case. */
export function currencyOf(value: unknown): string | null {
  const code = typeof value === "string" && value.length === 3 ? value.toUpperCase() : "";
  return KNOWN.has(code) ? code : null;
}

/** Decimals of the currency's minor unit: JPY 0, EGP 2, KWD 3. */
export const exponentOf = (currency: string): number => EXPONENTS.get(currency) ?? 2;

const DIGITS = /^\d{1,15}$/;

function integerOf(value: unknown): number | null {
  const number = typeof value === "string" && DIGITS.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/**
 * Money from an integer of the gateway's own subunits (a number, or a string of digits). `gatewayExponents` names the
 * currencies that the gateway counts in other units than ISO 4217 does. Null for anything else, negative or fractional.
 */
export function moneyOfSubunits(
  value: unknown,
  currency: unknown,
  gatewayExponents?: ReadonlyMap<string, number>,
): Money | null {
  const code = currencyOf(currency);
  const integer = integerOf(value);
  if (code === null || integer === null) return null;
  const shift = exponentOf(code) - (gatewayExponents?.get(code) ?? exponentOf(code));
  const amount = shift >= 0 ? integer * 10 ** shift : integer / 10 ** -shift;
  return Number.isSafeInteger(amount) ? { amount, currency: code } : null;
}

const DECIMAL = /^(\d{1,15})(?:\.(\d{1,3}))?$/;

/**
 * Money from a decimal of major units. Text is never made a float; a number, as an API client parsed it, is taken at the
 * shortest decimal that is it, which is what was written wherever 15 digits are enough. Refuses (null) more decimals than
 * the currency or `maxDecimals` has, zeros included: a sender that counts in other units than we think must not be rounded
 * into sense.
 */
export function moneyOfDecimal(value: unknown, currency: unknown, maxDecimals?: number): Money | null {
  const code = currencyOf(currency);
  const text = typeof value === "number" ? String(value) : value;
  const match = typeof text === "string" ? DECIMAL.exec(text) : null;
  if (code === null || match === null) return null;
  const exponent = exponentOf(code);
  const decimals = match[2] ?? "";
  if (decimals.length > Math.min(exponent, maxDecimals ?? exponent)) return null;
  const amount = Number(`${match[1]}${decimals.padEnd(exponent, "0")}`);
  return Number.isSafeInteger(amount) ? { amount, currency: code } : null;
}
