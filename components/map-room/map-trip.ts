import type { MapTrip } from "#components/map/map-types.ts";
import type { LiveTrip } from "#server/contracts/console.ts";
import type { TripWay } from "#server/contracts/trip-way.ts";
import type { Trip } from "#server/contracts/trips.ts";
import type { Fleet } from "./use-live-fleet.ts";

/** An expired trip has no hue of its own on the map: it ended without a ride, like a cancelled one. */
export const mapStatus = (status: Trip["status"]): MapTrip["status"] => (status === "expired" ? "cancelled" : status);

/** A live trip with its planned way and where its driver is now, when they are known. */
export function toMapTrip(trip: LiveTrip, fleet: Fleet | null, way: TripWay | null): MapTrip {
  return {
    id: trip.id,
    refId: trip.refId,
    status: mapStatus(trip.status),
    pickup: trip.pickup,
    destination: trip.destination,
    path: way?.planned.points,
    driver: (trip.driverId && fleet?.drivers.get(trip.driverId)) || null,
  };
}
