import type { Clock } from "#server/platform/clock.ts";
import {
  ageOf,
  claimOn,
  type HeldLock,
  type LockClaim,
  newLockValue,
  ownerOf,
  type TripLock,
} from "#server/platform/locks/trip-lock.ts";

/** Standalone: one process, a map with expiry. Expired entries go when touched and by a sweep as the map grows. */
export class MemoryTripLock implements TripLock {
  readonly backend = "memory";
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #locks = new Map<string, { value: string; expiresAt: number }>();
  #sweepAt = 1024;

  constructor(options: { clock: Clock; ttlSeconds: number }) {
    this.#clock = options.clock;
    this.#ttlMs = options.ttlSeconds * 1000;
  }

  async acquire(tripId: string, driverId: string, value = newLockValue(driverId)): Promise<LockClaim> {
    const held = this.#live(tripId);
    if (held !== null) return claimOn(held, driverId, this.#now());
    return { outcome: "acquired", value: this.#set(tripId, value) };
  }

  async release(tripId: string, value: string): Promise<boolean> {
    return this.#live(tripId) === value && this.#locks.delete(tripId);
  }

  async takeOver(tripId: string, seen: string, driverId: string, value = newLockValue(driverId)): Promise<LockClaim> {
    const held = this.#live(tripId);
    if (held !== null && held !== seen) return claimOn(held, driverId, this.#now());
    return { outcome: "acquired", value: this.#set(tripId, value) };
  }

  async releaseOwnedBy(tripId: string, driverId: string): Promise<boolean> {
    const held = this.#live(tripId);
    return held !== null && ownerOf(held) === driverId && this.#locks.delete(tripId);
  }

  async get(tripId: string): Promise<HeldLock | null> {
    const value = this.#live(tripId);
    return value === null ? null : this.#describe(tripId, value);
  }

  async list(limit: number): Promise<HeldLock[]> {
    this.#sweep();
    return [...this.#locks.entries()].slice(0, limit).map(([tripId, { value }]) => this.#describe(tripId, value));
  }

  #now(): number {
    return this.#clock.now().getTime();
  }

  #live(tripId: string): string | null {
    const held = this.#locks.get(tripId);
    if (held === undefined) return null;
    if (held.expiresAt > this.#now()) return held.value;
    this.#locks.delete(tripId);
    return null;
  }

  #set(tripId: string, value: string): string {
    this.#locks.set(tripId, { value, expiresAt: this.#now() + this.#ttlMs });
    if (this.#locks.size >= this.#sweepAt) this.#sweep();
    return value;
  }

  #sweep(): void {
    const now = this.#now();
    for (const [tripId, held] of this.#locks) if (held.expiresAt <= now) this.#locks.delete(tripId);
    this.#sweepAt = Math.max(1024, this.#locks.size * 2);
  }

  #describe(tripId: string, value: string): HeldLock {
    const expiresAt = this.#locks.get(tripId)?.expiresAt ?? this.#now();
    return {
      key: `trip:lock:${tripId}`,
      tripId,
      value,
      ownerDriverId: ownerOf(value),
      ageMs: ageOf(value, this.#now()),
      ttlMs: expiresAt - this.#now(),
    };
  }
}
