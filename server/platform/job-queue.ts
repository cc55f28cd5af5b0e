import { setTimeout as delay } from "node:timers/promises";
import {
  createPostgresBackend,
  type Job,
  Queue,
  type QueueOptions,
  UnrecoverableError,
  Worker,
  type WorkerOptions,
} from "bullmq";
import { Redis } from "ioredis";
import pg from "pg";
import {
  backoffMs,
  isJobName,
  JOBS,
  type JobName,
  QUEUE_CONCURRENCY,
  QUEUES,
  type QueueName,
} from "#server/contracts/jobs.ts";
import type { Logger } from "#server/platform/logger.ts";
import { seldom } from "#server/platform/seldom.ts";

export interface JobToAdd {
  readonly id: string;
  readonly name: JobName;
  readonly payload: unknown;
}

/** A job as operators see it. Times in ms since the epoch. */
export interface JobSnapshot {
  readonly id: string;
  readonly queue: QueueName;
  readonly name: string;
  readonly state: string;
  readonly attemptsMade: number;
  readonly maxAttempts: number;
  readonly failedReason: string | null;
  readonly stack: readonly string[];
  readonly payload: unknown;
  readonly createdAt: number;
  readonly processedAt: number | null;
  readonly finishedAt: number | null;
}

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
  readonly completed: number;
  readonly paused: boolean;
}

/** What a worker calls for each job, and what it tells when a job is given up. */
export interface JobRunner {
  run(job: JobToAdd & { readonly attempt: number; readonly lastAttempt: boolean }): Promise<void>;
  /** A job that will not be tried again without an operator: out of tries, or its worker was lost twice. */
  gaveUp(jobId: string, queue: QueueName, error: Error): Promise<void>;
}

export interface RunningWorkers {
  /** Takes no new job, waits for the running ones up to `deadlineMs`, then lets go. Returns how many were still running. */
  stop(deadlineMs: number): Promise<number>;
}

/** BullMQ behind a port: over Redis, or over PostgreSQL when there is no Redis. */
export interface JobQueue {
  readonly backend: "redis" | "postgres";
  /** Ids that are in the queue already, in any state, are dropped. Throws at once when the backend is away. */
  add(jobs: readonly JobToAdd[]): Promise<void>;
  work(runner: JobRunner): RunningWorkers;
  counts(queue: QueueName): Promise<QueueCounts>;
  failed(queue: QueueName, limit: number): Promise<JobSnapshot[]>;
  get(queue: QueueName, id: string): Promise<JobSnapshot | null>;
  /** False when the job is no longer there or no longer failed. */
  retry(queue: QueueName, id: string): Promise<boolean>;
  discard(queue: QueueName, id: string): Promise<boolean>;
  setPaused(queue: QueueName, paused: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Thrown by a handler when trying again cannot help. */
export class PermanentJobError extends Error {
  override readonly name = "PermanentJobError";
}

export type JobQueueBackend =
  | { readonly kind: "redis"; readonly url: string; readonly prefix: string }
  | { readonly kind: "postgres"; readonly url: string; readonly schema: string };

/** BullMQ's own state names that mean "will run". */
const WAITING = ["waiting", "prioritized"] as const;
const ADD_TIMEOUT_MS = 2000;
const REOPEN_MS = 1000;
/** A worker that runs nothing closes within a moment, unless its connection is lost: BullMQ then waits for that to come back. */
const IDLE_CLOSE_MS = 1500;
const CLOSE_CHECK_MS = 25;

/** BullMQ checks clients out without listening to them: unheard, a connection that breaks then ends the process. */
class HeardClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on("error", () => undefined);
  }
}

const inPostgres = ({ url, schema }: { readonly url: string; readonly schema: string }) => ({
  connectionString: url,
  schema,
  max: 3,
  migrate: true,
  Client: HeardClient,
});

