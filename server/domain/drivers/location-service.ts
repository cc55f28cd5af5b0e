import { type LocationUpdate, topics } from "#server/contracts/realtime.ts";
import { type StoredLocation, upsertLocations } from "#server/domain/drivers/location-store.ts";
import type { MovementWatch } from "#server/domain/drivers/movement-watch.ts";
import { ZoneFinder } from "#server/domain/drivers/zone-finder.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { Metrics } from "#server/platform/metrics.ts";

/** Positions wait at most this long for the console's map, and for the database while it keeps up. */
const FLUSH_MS = 250;
/** A phone whose clock is further off than this does not know when it was there: then the time of receipt is taken. */
const MAX_CLOCK_ERROR_MS = 60_000;
const MAX_PHONES = 100_000;

export interface ReceivedLocation extends StoredLocation {
  readonly receivedAt: Date;
}

/**
 * What else wants to know where drivers are: told of each batch, at most one position a driver, four times a second. It
 * takes them in memory and never throws; what it does with them (an index, a history) is its own affair.
 */
export type LocationSink = (moved: readonly ReceivedLocation[]) => void;

/**
 * Takes positions in memory, at once, and writes them in batches: no message ever waits for the database. One batch is
 * written at a time; meanwhile the newest position of each driver waits, so what waits is never more than one a driver.
 */
export class LocationService {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #movements: MovementWatch;
  readonly #sinks: readonly LocationSink[];
  readonly #minIntervalMs: number;
  readonly #zones: ZoneFinder;
  readonly #counts: Readonly<Record<"accepted" | "too_soon" | "out_of_order", { inc(): void }>>;
  /** What each phone's clock said last, epoch milliseconds, the longest not heard of first; only of clocks that can be right. */
  readonly #phoneTimes = new Map<string, number>();
  /** By the monotonic clock, the longest ago first. */
  readonly #acceptedAt = new Map<string, number>();
  /** For the database. */
  #waiting = new Map<string, ReceivedLocation>();
  /** For the map, which does not wait for the database. */
  #untold = new Map<string, ReceivedLocation>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;

  constructor(options: {
    db: Database;
    bus: EventBus;
    clock: Clock;
    metrics: Metrics;
    logger: Logger;
    movements: MovementWatch;
    /** One accepted update per driver in this time; faster ones are dropped without a word. */
    minIntervalMs: number;
    sinks?: readonly LocationSink[];
  }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#minIntervalMs = options.minIntervalMs;
    this.#zones = new ZoneFinder(options.clock);
    const count = (outcome: string) => options.metrics.locations.labels({ outcome });
    this.#counts = {
      accepted: count("accepted"),
      too_soon: count("too_soon"),
      out_of_order: count("out_of_order"),
    };
    this.#logger = options.logger;
    this.#movements = options.movements;
    this.#sinks = options.sinks ?? [];
  }

  /** False when it came too soon after the driver's last one, or tells of an earlier time than that. */
  accept(driverId: string, update: LocationUpdate): boolean {
    if (!this.#throttle(driverId)) {
      this.#counts.too_soon.inc();
      return false;
    }
    const receivedAt = this.#clock.now();
    const recorded = update.recordedAt === undefined ? Number.NaN : Date.parse(update.recordedAt);
    const isPlausible = Math.abs(recorded - receivedAt.getTime()) <= MAX_CLOCK_ERROR_MS;
    if (!this.#comesAfter(driverId, isPlausible ? recorded : null)) {
      this.#counts.out_of_order.inc();
      return false;
    }
    const location: ReceivedLocation = {
      userId: driverId,
      lat: update.lat,
      lng: update.lng,
      heading: update.heading ?? null,
      speed: update.speed ?? null,
      accuracy: update.accuracy ?? null,
      recordedAt: isPlausible ? new Date(recorded) : receivedAt,
      receivedAt,
    };
    this.#movements.see(driverId, {
      lat: location.lat,
      lng: location.lng,
      accuracy: location.accuracy,
      recordedAtMs: location.recordedAt.getTime(),
      receivedAtMs: receivedAt.getTime(),
    });
    this.#waiting.set(driverId, location);
    this.#untold.set(driverId, location);
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
    this.#counts.accepted.inc();
    return true;
  }

  /** Lets a driver's next position in at once. */
  forget(driverId: string): void {
    this.#acceptedAt.delete(driverId);
  }

  /** Writes all that waits; for shutdown and tests. */
  async drain(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#flush();
    while (this.#writing !== null) await this.#writing;
  }

  /** What was held back on a bad network and comes late must not move the driver back. Only one phone's times are compared. */
  #comesAfter(driverId: string, recordedMs: number | null): boolean {
    const before = this.#phoneTimes.get(driverId);
    if (recordedMs !== null && before !== undefined && recordedMs < before) return false;
    if (before !== undefined) this.#phoneTimes.delete(driverId);
    if (recordedMs !== null) this.#phoneTimes.set(driverId, recordedMs);
    if (this.#phoneTimes.size > MAX_PHONES) this.#phoneTimes.delete(this.#phoneTimes.keys().next().value ?? "");
    return true;
  }

  #throttle(driverId: string): boolean {
    const now = this.#clock.monotonicMs();
    for (const [id, at] of this.#acceptedAt) {
      if (now - at < this.#minIntervalMs) break;
      this.#acceptedAt.delete(id);
    }
    if (this.#acceptedAt.has(driverId)) return false;
    this.#acceptedAt.set(driverId, now);
    return true;
  }

  #flush(): void {
    this.#timer = null;
    const moved = [...this.#untold.values()];
    this.#untold = new Map();
    if (moved.length > 0) {
      for (const take of this.#sinks) take(moved);
      this.#bus.publish(topics.locations, "moved", {
        drivers: moved.map((l) => ({
          id: l.userId,
          lat: l.lat,
          lng: l.lng,
          heading: l.heading,
          speed: l.speed,
          at: l.receivedAt.toISOString(),
        })),
      });
    }
    this.#write();
  }

  #write(): void {
    if (this.#writing !== null || this.#waiting.size === 0) return;
    const batch = [...this.#waiting.values()];
    this.#waiting = new Map();
    this.#writing = this.#store(batch)
      .catch((error: Error) =>
        this.#logger.warn({ err: error, positions: batch.length }, "positions not stored; newer ones will be"),
      )
      .finally(() => {
        this.#writing = null;
        // What the timer would have written, had this write not been under way.
        if (this.#timer === null) this.#write();
      });
  }

  async #store(batch: readonly ReceivedLocation[]): Promise<void> {
    const { pool } = this.#db;
    await this.#zones.refresh(pool);
    await upsertLocations(
      pool,
      batch.map((location) => ({ ...location, zoneId: this.#zones.at(location) })),
    );
  }
}
