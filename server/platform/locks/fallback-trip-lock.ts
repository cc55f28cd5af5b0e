import { DomainError } from "#server/contracts/errors.ts";
import { inTime } from "#server/platform/in-time.ts";
import { type HeldLock, type LockClaim, newLockValue, type TripLock } from "#server/platform/locks/trip-lock.ts";

/** An accept goes on without Redis after this. */
const ANSWER_WITHIN_MS = 250;

/**
 * Redis while it answers, this process's memory while it does not. With two processes and no Redis two drivers may
 * both get a lock; the database then refuses one of them, only later than the lock would have. What is held is only
 * told from Redis: this process's memory is not the platform's.
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

  /** One value for both: should Redis set it too, too late for its answer, then the release finds it there. */
  acquire(tripId: string, driverId: string, value = newLockValue(driverId)): Promise<LockClaim> {
    return this.#run((lock) => lock.acquire(tripId, driverId, value));
  }

  /** Released in both: the lock may have been taken before Redis went or after. */
  async release(tripId: string, value: string): Promise<boolean> {
    return this.#both((lock) => lock.release(tripId, value));
  }

  takeOver(tripId: string, seen: string, driverId: string, value = newLockValue(driverId)): Promise<LockClaim> {
    return this.#run((lock) => lock.takeOver(tripId, seen, driverId, value));
  }

  async releaseOwnedBy(tripId: string, driverId: string): Promise<boolean> {
    return this.#both((lock) => lock.releaseOwnedBy(tripId, driverId));
  }

  get(tripId: string): Promise<HeldLock | null> {
    return this.#see((lock) => lock.get(tripId));
  }

  list(limit: number): Promise<HeldLock[]> {
    return this.#see((lock) => lock.list(limit));
  }

  async #see<T>(call: (lock: TripLock) => Promise<T>): Promise<T> {
    try {
      if (this.#isReady()) return await call(this.#primary);
    } catch (cause) {
      throw unseen(cause);
    }
    throw unseen();
  }

  async #run<T>(call: (lock: TripLock) => Promise<T>): Promise<T> {
    if (!this.#isReady()) return call(this.#secondary);
    try {
      return await inTime(ANSWER_WITHIN_MS, call(this.#primary));
    } catch {
      // The lock only spares the database work: whatever went wrong, going on without Redis is right.
      return call(this.#secondary);
    }
  }

  async #both(call: (lock: TripLock) => Promise<boolean>): Promise<boolean> {
    const inMemory = await call(this.#secondary);
    if (!this.#isReady()) return inMemory;
    return (await inTime(ANSWER_WITHIN_MS, call(this.#primary)).catch(() => false)) || inMemory;
  }
}

const unseen = (cause?: unknown) =>
  new DomainError("SERVICE_UNAVAILABLE", "Redis does not answer, so the locks cannot be seen. Accepts go on without.", {
    cause,
    retryAfterSeconds: 2,
  });
