import { cleanUp as deleteOld } from "#server/domain/outbox/relay-store.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

export const cleanUp: JobHandler<"clean-up"> = async (app) => {
  app.logger.info(await deleteOld(app.db.pool), "cleaned up");
};
