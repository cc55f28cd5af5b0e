import { channels, topics } from "#server/contracts/realtime.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

const WORDS = {
  arrived: { title: "Your driver is here", body: "Meet your driver at the pickup and tell them your code." },
  ongoing: { title: "On the way", body: "Your trip has started." },
  completed: { title: "You have arrived", body: "Thank you for riding with SmartLine." },
} as const;

export const tripProgressed: JobHandler<"trip-progressed"> = async (
  app,
  { tripId, version, driverId, status },
  run,
) => {
  const trip = await app.trips.get({ type: "operator", id: run.jobId }, tripId);
  app.bus.publish(channels.trip(tripId), `trip.${status}`, { tripId, status, version });
  app.bus.publish(topics.trips, "changed", { ids: [tripId] });
  app.bus.publish(topics.drivers, "changed", { ids: [driverId] });
  await app.notifications.push(
    `${status}.push`,
    { userId: trip.customerId, trip, ...WORDS[status] },
    { jobId: run.jobId, version },
  );
};
