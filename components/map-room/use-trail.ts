"use client";

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { drivenWay } from "#components/map/driven-way.ts";
import type { RoutePart } from "#components/map/map-types.ts";
import { useCan } from "#components/session/operator.tsx";
import type { HistoryQuery } from "#server/contracts/history.ts";
import type { MapFilters } from "./map-filters.ts";

const TRAIL_MS = 30 * 60_000;
const REFRESH_MS = 10_000;

/** Where the selected driver has come from in the last half hour, or what was driven of the selected trip; null without either. */
export function useTrail({ driver, trip }: Pick<MapFilters, "driver" | "trip">): readonly RoutePart[] | null {
  const trpc = useTRPC();
  const maySee = useCan("drivers.view");
  // Whole refresh intervals: the same question until the next one is due.
  const now = Math.ceil(Date.now() / REFRESH_MS) * REFRESH_MS;
  const ofTrip = driver === null;
  const asked: HistoryQuery = ofTrip
    ? { tripId: trip ?? "" }
    : { driverId: driver, from: new Date(now - TRAIL_MS).toISOString(), to: new Date(now).toISOString() };
  const { data, isPlaceholderData } = useQuery({
    ...trpc.map.history.queryOptions(asked),
    enabled: (driver !== null || trip !== null) && maySee,
    refetchInterval: ofTrip ? REFRESH_MS : false,
    placeholderData: (before) => before,
  });
  return useMemo(() => {
    if (data === undefined || (driver === null && trip === null)) return null;
    // Of another driver or trip: what was shown before this one's answer came.
    if (ofTrip ? isPlaceholderData : data.driver?.id !== driver) return null;
    const way = drivenWay(data.points);
    return way.length > 0 ? way : null;
  }, [data, isPlaceholderData, ofTrip, driver, trip]);
}
