import type { HeldLock, LockClaim, TripLock } from "#server/platform/locks/trip-lock.ts";

/**
 * Redis while it answers, this process's memory while it does not. With two processes and no Redis two drivers may
 * both get a lock; the database then refuses one of them, only later than the lock would have.
 */
export class FallbackTripLock implements TripLock {
  readonly #primary: TripLock;
  readonly #secondary: TripLock;
  readonly #isReady: () => boolean;

  constructor(options: { primary: TripLock; secondary: TripLock; isReady: () => boolean }) {
    this.#primary = options.primary;
    this.#secondary = options.secondary;
    this.#isReady = options.isReady;
  }

  get backend(): "redis" | "memory" {
    return this.#isReady() ? this.#primary.backend : this.#secondary.backend;
  }

  acquire(tripId: string, driverId: string): Promise<LockClaim> {
    return this.#run((lock) => lock.acquire(tripId, driverId));
  }

  /** Released in both: the lock may have been taken before Redis went or after. */
  async release(tripId: string, value: string): Promise<boolean> {
    return this.#both((lock) => lock.release(tripId, value));
  }

  takeOver(tripId: string, seen: string, driverId: string): Promise<LockClaim> {
    return this.#run((lock) => lock.takeOver(tripId, seen, driverId));
  }

  async releaseOwnedBy(tripId: string, driverId: string): Promise<boolean> {
    return this.#both((lock) => lock.releaseOwnedBy(tripId, driverId));
  }

  get(tripId: string): Promise<HeldLock | null> {
    return this.#run((lock) => lock.get(tripId));
  }

  list(limit: number): Promise<HeldLock[]> {
    return this.#run((lock) => lock.list(limit));
  }

  async #run<T>(call: (lock: TripLock) => Promise<T>): Promise<T> {
    if (!this.#isReady()) return call(this.#secondary);
    try {
      return await call(this.#primary);
    } catch {
      // The lock only spares the database work: whatever went wrong, going on without Redis is right.
      return call(this.#secondary);
    }
  }

  async #both(call: (lock: TripLock) => Promise<boolean>): Promise<boolean> {
    const inMemory = await call(this.#secondary);
    if (!this.#isReady()) return inMemory;
    return (await call(this.#primary).catch(() => false)) || inMemory;
  }
}
