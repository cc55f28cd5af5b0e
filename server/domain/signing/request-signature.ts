import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** How far a request's timestamp may be from our clock, before and after. */
export const TOLERANCE_SECONDS = 300;
export const NONCE = /^[\w-]{16,64}$/;

/** What of a request is signed, as it came over the wire. */
export interface SignedContent {
  readonly method: string;
  /** The path with its query, as sent. */
  readonly target: string;
  readonly body: Uint8Array;
  /** Seconds since 1970, decimal digits. */
  readonly timestamp: string;
  readonly nonce: string;
}

export interface SignedRequest extends SignedContent {
  readonly keyId: string;
  /** HMAC-SHA256, hex. */
  readonly signature: string;
}

/** HMAC-SHA256 in hex, with the secret's characters as the key, over lines that no part can imitate: none holds a line feed. */
export function signatureOf(secret: string, { method, target, body, timestamp, nonce }: SignedContent): string {
  const bodyHash = createHash("sha256").update(body).digest("hex");
  const lines = ["v1", method.toUpperCase(), target, bodyHash, timestamp, nonce];
  return createHmac("sha256", secret).update(lines.join("\n")).digest("hex");
}

export function isSignedWith(secret: string, request: SignedRequest): boolean {
  const expected = Buffer.from(signatureOf(secret, request), "hex");
  const sent = Buffer.from(/^[0-9a-f]{64}$/i.test(request.signature) ? request.signature : "", "hex");
  return sent.length === expected.length && timingSafeEqual(sent, expected);
}

/** Whether the request was signed within the tolerance of `now`. */
export function isTimely(timestamp: string, now: Date): boolean {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  return Math.abs(Number(timestamp) - now.getTime() / 1000) <= TOLERANCE_SECONDS;
}
