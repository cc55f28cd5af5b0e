import type {
  FailedJobGroup,
  JobActionResult,
  JobRow,
  JobsView,
  OutboxView,
  QueueRow,
  QueueSample,
} from "#server/contracts/console.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { JOB_NAMES, JOBS, QUEUES, type QueueName } from "#server/contracts/jobs.ts";
import { mask } from "#server/domain/ops/mask.ts";
import { backlog, markRevived } from "#server/domain/outbox/relay-store.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import type { JobQueue, JobSnapshot, QueueCounts } from "#server/platform/job-queue.ts";

const SAMPLE_MS = 5000;
/** 30 minutes of samples. */
const MAX_SAMPLES = 360;
const MAX_FAILED = 2000;
const EMPTY: QueueCounts = { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0, paused: false };

interface TopicFigures {
  readonly topic: string;
  readonly last_minute: number;
  /** Milliseconds from commit to done, the newest 500. */
  readonly durations: number[];
}

/** The exception without what differs from job to job: ids, numbers, addresses. Two failures of one cause read the same. */
export function fingerprintOf(reason: string): string {
  const [line = ""] = reason.split("\n", 1);
  return line
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, "<id>")
    .replace(/\d+(\.\d+)*/g, "<n>")
    .slice(0, 200);
}

function tripIdOf(payload: unknown): string | null {
  return typeof payload === "object" && payload !== null && "tripId" in payload && typeof payload.tripId === "string"
    ? payload.tripId
    : null;
}

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/**
 * The queues as operators see them. Depths come from BullMQ; rates and latencies from the outbox, which knows every
 * job of every process from commit to done.
 */
export class JobService {
  readonly #db: Database;
  readonly #queue: JobQueue;
  readonly #clock: Clock;
  #samples: QueueSample[] = [];
  #timer: NodeJS.Timeout | null = null;
  #latest: { readonly at: number; readonly view: Promise<JobsView> } | null = null;

  constructor(options: { db: Database; queue: JobQueue; clock: Clock }) {
    this.#db = options.db;
    this.#queue = options.queue;
    this.#clock = options.clock;
  }

