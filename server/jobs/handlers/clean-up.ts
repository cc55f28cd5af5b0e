import { turnHistoryOver } from "#server/domain/drivers/location-history-store.ts";
import { cleanUp as deleteOld } from "#server/domain/outbox/relay-store.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

export const cleanUp: JobHandler<"clean-up"> = async (app) => {
  // A database user that may make no tables leaves all to the default partition, which takes it.
  const history = await turnHistoryOver(app.db, app.settings.latest()["history.days"]).catch((err: Error) => {
    app.logger.warn({ err }, "the days of where drivers were are not turned over; nothing is lost");
    return null;
  });
  app.logger.info({ ...(await deleteOld(app.db.pool)), history }, "cleaned up");
};
