import type { Pool } from "pg";
import { newId } from "#server/contracts/ids.ts";
import type { Clock } from "#server/platform/clock.ts";
import { databaseProblem } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";

/** Something that happened to a trip, for people to see on its page. */
export interface TripEvent {
  /** Given when the same event might be recorded twice (a job run again): the second is dropped. */
  readonly id?: string;
  readonly tripId: string;
  /** Dotted: `trip.created`, `accept.attempt`, `offer.sent`, … */
  readonly kind: string;
  readonly actor: { readonly type: "customer" | "driver" | "operator" | "system"; readonly id: string | null };
  readonly data: Readonly<Record<string, unknown>>;
  readonly at?: Date;
}

type WaitingEvent = TripEvent & { readonly id: string; readonly at: Date };

const FLUSH_MS = 100;
const MAX_ROWS = 500;
/** Beyond this the oldest are dropped: the story of a trip must never take the process down. */
const MAX_WAITING = 50_000;

const INSERT = `
INSERT INTO trip_events (id, trip_request_id, kind, actor_type, actor_id, data, at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::jsonb[], $7::timestamptz[])
ON CONFLICT (id) DO NOTHING`;

/** Events are kept in memory for at most 100 ms and written in batches, off the path of any answer. */
export class TripEventLog {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #waiting: WaitingEvent[] = [];
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #dropped = 0;

  constructor(options: { pool: Pool; clock: Clock; logger: Logger }) {
    this.#pool = options.pool;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  record(event: TripEvent): void {
    this.#waiting.push({ ...event, id: event.id ?? newId(), at: event.at ?? this.#clock.now() });
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.splice(0, MAX_ROWS);
      this.#dropped += MAX_ROWS;
    }
    if (this.#timer === null) this.#timer = setTimeout(() => this.#tick(), FLUSH_MS);
  }

  /** Writes all that waits; for shutdown and tests. */
  async drain(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#writing;
    while (this.#waiting.length > 0 && (await this.#writeBatch())) {
      // until empty, or until the database refuses
    }
  }

  #tick(): void {
    this.#timer = null;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
      if (this.#waiting.length > 0 && this.#timer === null) this.#timer = setTimeout(() => this.#tick(), FLUSH_MS);
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0 && (await this.#writeBatch())) {
      // one batch after another
    }
  }

  async #insert(batch: readonly WaitingEvent[]): Promise<void> {
    await this.#pool.query({
      name: "trip-events",
      text: INSERT,
      values: [
        batch.map((e) => e.id),
        batch.map((e) => e.tripId),
        batch.map((e) => e.kind),
        batch.map((e) => e.actor.type),
        batch.map((e) => e.actor.id),
        batch.map((e) => JSON.stringify(e.data)),
        batch.map((e) => e.at),
      ],
    });
  }

  /** False when the database is away: the batch waits. One bad event must not keep the others, nor itself for ever. */
  async #writeBatch(): Promise<boolean> {
    const batch = this.#waiting.splice(0, MAX_ROWS);
    try {
      await this.#insert(batch);
      return true;
    } catch (error) {
      if (databaseProblem(error) === null) {
        for (const event of batch) {
          await this.#insert([event]).catch((cause: Error) =>
            this.#logger.error({ err: cause, tripId: event.tripId, kind: event.kind }, "trip event not kept"),
          );
        }
        return true;
      }
      this.#waiting.unshift(...batch);
      this.#logger.warn(
        { err: error, waiting: this.#waiting.length, dropped: this.#dropped },
        "trip events wait for the database",
      );
      return false;
    }
  }
}
