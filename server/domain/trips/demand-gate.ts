import { DomainError } from "#server/contracts/errors.ts";
import { QUEUES } from "#server/contracts/jobs.ts";
import type { LimitService } from "#server/domain/limits/limit-service.ts";
import { namedSubject } from "#server/domain/limits/limit-subject.ts";
import { countUnpublished } from "#server/domain/outbox/relay-store.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import type { JobQueue } from "#server/platform/job-queue.ts";

/** How old the count of waiting jobs may be. */
const COUNT_EVERY_MS = 2000;
/** Advice to a rider's app while the platform catches up. */
const SHED_SECONDS = 300;

/**
 * Whether a new trip is taken at all: each zone has its own limit, so that one city's rush leaves the others unharmed,
 * and beyond so many waiting jobs there is no sense in more.
 */
export class DemandGate {
  readonly #limits: LimitService;
  readonly #queue: Pick<JobQueue, "counts">;
  readonly #db: Database;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #tripsPerMinute: number;
  readonly #shedAbove: number;
  #waiting = 0;
  #countedAt = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | null = null;

  constructor(options: {
    limits: LimitService;
    queue: Pick<JobQueue, "counts">;
    db: Database;
    clock: Pick<Clock, "monotonicMs">;
    zoneTripsPerMinute: number;
    shedAboveJobs: number;
  }) {
    this.#limits = options.limits;
    this.#queue = options.queue;
    this.#db = options.db;
    this.#clock = options.clock;
    this.#tripsPerMinute = options.zoneTripsPerMinute;
    this.#shedAbove = options.shedAboveJobs;
  }

  /** HIGH_DEMAND, with the time after which a rider may try again, when no more trips are taken. */
  async admit(zone: { readonly id: string; readonly name: string }): Promise<void> {
    await this.#count();
    if (this.#waiting > this.#shedAbove)
      throw new DomainError(
        "HIGH_DEMAND",
        "Too much is going on right now. Nothing was booked; try again in 5 minutes.",
        {
          retryAfterSeconds: SHED_SECONDS,
        },
      );
    const admission = await this.#limits.take("zone.trips", namedSubject(zone.id), { points: this.#tripsPerMinute });
    if (admission?.verdict !== "refused") return;
    const { retryAfterSeconds = 60 } = this.#limits.refusal(admission);
    throw new DomainError(
      "HIGH_DEMAND",
      `Very many people want a ride in ${zone.name} right now. Nothing was booked.`,
      {
        retryAfterSeconds,
      },
    );
  }

  /** Waits for the first count alone; later ones come in while requests go on with the last. */
  async #count(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#countedAt < COUNT_EVERY_MS) return;
    const first = this.#countedAt === Number.NEGATIVE_INFINITY;
    this.#counting ??= this.#read().finally(() => {
      this.#countedAt = this.#clock.monotonicMs();
      this.#counting = null;
    });
    if (first) await this.#counting;
  }

  /** What cannot be counted sheds nobody: the database says for itself when it is away. */
  async #read(): Promise<void> {
    const [outbox, ...queues] = await Promise.all([
      countUnpublished(this.#db.pool),
      ...QUEUES.map(async (queue) => (await this.#queue.counts(queue)).waiting),
    ]).catch(() => [0]);
    this.#waiting = queues.reduce((sum, waiting) => sum + waiting, outbox ?? 0);
  }
}
