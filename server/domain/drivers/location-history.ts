import { insertHistory } from "#server/domain/drivers/location-history-store.ts";
import type { LocationSink, ReceivedLocation } from "#server/domain/drivers/location-service.ts";
import type { Database } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { Metrics } from "#server/platform/metrics.ts";
import { haversineMeters } from "#server/platform/routing.ts";
import { seldom } from "#server/platform/seldom.ts";

/** A driver's next position is kept after so long, or so far from the last one kept. */
const EVERY_MS = 15_000;
const EVERY_METERS = 50;
const FLUSH_MS = 2000;
/** Rows of one insert. */
const BATCH = 2000;
/** Positions that wait for a database that is away; beyond them the oldest are lost, and counted. */
const MAX_WAITING = 50_000;
/** Drivers whose last kept position is remembered; the ones kept longest ago are forgotten first. */
const MAX_DRIVERS = 100_000;

type Kept = Pick<ReceivedLocation, "lat" | "lng" | "receivedAt">;

/** Whether a position is worth keeping after the one kept last. */
export function isWorthKeeping(last: Kept | undefined, now: Kept): boolean {
  if (last === undefined) return true;
  if (now.receivedAt.getTime() - last.receivedAt.getTime() >= EVERY_MS) return true;
  return haversineMeters(last, now) >= EVERY_METERS;
}

/** Where drivers were, sampled and written in batches, off the messages' path; for replays. */
export class LocationHistory {
  readonly #db: Database;
  readonly #metrics: Metrics;
  readonly #complain: (error: unknown) => void;
  readonly #last = new Map<string, Kept>();
  #waiting: ReceivedLocation[] = [];
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;

  constructor(options: { db: Database; metrics: Metrics; logger: Logger }) {
    this.#db = options.db;
    this.#metrics = options.metrics;
    this.#complain = seldom((trouble) => options.logger.warn(trouble, "where drivers were is not stored; it waits"));
  }

  readonly sink: LocationSink = (moved) => {
    for (const location of moved) {
      if (!isWorthKeeping(this.#last.get(location.userId), location)) continue;
      this.#last.delete(location.userId);
      this.#last.set(location.userId, location);
      if (this.#last.size > MAX_DRIVERS) this.#last.delete(this.#last.keys().next().value ?? "");
      this.#waiting.push(location);
    }
    const lost = this.#waiting.length - MAX_WAITING;
    if (lost > 0) {
      this.#waiting.splice(0, lost);
      this.#metrics.locations.inc({ outcome: "history_lost" }, lost);
    }
    if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  };

  /** Writes what waits, as far as the database takes it; for shutdown and tests. */
  async drain(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#writing;
    await this.#write();
  }

  #flush(): void {
    this.#timer = null;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
      if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
    });
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await insertHistory(this.#db.pool, batch);
      } catch (error) {
        this.#waiting.unshift(...batch);
        this.#complain(error);
        return;
      }
    }
  }
}
