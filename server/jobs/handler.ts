import type { AppContext } from "#server/context.ts";
import type { JobName, JobPayload } from "#server/contracts/jobs.ts";

export interface JobRun {
  readonly jobId: string;
  /** 1 for the first try. */
  readonly attempt: number;
}

/** Does one job. Run again after a crash it must do what is left, once: every effect goes through `app.effects`. */
export type JobHandler<N extends JobName> = (app: AppContext, payload: JobPayload<N>, run: JobRun) => Promise<void>;
