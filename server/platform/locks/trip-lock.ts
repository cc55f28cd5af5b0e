import { newId } from "#server/contracts/ids.ts";

/**
 * The trip lock: it spares the database the crowd that wants one trip, and tells a loser so within a millisecond.
 * It decides nothing: the database's conditional statement does. A lock may vanish at any time without harm.
 *
 * Value: `<driverId>:<token>`, the token a UUIDv7, so that the value also tells the lock's age.
 */
export interface TripLock {
  readonly backend: "redis" | "memory";
  /** `value`: made by a caller that may ask two backends for one lock. */
  acquire(tripId: string, driverId: string, value?: string): Promise<LockClaim>;
  /** Compare-and-delete: true when the key held exactly `value` and is gone now. */
  release(tripId: string, value: string): Promise<boolean>;
  /** Compare-and-set: takes the lock over from `seen`, if it still holds that. */
  takeOver(tripId: string, seen: string, driverId: string, value?: string): Promise<LockClaim>;
  /** Deletes the lock if it is this driver's, whatever the token: for when the trip left the driver. */
  releaseOwnedBy(tripId: string, driverId: string): Promise<boolean>;
  /** SERVICE_UNAVAILABLE when the locks of all processes cannot be seen: never this process's as if they were all. */
  get(tripId: string): Promise<HeldLock | null>;
  /** Up to `limit` held locks, each once, in no order. SERVICE_UNAVAILABLE as above. */
  list(limit: number): Promise<HeldLock[]>;
}

export type LockClaim =
  | { readonly outcome: "acquired"; readonly value: string }
  /** This driver holds it already, by an earlier or a concurrent request. */
  | { readonly outcome: "own"; readonly value: string }
  | { readonly outcome: "held"; readonly value: string; readonly ownerDriverId: string; readonly ageMs: number | null };

export interface HeldLock {
  readonly key: string;
  readonly tripId: string;
  readonly value: string;
  readonly ownerDriverId: string | null;
  readonly ageMs: number | null;
  /** null: the key has no expiry, which is a fault. */
  readonly ttlMs: number | null;
}

const UUID_LENGTH = 36;

/** A value that nobody has used. */
export const newLockValue = (driverId: string): string => `${driverId}:${newId()}`;

export function ownerOf(value: string): string | null {
  return value.length > UUID_LENGTH && value[UUID_LENGTH] === ":" ? value.slice(0, UUID_LENGTH) : null;
}

/** Milliseconds since the value's UUIDv7 token was made; null when it carries none. */
export function ageOf(value: string, nowMs: number): number | null {
  const token = value.slice(UUID_LENGTH + 1);
  if (token.length !== UUID_LENGTH || token[14] !== "7") return null;
  const madeAt = Number.parseInt(token.slice(0, 8) + token.slice(9, 13), 16);
  return Number.isFinite(madeAt) ? Math.max(0, nowMs - madeAt) : null;
}

/** The claim that an existing value means for a driver. */
export function claimOn(value: string, driverId: string, nowMs: number): LockClaim {
  const owner = ownerOf(value);
  if (owner === driverId) return { outcome: "own", value };
  return { outcome: "held", value, ownerDriverId: owner ?? "", ageMs: ageOf(value, nowMs) };
}
