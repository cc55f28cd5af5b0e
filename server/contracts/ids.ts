import { v7 } from "uuid";
import { z } from "zod";

/** A new UUIDv7: time-ordered, so that index pages fill in order (PostgreSQL 15 has no `uuidv7()`). */
export const newId = (): string => v7();

/** Any UUID. Ids come from outside too (older data holds v4), so the version is not checked. */
export const idSchema = z.guid("not an id (a UUID)");

/**
 * The display id of a trip, as people read it over the phone: `T` and 9 characters of Crockford base 32
 * (no I, L, O, U). Taken from 45 of the id's random bits: 3.5e13 values, and unique in the database.
 */
export function refIdOf(tripId: string): string {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let bits = BigInt(`0x${tripId.replaceAll("-", "").slice(-12)}`) & ((1n << 45n) - 1n);
  let text = "";
  for (let i = 0; i < 9; i++) {
    text = alphabet.charAt(Number(bits & 31n)) + text;
    bits >>= 5n;
  }
  return `T${text}`;
}
