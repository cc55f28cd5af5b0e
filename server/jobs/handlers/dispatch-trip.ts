import { topics } from "#server/contracts/realtime.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

export const dispatchTrip: JobHandler<"dispatch-trip"> = async (app, { tripId, batch }) => {
  if ((await app.dispatch.dispatch(tripId, batch)) > 0) app.wakeOutbox();
  app.bus.publish(topics.trips, "changed", { ids: [tripId] });
};
