/** Personal data and secrets, by the names that our own payloads and the gateways give them. */
const MASKED = /phone|msisdn|otp|code|token|password|passwd|secret|email|signature|verify_sign|card_no|subscribeurl/i;

/** The same value with what is personal or secret blotted out. */
export function mask(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, MASKED.test(name) ? "•••" : mask(item)]),
  );
}
