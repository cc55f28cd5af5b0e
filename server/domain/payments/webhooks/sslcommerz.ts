import { createHash } from "node:crypto";
import type { PaymentEvent, PaymentEventKind } from "#server/contracts/payments.ts";
import type { Doubt } from "#server/domain/payments/payment-events.ts";
import { moneyOfDecimal } from "#server/domain/payments/webhooks/minor-units.ts";
import {
  decodeText,
  field,
  idOf,
  type JsonObject,
  textOf,
  tripIdIn,
} from "#server/domain/payments/webhooks/payload.ts";
import { paymentEvent } from "#server/domain/payments/webhooks/payment-event.ts";
import { keyOf, sameBytes, unconfigured } from "#server/domain/payments/webhooks/signature.ts";
import {
  type EventVerdict,
  refused,
  type SignedRequest,
  type VerifiedEvent,
  verifiedEvent,
} from "#server/domain/payments/webhooks/webhook.ts";

export interface SslCommerzSecrets {
  readonly storeId: string | null;
  /** Store passwords, the old one beside the new while it is rotated. */
  readonly passwords: readonly string[];
}

const MAX_FIELDS = 200;
/** What must be under the signature. `val_id` besides, except where there was nothing to validate: see `isWhole`. */
const REQUIRED = ["tran_id", "amount", "currency", "status", "store_id"] as const;
const PAID = new Set(["VALID", "VALIDATED"]);

/** The form's fields; null when one comes twice (which of them was signed?) or the bytes are no text. */
function formOf(rawBody: Buffer): ReadonlyMap<string, string> | null {
  const text = decodeText(rawBody);
  if (text === null) return null;
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name) || fields.size >= MAX_FIELDS) return null;
    fields.set(name, value);
  }
  return fields;
}

/** The fields that `verify_key` names. Null when one was not sent or takes the password's place. */
function signedFieldsOf(form: ReadonlyMap<string, string>): Map<string, string> | null {
  const signed = new Map<string, string>();
  for (const name of (form.get("verify_key") ?? "").split(",")) {
    const value = form.get(name);
    if (value === undefined || name === "store_passwd" || signed.has(name)) return null;
    signed.set(name, value);
  }
  return signed;
}

/**
 * The sender writes `verify_key`, so what we use must be in it. Values are joined without escapes: one that holds `&` could
 * have swallowed its neighbours. A failed or cancelled payment has no `val_id` [3]; an unsigned one is not passed over.
 */
function isWhole(form: ReadonlyMap<string, string>, signed: ReadonlyMap<string, string>): boolean {
  const paid = PAID.has(signed.get("status") ?? "");
  const names: readonly string[] = paid || form.has("val_id") ? [...REQUIRED, "val_id"] : REQUIRED;
  if (paid && signed.get("val_id") === "") return false;
  return names.every((name) => signed.get(name)?.includes("&") === false);
}

const ALGORITHMS = { md5: "verify_sign", sha256: "verify_sign_sha2" } as const;

/** `k=v&…` of the signed fields and `store_passwd` (the password's hash), keys sorted, values as they are [S]. */
export function sslCommerzDigest(
  algorithm: keyof typeof ALGORITHMS,
  password: string,
  signed: ReadonlyMap<string, string>,
): string {
  const hash = (text: string): string => createHash(algorithm).update(text).digest("hex");
  const pairs = [...signed, ["store_passwd", hash(password)] as const].map(([name, value]) => ({ name, value }));
  pairs.sort((a, b) => (a.name < b.name ? -1 : 1));
  return hash(pairs.map(({ name, value }) => `${name}=${value}`).join("&"));
}

/**
 * A form whose signature is a hash, MD5 [S] or SHA-256 [R], with the password inside: the SHA-256 is required wherever it
 * was sent. No stamp, so replays pass. Only a reason to ask the validation API (mandatory by SSLCommerz's own rules).
 */
export function verifySslCommerz({ rawBody, secrets }: SignedRequest<SslCommerzSecrets>): EventVerdict {
  if (secrets.storeId === null || secrets.storeId === "" || unconfigured(secrets.passwords)) {
    return refused("not_configured");
  }
  const form = formOf(rawBody);
  if (form === null) return refused("malformed");
  const algorithm = form.has("verify_sign_sha2") ? "sha256" : "md5";
  const given = form.get(ALGORITHMS[algorithm]);
  if (given === undefined || !/^[0-9a-f]+$/.test(given) || !form.has("verify_key")) return refused("no_signature");
  const signed = signedFieldsOf(form);
  if (signed === null || !isWhole(form, signed)) return refused("malformed");
  const matches = secrets.passwords.some(
    (password) =>
      password !== "" &&
      sameBytes(Buffer.from(sslCommerzDigest(algorithm, password, signed), "utf8"), Buffer.from(given, "utf8")),
  );
  if (!matches) return refused("mismatch");
  if (signed.get("store_id") !== secrets.storeId) return refused("untrusted");
  const key = keyOf(...["tran_id", "val_id", "status"].map((name) => signed.get(name) ?? null));
  const payload: JsonObject = Object.fromEntries(signed);
  return verifiedEvent(key, payload);
}

const KINDS = new Map<unknown, PaymentEventKind>([
  ["VALID", "captured"],
  ["VALIDATED", "captured"],
  ["FAILED", "failed"],
  ["CANCELLED", "failed"],
  ["EXPIRED", "failed"],
  ["UNATTEMPTED", "failed"],
]);

/** Dhaka's clock, no zone written [I]. Bangladesh keeps +06:00 all year. */
function timeOfDhaka(value: unknown): string | null {
  const match = typeof value === "string" ? /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/.exec(value) : null;
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}+06:00`);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** `captured` once the validation API says so: same tran_id, amount and currency; a `risk_level` of 1 is held there. */
export function parseSslCommerz({ eventKey, payload }: VerifiedEvent): PaymentEvent {
  const status = textOf(field(payload, "status")) ?? "";
  const values = ["value_a", "value_b", "value_c", "value_d"].map((name) => field(payload, name));
  return paymentEvent("sslcommerz", eventKey, status, {
    kind: KINDS.get(status) ?? "unknown",
    amount: moneyOfDecimal(field(payload, "amount"), field(payload, "currency")),
    tripId: tripIdIn(...values, field(payload, "tran_id")),
    reference: textOf(field(payload, "tran_id")),
    paymentId: idOf(field(payload, "val_id")),
    occurredAt: timeOfDhaka(field(payload, "tran_date")),
  });
}

/** Why the validation API's answer does not confirm the event; null when it does, to the last paisa. */
export function doubtOfSslCommerz(event: PaymentEvent, answer: unknown): Doubt | null {
  const status = textOf(field(answer, "status"));
  if (!PAID.has(status ?? "") || field(answer, "tran_id") !== event.reference)
    return { verdict: "unconfirmed", detail: `The validation API does not confirm it: ${status ?? "no status"}.` };
  const money = moneyOfDecimal(field(answer, "amount"), field(answer, "currency"));
  if (money === null || event.amount === null || money.amount !== event.amount.amount)
    return { verdict: "amount_mismatch", detail: "The validation API knows it with another amount." };
  if (money.currency !== event.amount.currency)
    return { verdict: "currency_mismatch", detail: "The validation API knows it in another currency." };
  if (String(field(answer, "risk_level")) === "1")
    return { verdict: "held", detail: "SSLCommerz calls the payment risky (risk_level 1): hold it." };
  return null;
}
