import { v7 } from "uuid";
import { z } from "zod";

/** Random bytes fetched at once: a call for each id's 16 cost an accept more than its token's check. */
const pool = new Uint8Array(16 * 256);
let used = pool.length;
let lastMs = 0;
let sequence = 0;

/**
 * A new UUIDv7: time-ordered, so that index pages fill in order (PostgreSQL 15 has no `uuidv7()`); also those that this
 * process makes in one millisecond.
 */
export function newId(): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + 16);
  used += 16;
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // 31 bits: room above for the ids of this millisecond.
    sequence = new DataView(random.buffer, random.byteOffset).getUint32(6) & 0x7fffffff;
  } else sequence++;
  return v7({ random, msecs: lastMs, seq: sequence });
}

/**
 * Any UUID. Ids come from outside too (older data holds v4), so the version is not checked. In small letters from here on:
 * locks, groups of accepts and channels take two spellings for two trips, and the database for one.
 */
export const idSchema = z.guid("not an id (a UUID)").toLowerCase();

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
