import type { TripWay } from "#server/contracts/trip-way.ts";
import { readPlan, type TripPlan } from "#server/domain/ops/live-map-store.ts";
import { readPosition } from "#server/domain/ops/trip-view-store.ts";
import type { Database } from "#server/platform/db.ts";
import { decodePolyline } from "#server/platform/polyline.ts";
import type { Router } from "#server/platform/routing.ts";

/** Where the driver is on their way to; nowhere while they wait. */
const TARGET = { accepted: "pickup", ongoing: "destination" } as const;

/** A trip's planned way, and when its driver arrives; null when there is no such trip. */
export async function tripWay(
  { db, router }: { db: Database; router: Router },
  tripId: string,
  { seesDrivers }: { readonly seesDrivers: boolean },
): Promise<TripWay | null> {
  const plan = await readPlan(db.pool, tripId);
  if (plan === null) return null;
  return { planned: plannedWay(plan), eta: seesDrivers ? await etaOf(db, router, plan) : null };
}

function plannedWay(plan: TripPlan): TripWay["planned"] {
  const { pickup, stops, destination, distanceMeters, durationSeconds, polyline, estimated } = plan;
  const drawn = polyline === null ? null : decodePolyline(polyline);
  const points = (drawn ?? [pickup, ...stops, destination]).map(({ lng, lat }) => [lng, lat] as const);
  return { points, distanceMeters, durationSeconds, estimated };
}

async function etaOf(db: Database, router: Router, plan: TripPlan): Promise<TripWay["eta"]> {
  const to = plan.status === "accepted" || plan.status === "ongoing" ? TARGET[plan.status] : null;
  if (to === null || plan.driverId === null) return null;
  const position = await readPosition(db.pool, plan.driverId);
  if (position === null) return null;
  const [eta] = await router.etas([position], plan[to]);
  if (eta === undefined) return null;
  const { durationSeconds: seconds, distanceMeters, estimated } = eta;
  const passesStops = to === "destination" && plan.stops.length > 0;
  return { to, seconds, distanceMeters, estimated, at: position.at, passesStops };
}
