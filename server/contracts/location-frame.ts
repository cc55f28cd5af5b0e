import type { ClientFrame } from "./realtime.ts";

type LocationFrame = Extract<ClientFrame, { type: "location" }>;

/** Days up to the 28th are in every month: the few others are left to the schema. */
const PLAIN_TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)$/;
const within = (value: unknown, min: number, max: number): boolean =>
  typeof value === "number" && value >= min && value <= max;

function fits(name: string, value: unknown): boolean {
  switch (name) {
    case "type":
      return value === "location";
    case "lat":
      return within(value, -90, 90);
    case "lng":
      return within(value, -180, 180);
    case "accuracy":
      return within(value, 0, 100_000);
    case "heading":
      return within(value, 0, 360);
    case "speed":
      return within(value, 0, 150);
    case "recordedAt":
      return typeof value === "string" && PLAIN_TIME.test(value);
    case "id":
      return typeof value === "string" && value.length <= 64;
    default:
      return false;
  }
}

/**
 * A position that surely fits `clientFrameSchema`, at a tenth of its cost: nearly all frames are positions. Null says
 * nothing: the schema decides then, and has the words for what is wrong. A test holds the two together.
 */
export function plainLocation(json: unknown): LocationFrame | null {
  if (typeof json !== "object" || json === null) return null;
  const frame = json as Record<string, unknown>;
  if (frame.type !== "location" || typeof frame.lat !== "number" || typeof frame.lng !== "number") return null;
  for (const name in frame) if (!fits(name, frame[name])) return null;
  return frame as unknown as LocationFrame;
}
