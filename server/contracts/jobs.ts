import { z } from "zod";
import { idSchema } from "./ids.ts";

/**
 * Every job: its payload, its queue, how often it is tried and how long it waits between. The outbox's topic is the
 * job's name and the outbox row's id is the job's id, so a row published twice is one job.
 */
export const QUEUES = ["critical", "high", "default", "low"] as const;
export type QueueName = (typeof QUEUES)[number];

/** Workers a process runs for each queue. */
export const QUEUE_CONCURRENCY: Readonly<Record<QueueName, number>> = { critical: 6, high: 4, default: 4, low: 1 };

interface JobSpec<S extends z.ZodType> {
  readonly schema: S;
  readonly queue: QueueName;
  /** Tries in all. */
  readonly attempts: number;
  /** Seconds before the second, third, … try; the last repeats. */
  readonly backoffSeconds: readonly number[];
}

const BACKOFF = [10, 30, 90] as const;
const job = <S extends z.ZodType>(queue: QueueName, schema: S, attempts = 4): JobSpec<S> => ({
  schema,
  queue,
  attempts,
  backoffSeconds: BACKOFF,
});

const tripVersion = z.object({ tripId: idSchema, version: z.int() });

export const JOBS = {
  /**
   * A driver has the trip: everything that must follow, none of which the answer waited for. Alone in its queue: behind
   * a rush of new trips to dispatch the riders' codes came 15 s late.
   */
  "process-trip-acceptance": job("critical", tripVersion.extend({ driverId: idSchema, attemptId: idSchema })),
  /** Find drivers for a waiting trip and offer it to them; one job a batch. */
  "dispatch-trip": job("high", z.object({ tripId: idSchema, batch: z.int() })),
  /** The trip left a driver and waits again: tell the customer, the old driver, the console. */
  "trip-released": job(
    "high",
    tripVersion.extend({
      driverId: idSchema,
      reason: z.string(),
      // Given to another in the same transaction: its rider need not be told of a search.
      reassignedTo: idSchema.optional(),
    }),
  ),
  /** Cancelled or expired: close offers, tell who must know. */
  "trip-ended": job(
    "high",
    tripVersion.extend({ driverId: idSchema.nullable(), status: z.enum(["cancelled", "expired"]) }),
  ),
  /** Arrived, started or completed: tell the customer. */
  "trip-progressed": job(
    "default",
    tripVersion.extend({ driverId: idSchema, status: z.enum(["arrived", "ongoing", "completed"]) }),
  ),
  /** A driver named a fare: tell the rider, who waits for it. */
  "bid-placed": job("high", z.object({ tripId: idSchema, bidId: idSchema })),
  /** Send a one-time code, unless there is nobody to send it to. Somebody waits for it. */
  "send-code": job("high", z.object({ codeId: idSchema })),
  /** Push one offer to one driver's phone. */
  "push-offer": job("default", z.object({ offerId: idSchema })),
  /** A gateway's verified event: what it says, and how it stands to what we know. */
  "process-webhook": {
    ...job("default", z.object({ eventId: idSchema })),
    backoffSeconds: [60, 300, 900],
  },
  /** Delete what has served its time: finished outbox rows, old codes, expired keys. */
  "clean-up": job("low", z.object({ hour: z.string() })),
} as const;

export type JobName = keyof typeof JOBS;
export type JobPayload<N extends JobName> = z.infer<(typeof JOBS)[N]["schema"]>;
export const JOB_NAMES = Object.keys(JOBS) as JobName[];
export const isJobName = (name: string): name is JobName => name in JOBS;

/** Milliseconds to wait before try number `attemptsMade + 1`. */
export function backoffMs(name: JobName, attemptsMade: number): number {
  const steps = JOBS[name].backoffSeconds;
  return (steps[Math.min(attemptsMade, steps.length) - 1] ?? 0) * 1000;
}
