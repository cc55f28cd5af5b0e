import pg from "pg";
import { isJobName, JOBS } from "#server/contracts/jobs.ts";
import * as store from "#server/domain/outbox/relay-store.ts";
import type { Database } from "#server/platform/db.ts";
import type { JobQueue } from "#server/platform/job-queue.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { Metrics } from "#server/platform/metrics.ts";
import { OUTBOX_CHANNEL } from "#server/platform/wake-up.ts";

const BATCH = 200;
const POLL_MS = 1000;
/** A published job that is not done by then is published again; the queue drops it if it still has it. */
const UNFINISHED_SECONDS = 20;
const SWEEP_MS = 5000;
const MAX_REPUBLISH_ROUNDS = 100;

/**
 * Turns committed outbox rows into jobs: woken by NOTIFY, by polling in any case. Rows are marked in the transaction
 * that holds their locks, after the queue has them: killed in between, they are published again under the same job id.
 */
export class OutboxRelay {
  readonly #db: Database;
  readonly #queue: JobQueue;
  readonly #url: string;
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  #listener: pg.Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = true;
  #sweptAt = 0;
  #failing = false;

  constructor(options: { db: Database; queue: JobQueue; databaseUrl: string; logger: Logger; metrics: Metrics }) {
    this.#db = options.db;
    this.#queue = options.queue;
    this.#url = options.databaseUrl;
    this.#logger = options.logger;
    this.#metrics = options.metrics;
  }

  start(): void {
    this.#stopped = false;
    void this.#listen();
    this.wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    await this.#listener?.end().catch(() => undefined);
    this.#listener = null;
  }

  /** Something was committed. Calls while a pass runs lead to one more pass. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#running !== null) {
      this.#again = true;
      return;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#running = this.#passes().finally(() => {
      this.#running = null;
      if (!this.#stopped) this.#timer = setTimeout(() => this.wake(), POLL_MS);
    });
  }

  /** Publishes all there is; for tests and shutdown. Returns how many. */
  async drain(): Promise<number> {
    let total = 0;
    for (;;) {
      const published = await this.#publish((tx) => store.lockUnpublished(tx, BATCH));
      total += published;
      if (published < BATCH) return total;
    }
  }

  /**
   * Publishes again what was published over `olderThanSeconds` ago and is neither done nor given up. A job that the
   * queue has given up, while the database was away to note it, is noted now: it would be dropped as a repeat for ever.
   */
  async republish(olderThanSeconds = UNFINISHED_SECONDS): Promise<number> {
    return this.#publish(async (tx) => {
      const rows = await store.lockUnfinished(tx, olderThanSeconds, BATCH);
      const waiting: store.OutboxRow[] = [];
      for (const row of rows) {
        const job = isJobName(row.topic) ? await this.#queue.get(JOBS[row.topic].queue, row.id) : null;
        if (job?.state === "failed") await store.markFailed(tx, row.id, job.failedReason ?? "given up by the queue");
        else waiting.push(row);
      }
      return waiting;
    });
  }

  async #passes(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.drain();
        if (Date.now() - this.#sweptAt > SWEEP_MS) {
          this.#sweptAt = Date.now();
          // All of it, after Redis lost everything; a batch that comes back short was the last.
          for (let round = 0; round < MAX_REPUBLISH_ROUNDS && (await this.republish()) === BATCH; round++);
          this.#metrics.outboxBacklog.set((await store.backlog(this.#db.pool)).backlog);
        }
      } while (this.#again && !this.#stopped);
      if (this.#failing) this.#logger.info("outbox is being published again");
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#logger.warn({ err: error }, "outbox rows wait: the queue or the database is away");
      this.#failing = true;
    }
  }

  async #publish(
    lock: (tx: Parameters<Parameters<Database["transaction"]>[0]>[0]) => Promise<store.OutboxRow[]>,
  ): Promise<number> {
    return this.#db.transaction(async (tx) => {
      const rows = await lock(tx);
      if (rows.length === 0) return 0;
      const known = rows.filter((row) => isJobName(row.topic));
      for (const row of rows) {
        if (isJobName(row.topic)) continue;
        this.#logger.error({ jobId: row.id, topic: row.topic }, "outbox row of an unknown topic given up");
        await store.markFailed(tx, row.id, `no job is called "${row.topic}"`);
      }
      await this.#queue.add(known.map(store.toJob));
      await store.markPublished(
        tx,
        rows.map((row) => row.id),
      );
      for (const row of known)
        if (row.lag_seconds > 0) this.#metrics.outboxLag.observe({ topic: row.topic }, row.lag_seconds);
      return rows.length;
    });
  }

  async #listen(): Promise<void> {
    if (this.#stopped) return;
    const client = new pg.Client({
      connectionString: this.#url,
      keepAlive: true,
      application_name: "smartline-outbox",
    });
    const lost = (error?: Error) => {
      if (this.#listener !== client) return;
      this.#listener = null;
      if (error !== undefined) this.#logger.warn({ err: error }, "outbox listener lost; polling meanwhile");
      if (!this.#stopped) setTimeout(() => void this.#listen(), 1000).unref();
    };
    this.#listener = client;
    client.on("error", lost);
    client.on("end", () => lost());
    client.on("notification", () => this.wake());
    try {
      await client.connect();
      await client.query(`LISTEN ${OUTBOX_CHANNEL}`);
      if (this.#stopped) await client.end();
      else this.wake();
    } catch (error) {
      await client.end().catch(() => undefined);
      lost(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
