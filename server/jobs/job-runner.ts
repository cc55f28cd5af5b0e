import type { AppContext } from "#server/context.ts";
import { JOBS, type JobName } from "#server/contracts/jobs.ts";
import { markCompleted, markFailed } from "#server/domain/outbox/relay-store.ts";
import type { JobHandler } from "#server/jobs/handler.ts";
import { HANDLERS } from "#server/jobs/handlers.ts";
import { type JobRunner, PermanentJobError } from "#server/platform/job-queue.ts";

/** Parses the payload, runs the handler, times it, and marks the outbox row: done, or given up. */
export function createJobRunner(app: AppContext): JobRunner {
  return {
    async run(job) {
      const logger = app.logger.child({ jobId: job.id, job: job.name, attempt: job.attempt });
      const parsed = JOBS[job.name].schema.safeParse(job.payload);
      if (!parsed.success)
        throw new PermanentJobError(
          `the payload is not one of ${job.name}: ${parsed.error.issues.map((i) => `${i.path.join(".")} ${i.message}`).join("; ")}`,
        );
      // The map's type ties each name to its own payload; the union of names has to be told so.
      const handler = HANDLERS[job.name] as JobHandler<JobName>;
      const stop = app.metrics.jobDuration.startTimer({ job: job.name });
      try {
        await handler(app, parsed.data as never, { jobId: job.id, attempt: job.attempt });
        stop({ outcome: "done" });
      } catch (error) {
        stop({ outcome: "failed" });
        logger.warn({ err: error, lastAttempt: job.lastAttempt }, "job failed");
        throw error;
      }
      await markCompleted(app.db.pool, job.id);
      logger.debug("job done");
    },
    async gaveUp(jobId, queue, error) {
      const stalled = /stalled more than/.test(error.message);
      if (stalled) app.metrics.jobsStalledOut.inc({ queue });
      app.logger.error(
        { jobId, queue, err: error, alert: stalled ? "job.stalled_twice" : "job.gave_up" },
        "job given up; an operator can retry it",
      );
      app.alerts.raiseSoon({
        kind: stalled ? "job.stalled_twice" : "job.gave_up",
        severity: stalled || queue === "critical" ? "critical" : "warning",
        subject: { type: "job", id: jobId },
        summary: `A job of the queue ${queue} was given up: ${error.message.slice(0, 300)}`,
        data: { queue },
      });
      await markFailed(app.db.pool, jobId, error.message);
      await app.webhooks.gaveUp(jobId, error.message);
    },
  };
}
