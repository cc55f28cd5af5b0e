"use client";

import { parseAsArrayOf, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { DRIVER_STATES } from "#components/ui/state-hues.ts";

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
