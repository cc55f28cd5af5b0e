import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { type JsonObject, parseJsonObject } from "#server/domain/payments/webhooks/payload.ts";
import { type Refused, refused, type SignedRequest, singleValue } from "#server/domain/payments/webhooks/webhook.ts";

export type Digest = "sha256" | "sha512";

/** The secrets of a configured list, `new,old` while one is rotated; blanks are none (an HMAC with "" anyone can make). */
export function secretList(configured: string | null): readonly string[] {
  return (configured ?? "")
    .split(",")
    .map((secret) => secret.trim())
    .filter((secret) => secret !== "");
}

/** Whole and exact: hex is compared as its characters, since decoding would drop what follows the first wrong one. */
export function sameBytes(expected: Buffer, given: Buffer): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** For values of any length: what is compared are hashes, so neither the content nor the length shows in the time. */
export function sameSecret(expected: string, given: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return sameBytes(hash(expected), hash(given));
}

export function hmacOf(digest: Digest, secret: string, message: readonly (string | Buffer)[]): string {
  const hmac = createHmac(digest, secret);
  for (const part of message) hmac.update(part);
  return hmac.digest("hex");
}

/** Whether `givenHex` (lower-case hex) is the HMAC of the message by any of the secrets. */
export function hmacMatches(secrets: readonly string[], givenHex: string, hmac: (secret: string) => string): boolean {
  const given = Buffer.from(givenHex, "utf8");
  return secrets.some((secret) => secret !== "" && sameBytes(Buffer.from(hmac(secret), "utf8"), given));
}

/** No secret that is worth the name: such a gateway accepts nothing. */
export const unconfigured = (secrets: readonly string[]): boolean => secrets.every((secret) => secret === "");

const HEX = { sha256: /^[0-9a-f]{64}$/, sha512: /^[0-9a-f]{128}$/ } as const;
export const isHexDigest = (digest: Digest, text: string): boolean => HEX[digest].test(text);

/** Verifies a hex HMAC over the whole raw body, with no stamp (Razorpay, Paystack). */
export function verifyBodyHmac(
  request: SignedRequest<readonly string[]>,
  header: string,
  digest: Digest,
): { readonly ok: true; readonly payload: JsonObject } | Refused {
  if (unconfigured(request.secrets)) return refused("not_configured");
  const given = singleValue(request.headers, header);
  if (given === null || !isHexDigest(digest, given)) return refused("no_signature");
  if (!hmacMatches(request.secrets, given, (secret) => hmacOf(digest, secret, [request.rawBody]))) {
    return refused("mismatch");
  }
  const payload = parseJsonObject(request.rawBody);
  return payload === null ? refused("malformed") : { ok: true, payload };
}

const KEY_LENGTH = 255;

/** A key made of several parts, no two lists of parts alike; hashed when too long for its column. */
export function keyOf(...parts: readonly (string | null)[]): string {
  const key = parts.map((part) => encodeURIComponent(part ?? "")).join(":");
  return key.length <= KEY_LENGTH ? key : `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** For an event that names nothing by which to tell it from another: a repeat has the same bytes. */
export const keyOfBody = (rawBody: Buffer): string => `sha256:${createHash("sha256").update(rawBody).digest("hex")}`;
