"use client";

import { parseAsArrayOf, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useMemo } from "react";
import { DRIVER_STATES } from "#components/ui/state-hues.ts";
import type { LiveDriver, LiveTrip } from "#server/contracts/console.ts";
import type { Fleet } from "./use-live-fleet.ts";

/** The states of a trip that is on the map. */
export const LIVE_TRIP_STATES = ["pending", "accepted", "arrived", "ongoing"] as const;

/** What the Map room shows, all of it in the URL. */
export function useMapFilters() {
  const [filters, setFilters] = useQueryStates({
    view: parseAsStringLiteral(["map", "list"]).withDefault("map"),
    state: parseAsArrayOf(parseAsStringLiteral(DRIVER_STATES)).withDefault([]),
    trips: parseAsArrayOf(parseAsStringLiteral(LIVE_TRIP_STATES)).withDefault([]),
    category: parseAsString,
    zone: parseAsString,
    driver: parseAsString,
    trip: parseAsString,
  });
  return { filters, setFilters };
}

export type MapFilters = ReturnType<typeof useMapFilters>["filters"];

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
