import type { JobHandler } from "#server/jobs/handler.ts";
import { ProviderError } from "#server/platform/http-client.ts";
import { PermanentJobError } from "#server/platform/job-queue.ts";

export const processWebhook: JobHandler<"process-webhook"> = async (app, { eventId }, run) => {
  try {
    await app.webhooks.process(eventId, run.jobId);
  } catch (error) {
    if (error instanceof ProviderError && error.permanent) throw new PermanentJobError(error.message, { cause: error });
    throw error;
  }
};