  /** Samples for the charts, from now on; the web role runs it. */
  startSampling(): void {
    this.#timer ??= setInterval(() => void this.#sample().catch(() => undefined), SAMPLE_MS);
    void this.#sample().catch(() => undefined);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Shared for a second: many operators looking cost as much as one. */
  view(): Promise<JobsView> {
    const now = Date.now();
    if (this.#latest === null || now - this.#latest.at > 1000) this.#latest = { at: now, view: this.#readView() };
    return this.#latest.view;
  }

  async failedGroups(only: QueueName | null): Promise<FailedJobGroup[]> {
    const groups = new Map<string, { jobs: JobSnapshot[]; exception: string }>();
    for (const queue of only === null ? QUEUES : [only]) {
      for (const job of await this.#queue.failed(queue, MAX_FAILED)) {
        const exception = fingerprintOf(job.failedReason ?? "no reason given");
        const key = `${queue}|${job.name}|${exception}`;
        const group = groups.get(key) ?? { jobs: [], exception };
        group.jobs.push(job);
        groups.set(key, group);
      }
    }
    return [...groups]
      .flatMap(([fingerprint, { jobs, exception }]): FailedJobGroup[] => {
        const [first] = jobs;
        if (first === undefined) return [];
        const times = jobs.map((job) => job.finishedAt ?? job.createdAt);
        return [
          {
            fingerprint,
            exception,
            jobName: first.name,
            queue: first.queue,
            count: jobs.length,
            firstAt: new Date(Math.min(...times)).toISOString(),
            lastAt: new Date(Math.max(...times)).toISOString(),
            jobIds: jobs.map((job) => job.id),
          },
        ];
      })
      .sort((a, b) => b.count - a.count);
  }

  async detail(queue: QueueName, id: string): Promise<JobRow | null> {
    const job = await this.#queue.get(queue, id);
    if (job === null) return null;
    return {
      id: job.id,
      queue,
      name: job.name,
      state: job.state,
      attemptsMade: job.attemptsMade,
      maxAttempts: job.maxAttempts,
      failedReason: job.failedReason,
      stack: job.stack,
      payload: mask(job.payload),
      tripId: tripIdOf(job.payload),
      createdAt: new Date(job.createdAt).toISOString(),
      processedAt: iso(job.processedAt),
      finishedAt: iso(job.finishedAt),
    };
  }

  async retry(queue: QueueName, ids: readonly string[]): Promise<JobActionResult[]> {
    return this.#each(ids, async (id) => {
      if (!(await this.#queue.retry(queue, id)))
        return { outcome: "changed", message: "It is not failed any more; nothing was done." };
      // Chores of our own making aside, a job's id is its outbox row's.
      if (idSchema.safeParse(id).success) await markRevived(this.#db.pool, id);
      return { outcome: "retried", message: "It runs again now, with all its tries." };
    });
  }

  /** The job goes; what it stood for stays undone, which its outbox row keeps saying. */
  async discard(queue: QueueName, ids: readonly string[]): Promise<JobActionResult[]> {
    return this.#each(ids, async (id) => {
      if (!(await this.#queue.discard(queue, id))) return { outcome: "gone", message: "It was gone already." };
      return { outcome: "discarded", message: "Discarded. Its effects that were not done stay undone." };
    });
  }

  setPaused(queue: QueueName, paused: boolean): Promise<void> {
    return this.#queue.setPaused(queue, paused);
  }

  async #each(
    ids: readonly string[],
    act: (id: string) => Promise<Omit<JobActionResult, "jobId">>,
  ): Promise<JobActionResult[]> {
    const results: JobActionResult[] = [];
    for (const jobId of ids) {
      // One that fails must not hide what became of the others.
      const failed = (error: Error) =>
        ({ outcome: "unknown", message: `${error.message}. Look at the job before you try again.` }) as const;
      results.push({ jobId, ...(await act(jobId).catch(failed)) });
    }
    return results;
  }

  async #readView(): Promise<JobsView> {
    const [counts, figures, outbox] = await Promise.all([this.#counts(), this.#figures(), this.#outbox()]);
    const queues = QUEUES.map((name): QueueRow => {
      const topics = JOB_NAMES.filter((job) => JOBS[job].queue === name) as readonly string[];
      const own = figures.filter((row) => topics.includes(row.topic));
      const durations = own.flatMap((row) => row.durations).sort((a, b) => a - b);
      const at = (p: number) => durations[Math.min(durations.length - 1, Math.floor(durations.length * p))] ?? null;
      const { waiting, active, delayed, failed, completed, paused } = counts?.get(name) ?? EMPTY;
      const ratePerSecond = own.reduce((sum, row) => sum + row.last_minute, 0) / 60;
      return {
        name,
        paused,
        waiting,
        active,
        delayed,
        failed,
        completed,
        ratePerSecond,
        p50Ms: at(0.5),
        p95Ms: at(0.95),
      };
    });
    return { backend: this.#queue.backend, reachable: counts !== null, queues, samples: this.#samples, outbox };
  }

  async #counts(): Promise<ReadonlyMap<QueueName, QueueCounts> | null> {
    try {
      return new Map(await Promise.all(QUEUES.map(async (name) => [name, await this.#queue.counts(name)] as const)));
    } catch {
      return null;
    }
  }

  async #figures(): Promise<TopicFigures[]> {
    const { rows } = await this.#db.pool.query<TopicFigures>({
      name: "ops-job-figures",
      text: `SELECT topic, count(*) FILTER (WHERE completed_at > now() - interval '1 minute')::int AS last_minute,
               (array_agg(EXTRACT(EPOCH FROM completed_at - created_at)::float8 * 1000 ORDER BY completed_at DESC))[1:500] AS durations
             FROM outbox WHERE completed_at > now() - interval '5 minutes' GROUP BY topic`,
    });
    return rows;
  }

  async #outbox(): Promise<OutboxView> {
    const row = await backlog(this.#db.pool);
    return { backlog: row.backlog, oldestSeconds: row.oldest_seconds, unfinished: row.unfinished, failed: row.failed };
  }

  async #sample(): Promise<void> {
    const at = this.#clock.now().toISOString();
    const [counts, done] = await Promise.all([this.#counts(), this.#doneSince(SAMPLE_MS / 1000)]);
    if (counts === null) return;
    for (const queue of QUEUES) {
      const { waiting, active, delayed } = counts.get(queue) ?? EMPTY;
      const figures = done.get(queue) ?? { completed: 0, failed: 0 };
      this.#samples.push({ at, queue, depth: waiting + active + delayed, ...figures });
    }
    this.#samples = this.#samples.slice(-MAX_SAMPLES * QUEUES.length);
  }

  async #doneSince(seconds: number): Promise<ReadonlyMap<QueueName, { completed: number; failed: number }>> {
    const { rows } = await this.#db.pool.query<{ topic: string; completed: number; failed: number }>({
      name: "ops-job-done",
      text: `SELECT topic, count(completed_at)::int AS completed, count(failed_at)::int AS failed FROM outbox
             WHERE completed_at > now() - make_interval(secs => $1) OR failed_at > now() - make_interval(secs => $1) GROUP BY topic`,
      values: [seconds],
    });
    const sums = new Map<QueueName, { completed: number; failed: number }>();
    for (const row of rows) {
      const job = JOB_NAMES.find((name) => name === row.topic);
      if (job === undefined) continue;
      const sum = sums.get(JOBS[job].queue) ?? { completed: 0, failed: 0 };
      sums.set(JOBS[job].queue, { completed: sum.completed + row.completed, failed: sum.failed + row.failed });
    }
    return sums;
  }
}
