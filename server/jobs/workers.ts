import { createHash } from "node:crypto";
import type { AppContext } from "#server/context.ts";
import { QUEUES } from "#server/contracts/jobs.ts";
import { planOnce } from "#server/domain/outbox/relay-store.ts";
import { createJobRunner } from "#server/jobs/job-runner.ts";
import { OutboxRelay } from "#server/jobs/outbox-relay.ts";

const TICK_MS = 500;
const DEPTH_MS = 5000;
const INDEX_MS = 2000;
const PRESENCE_MS = 2000;
const SURGE_MS = 5000;

export interface WorkerRole {
  readonly relay: OutboxRelay;
  stop(deadlineMs: number): Promise<number>;
}

/** The same hour gives the same id in every process: the hour's chore is planned once. */
function idOfHour(topic: string, hour: string): string {
  const hex = createHash("sha256").update(`${topic}:${hour}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Role `worker`: the relay, the queues' workers, and the clock's work (dispatch rounds, hourly chores). */
export function startWorkers(app: AppContext): WorkerRole {
  const relay = new OutboxRelay({
    db: app.db,
    queue: app.queue,
    databaseUrl: app.config.database.url,
    logger: app.logger,
    metrics: app.metrics,
  });
  relay.start();
  const workers = app.queue.work(createJobRunner(app));
  let stopped = false;
  let ticking: Promise<void> = Promise.resolve();
  let plannedHour = "";

  async function tick(): Promise<void> {
    try {
      if (await app.dispatch.tick()) app.wakeOutbox();
      const hour = app.clock.now().toISOString().slice(0, 13);
      if (hour !== plannedHour) {
        await planOnce(app.db.pool, idOfHour("clean-up", hour), "clean-up", { hour });
        plannedHour = hour;
      }
    } catch (error) {
      app.logger.warn({ err: error }, "dispatch round skipped");
    }
  }
  app.driverIndexSync?.start();
  let followingIndex: Promise<void> | null = null;
  const indexTimer = setInterval(() => {
    followingIndex ??=
      app.driverIndexSync
        ?.tick()
        .catch((error: Error) => app.logger.debug({ err: error }, "index of free drivers not followed; it will be"))
        .finally(() => {
          followingIndex = null;
        }) ?? null;
  }, INDEX_MS);

  let lookingAround: Promise<unknown> | null = null;
  const presenceTimer = setInterval(() => {
    lookingAround ??= app.presence
      .watch()
      .catch((error: Error) => app.logger.warn({ err: error }, "nobody looked who is connected; the next round will"))
      .finally(() => {
        lookingAround = null;
      });
  }, PRESENCE_MS);

  let judging: Promise<unknown> | null = null;
  const surgeTimer = setInterval(() => {
    judging ??= app.surge
      .tick()
      .catch((error: Error) => app.logger.warn({ err: error }, "surge not judged; the next round will"))
      .finally(() => {
        judging = null;
      });
  }, SURGE_MS);

  let idle = true;
  const timer = setInterval(() => {
    // A slow round is not followed by all that it delayed.
    if (stopped || !idle) return;
    idle = false;
    ticking = tick().finally(() => {
      idle = true;
    });
  }, TICK_MS);

  const depth = setInterval(async () => {
    for (const queue of QUEUES) {
      const counts = await app.queue.counts(queue).catch(() => null);
      if (counts === null) continue;
      for (const state of ["waiting", "active", "delayed", "failed"] as const)
        app.metrics.queueDepth.set({ queue, state }, counts[state]);
    }
  }, DEPTH_MS);

  return {
    relay,
    async stop(deadlineMs) {
      stopped = true;
      clearInterval(timer);
      clearInterval(depth);
      clearInterval(indexTimer);
      clearInterval(presenceTimer);
      clearInterval(surgeTimer);
      await Promise.all([followingIndex, lookingAround, judging]);
      await ticking;
      await relay.stop();
      return workers.stop(deadlineMs);
    },
  };
}
