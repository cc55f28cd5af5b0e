"use client";

import { useMemo } from "react";
import type { LiveDriver, LiveTrip } from "#server/contracts/console.ts";
import type { MapFilters } from "./map-filters.ts";
import type { Fleet } from "./use-live-fleet.ts";

interface Shown {
  readonly drivers: readonly LiveDriver[];
  readonly trips: readonly LiveTrip[];
}

/** The drivers in view, as the server chose them, and the trips that pass the filters; the selected one always does. */
export function useShown(fleet: Fleet | null, filters: MapFilters): Shown {
  return useMemo(() => {
    if (!fleet) return { drivers: [], trips: [] };
    const trips = [...fleet.trips.values()].filter(
      (trip) =>
        trip.id === filters.trip ||
        ((filters.trips.length === 0 || filters.trips.some((status) => status === trip.status)) &&
          (!filters.zone || trip.zoneId === filters.zone)),
    );
    return { drivers: [...fleet.drivers.values()], trips };
  }, [fleet, filters]);
}
