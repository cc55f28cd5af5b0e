import type { Money as MoneyValue } from "#server/contracts/trips.ts";
import { cx } from "./class-names.ts";

const formats = new Map<string, Intl.NumberFormat>();

/** `84.50` from 8450 EGP minor units; the currency's own number of decimals. */
export function formatAmount({ amount, currency }: MoneyValue): string {
  let format = formats.get(currency);
  if (!format) {
    const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat("en", {
      style: "currency",
      currency,
    }).resolvedOptions();
    format = new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    formats.set(currency, format);
  }
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

export function Money({ value, className }: { value: MoneyValue; className?: string }) {
  return (
    <span className={cx("whitespace-nowrap font-mono", className)}>
      {formatAmount(value)} <span className="text-faint">{value.currency}</span>
    </span>
  );
}