export function createJobQueue(options: {
  backend: JobQueueBackend;
  stalledSeconds: number;
  logger: Logger;
}): JobQueue {
  const { backend, logger } = options;
  const queues = new Map<QueueName, Queue>();
  let connection: Redis | null = null;
  /** Jobs that this process works on. */
  let running = 0;
  const complain = seldom((trouble) => logger.warn(trouble, `job queue: trouble with ${backend.kind}`));
  /** What is being closed may lose its connections: nobody waits for it any more. */
  const hush = (error: Error) => logger.debug({ err: error }, "job queue: closing");
  const listen = (
    one: Pick<Queue | Worker, "closing"> & { on(event: "error", listener: (error: Error) => void): void },
  ) => one.on("error", (error) => (one.closing === undefined ? complain(error) : hush(error)));

  /** One connection for all queues. Without these options `add` waits for Redis to come back; the outbox row waits better. */
  function producer(url: string): Redis {
    if (connection === null) {
      const retryStrategy = (attempt: number) => Math.min(100 * attempt, 2000);
      connection = new Redis(url, {
        enableOfflineQueue: false,
        maxRetriesPerRequest: 1,
        retryStrategy,
        connectionName: "smartline-jobs",
      });
      connection.on("error", complain);
    }
    return connection;
  }

  /** BullMQ asks Redis for its version as a queue is made, so none is made before Redis is there. */
  function assertReachable(): void {
    if (backend.kind === "redis" && producer(backend.url).status !== "ready") throw new Error("Redis is away");
  }

  function openQueue(name: QueueName): Queue {
    if (backend.kind === "redis") {
      const opts: QueueOptions = { prefix: backend.prefix, connection: producer(backend.url) };
      return new Queue(name, opts);
    }
    const queue = new Queue(name, { connection: inPostgres(backend) }, createPostgresBackend) as unknown as Queue;
    // BullMQ remembers a first connection that failed, for good: the next call makes a new queue.
    queue.waitUntilReady().catch(() => {
      if (queues.get(name) === queue) queues.delete(name);
      queue.close().catch(hush);
    });
    return queue;
  }

  function queueOf(name: QueueName): Queue {
    assertReachable();
    let queue = queues.get(name);
    if (queue === undefined) {
      queue = openQueue(name);
      listen(queue);
      queues.set(name, queue);
    }
    return queue;
  }

  function openWorker(name: QueueName, runner: JobRunner): Worker {
    const common = {
      concurrency: QUEUE_CONCURRENCY[name],
      // A worker that died holds its job's lock for at most this long; then the job is run again, once.
      lockDuration: options.stalledSeconds * 1000,
      stalledInterval: options.stalledSeconds * 1000,
      maxStalledCount: 1,
      settings: {
        backoffStrategy: (attemptsMade: number, _type?: string, _error?: Error, job?: { name: string }) =>
          job !== undefined && isJobName(job.name) ? backoffMs(job.name, attemptsMade) : 10_000,
      },
    };
    const process = async (job: Job) => {
      const maxAttempts = job.opts.attempts ?? 1;
      running++;
      try {
        if (!isJobName(job.name)) throw new PermanentJobError(`no handler for job "${job.name}"`);
        const attempt = job.attemptsMade + 1;
        await runner.run({
          id: job.id ?? "",
          name: job.name,
          payload: job.data,
          attempt,
          lastAttempt: attempt >= maxAttempts,
        });
      } catch (error) {
        if (error instanceof PermanentJobError) throw new UnrecoverableError(error.message);
        throw error;
      } finally {
        running--;
      }
    };
    let worker: Worker;
    if (backend.kind === "redis") {
      const opts: WorkerOptions = {
        ...common,
        prefix: backend.prefix,
        connection: { url: backend.url, maxRetriesPerRequest: null },
      };
      worker = new Worker(name, process, opts);
    } else {
      const opts = { ...common, connection: inPostgres(backend), autorun: false };
      worker = new Worker(name, process, opts, createPostgresBackend) as unknown as Worker;
    }
    listen(worker);
    worker.on("failed", (job, error) => {
      if (job?.id === undefined) return;
      const outOfTries =
        job.attemptsMade >= (job.opts.attempts ?? 1) ||
        error.name === "UnrecoverableError" ||
        /stalled more than/.test(error.message);
      if (outOfTries)
        runner
          .gaveUp(job.id, name, error)
          .catch((cause: Error) => logger.error({ err: cause, jobId: job.id }, "a given-up job was not recorded"));
    });
    return worker;
  }

  /**
   * A worker that lasts. One of BullMQ's over PostgreSQL whose first connection failed would never work, and asks again
   * without a pause, which starves the whole process: it is run once it is ready, and replaced when it fails to be.
   */
  function keepWorker(name: QueueName, runner: JobRunner): Pick<Worker, "close"> {
    let worker = openWorker(name, runner);
    if (backend.kind === "redis") return worker;
    let closed = false;
    let timer: NodeJS.Timeout | undefined;
    const begin = async () => {
      try {
        await worker.waitUntilReady();
      } catch (error) {
        logger.warn({ err: error, queue: name }, "job worker cannot reach the database; trying again");
        await worker.close(true).catch(hush);
        if (closed) return;
        timer = setTimeout(() => {
          worker = openWorker(name, runner);
          void begin();
        }, REOPEN_MS);
        return;
      }
      if (!closed) await worker.run().catch(complain);
    };
    void begin();
    return {
      close(force) {
        closed = true;
        clearTimeout(timer);
        return worker.close(force);
      },
    };
  }

  return {
    backend: backend.kind,

    async add(jobs) {
      const byQueue = Map.groupBy(jobs, (job) => JOBS[job.name].queue);
      const adding = [...byQueue].map(([name, group]) =>
        queueOf(name).addBulk(
          group.map((job) => ({
            name: job.name,
            data: job.payload,
            opts: {
              jobId: job.id,
              attempts: JOBS[job.name].attempts,
              backoff: { type: "custom" },
              removeOnComplete: { age: 3600, count: 2000 },
              removeOnFail: false,
            },
          })),
        ),
      );
      await within(ADD_TIMEOUT_MS, Promise.all(adding));
    },

    work(runner) {
      const workers = QUEUES.map((name) => keepWorker(name, runner));
      return {
        async stop(deadlineMs) {
          // close() waits for running jobs without a limit of its own.
          const closing = Promise.all(workers.map((worker) => worker.close()));
          let closed = false;
          const noteClosed = () => {
            closed = true;
          };
          closing.then(noteClosed, noteClosed);
          const deadline = Date.now() + deadlineMs;
          for (let idleMs = 0; !closed && Date.now() < deadline && idleMs < IDLE_CLOSE_MS; ) {
            await delay(CLOSE_CHECK_MS);
            // Counted anew after a job: its end is still to be told to Redis.
            idleMs = running > 0 ? 0 : idleMs + CLOSE_CHECK_MS;
          }
          const unfinished = running;
          if (!closed)
            await within(2000, Promise.all(workers.map((worker) => worker.close(true)))).catch(() => undefined);
          return unfinished;
        },
      };
    },

    async counts(name) {
      const queue = queueOf(name);
      const [counts, paused] = await within(
        ADD_TIMEOUT_MS,
        Promise.all([queue.getJobCounts(...WAITING, "active", "delayed", "failed", "completed"), queue.isPaused()]),
      );
      const of = (state: string) => counts[state] ?? 0;
      return {
        waiting: WAITING.reduce((sum, state) => sum + of(state), 0),
        active: of("active"),
        delayed: of("delayed"),
        failed: of("failed"),
        completed: of("completed"),
        paused,
      };
    },

    async failed(name, limit) {
      const jobs = await within(ADD_TIMEOUT_MS, queueOf(name).getFailed(0, limit - 1));
      return jobs.filter((job) => job !== undefined).map((job) => snapshot(job as Job, name, "failed"));
    },

    async get(name, id) {
      const job = await within(ADD_TIMEOUT_MS, queueOf(name).getJob(id));
      return job === undefined ? null : snapshot(job, name, await job.getState());
    },

    async retry(name, id) {
      const job = await within(ADD_TIMEOUT_MS, queueOf(name).getJob(id));
      if (job === undefined || (await job.getState()) !== "failed") return false;
      await job.retry("failed", { resetAttemptsMade: true });
      return true;
    },

    async discard(name, id) {
      const queue = queueOf(name);
      // Over Redis BullMQ answers 1 for a job that is not there, too.
      if ((await within(ADD_TIMEOUT_MS, queue.getJob(id))) === undefined) return false;
      return (await within(ADD_TIMEOUT_MS, queue.remove(id))) === 1;
    },

    async setPaused(name, paused) {
      const queue = queueOf(name);
      await within(ADD_TIMEOUT_MS, paused ? queue.pause() : queue.resume());
    },

    async close() {
      await within(3000, Promise.all([...queues.values()].map((queue) => queue.close()))).catch(() => undefined);
      connection?.disconnect();
    },
  };
}

function snapshot(job: Job, queue: QueueName, state: string): JobSnapshot {
  return {
    id: job.id ?? "",
    queue,
    name: job.name,
    state,
    attemptsMade: job.attemptsMade,
    maxAttempts: job.opts.attempts ?? 1,
    failedReason: job.failedReason ?? null,
    stack: job.stacktrace ?? [],
    payload: job.data,
    createdAt: job.timestamp,
    processedAt: job.processedOn ?? null,
    finishedAt: job.finishedOn ?? null,
  };
}

/** BullMQ has no time-outs of its own: a call that Redis never answers must not hang its caller. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the job queue did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
