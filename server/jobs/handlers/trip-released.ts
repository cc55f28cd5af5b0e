import { channels, topics } from "#server/contracts/realtime.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

export const tripReleased: JobHandler<"trip-released"> = async (
  app,
  { tripId, version, driverId, reason, reassignedTo },
  run,
) => {
  const trip = await app.trips.get({ type: "operator", id: run.jobId }, tripId);
  app.bus.publish(channels.cancelled(driverId), "trip.released", { tripId, reason });
  app.bus.publish(channels.trip(tripId), "trip.released", { tripId, status: trip.status, version: trip.version });
  app.bus.publish(topics.trips, "changed", { ids: [tripId] });
  app.bus.publish(topics.drivers, "changed", { ids: [driverId] });
  if (reassignedTo !== undefined) return;
  const message = {
    userId: trip.customerId,
    trip,
    title: "Finding you another driver",
    body: "Your driver can't come. We are asking others nearby now.",
  };
  await app.notifications.push("release.push", message, { jobId: run.jobId, version });
};
