import { type LocationUpdate, topics } from "#server/contracts/realtime.ts";
import { type StoredLocation, upsertLocations } from "#server/domain/drivers/location-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { Metrics } from "#server/platform/metrics.ts";

/** One accepted update per driver in this time; faster ones are dropped without a word. */
const MIN_INTERVAL_MS = 3000;
/** Positions wait at most this long for the database and for the console's map. */
const FLUSH_MS = 250;
/** A phone whose clock is ahead would otherwise block its own later positions. */
const MAX_FUTURE_MS = 60_000;

/** Takes positions in memory, at once, and writes them in batches: no message ever waits for the database. */
export class LocationService {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #acceptedAt = new Map<string, number>();
  #waiting = new Map<string, StoredLocation>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: { db: Database; bus: EventBus; clock: Clock; metrics: Metrics; logger: Logger }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#logger = options.logger;
  }

  /** False when it came too soon after the driver's last one. */
  accept(driverId: string, update: LocationUpdate): boolean {
    const now = this.#clock.now().getTime();
    if (now - (this.#acceptedAt.get(driverId) ?? 0) < MIN_INTERVAL_MS) {
      this.#metrics.locations.inc({ outcome: "too_soon" });
      return false;
    }
    this.#acceptedAt.set(driverId, now);
    const recorded = update.recordedAt === undefined ? now : Date.parse(update.recordedAt);
    this.#waiting.set(driverId, {
      userId: driverId,
      lat: update.lat,
      lng: update.lng,
      heading: update.heading ?? null,
      speed: update.speed ?? null,
      accuracy: update.accuracy ?? null,
      recordedAt: new Date(recorded > now + MAX_FUTURE_MS ? now : recorded),
    });
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
    this.#metrics.locations.inc({ outcome: "accepted" });
    return true;
  }

  /** Forgets a driver's throttle, so that memory follows who is connected. */
  forget(driverId: string): void {
    this.#acceptedAt.delete(driverId);
  }

  /** Writes all that waits; for shutdown and tests. */
  async drain(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    this.#timer = null;
    if (this.#waiting.size === 0) return;
    const batch = [...this.#waiting.values()];
    this.#waiting = new Map();
    this.#bus.publish(topics.locations, "moved", {
      drivers: batch.map((l) => ({
        id: l.userId,
        lat: l.lat,
        lng: l.lng,
        heading: l.heading,
        speed: l.speed,
        at: l.recordedAt.toISOString(),
      })),
    });
    this.#writing = this.#writing
      .then(() => upsertLocations(this.#db.pool, batch))
      .catch((error: Error) =>
        this.#logger.warn({ err: error, positions: batch.length }, "positions not stored; newer ones will be"),
      );
  }
}
