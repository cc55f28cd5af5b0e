/** JSON as it came in, read only through `field`: nothing here is trusted to have any shape. */
export type JsonObject = { readonly [key: string]: unknown };

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Bytes that are no UTF-8 are refused rather than mended: a mended text is not what was signed. */
export function decodeText(bytes: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/**
 * A number that is not a plain safe integer stays the text it was written as: 41.10 is an amount and 2^53 + 1 may be an
 * id, and neither survives a float.
 */
function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source ?? String(value);
  return Number.isSafeInteger(value) && String(value) === source ? value : source;
}

/** The JSON object in these bytes; null when they hold anything else. Never throws, nesting of any depth included. */
export function parseJsonObject(source: Buffer | string): JsonObject | null {
  const text = typeof source === "string" ? source : decodeText(source);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text, keepDigits);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** The value at a path of own properties, or undefined: `constructor` and `__proto__` are found only if they were sent. */
export function field(value: unknown, ...path: readonly string[]): unknown {
  let at: unknown = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as JsonObject)[key];
  }
  return at;
}

const MAX_TEXT = 255;

function isControl(character: string): boolean {
  const code = character.charCodeAt(0);
  return code < 0x20 || code === 0x7f;
}

/** A short printable text (ids and names); null for anything else. PostgreSQL takes neither NUL nor half a surrogate pair. */
export function textOf(value: unknown): string | null {
  if (typeof value !== "string" || value === "" || value.length > MAX_TEXT) return null;
  return value.isWellFormed() && !Array.from(value).some(isControl) ? value : null;
}

/** An id, which gateways write as text or as a number. */
export function idOf(value: unknown): string | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? String(value) : textOf(value);
}

/** The first of the candidates that is an id. */
export function firstId(...candidates: readonly unknown[]): string | null {
  for (const candidate of candidates) {
    const id = idOf(candidate);
    if (id !== null) return id;
  }
  return null;
}

/** A trip's id, alone or before a separator and the number of the attempt: references must be new for each attempt. */
const TRIP_REFERENCE = /^([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?:[-_.:][0-9a-z]{1,20})?$/i;

/** The trip that the first of the candidates to name one names: `<uuid>` or `<uuid>-2`. */
export function tripIdIn(...candidates: readonly unknown[]): string | null {
  for (const candidate of candidates) {
    const match = typeof candidate === "string" ? TRIP_REFERENCE.exec(candidate) : null;
    if (match?.[1] !== undefined) return match[1].toLowerCase();
  }
  return null;
}

const LAST_MS = Date.UTC(10_000, 0, 1);

/** ISO 8601 UTC of Unix milliseconds between 1970 and 9999, else null. */
export const timeOfMs = (ms: unknown): string | null =>
  typeof ms === "number" && Number.isFinite(ms) && ms >= 0 && ms < LAST_MS ? new Date(ms).toISOString() : null;

export const timeOfSeconds = (seconds: unknown): string | null =>
  typeof seconds === "number" ? timeOfMs(seconds * 1000) : null;

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/;

/** ISO 8601 UTC of an ISO time that says its zone, else null. */
export const timeOfIso = (text: unknown): string | null =>
  typeof text === "string" && ISO.test(text) ? timeOfMs(Date.parse(text)) : null;
