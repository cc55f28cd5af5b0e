"use client";

import { useQuery } from "@tanstack/react-query";
import { useTRPC } from "#components/data/trpc.ts";
import type { TripWay } from "#server/contracts/trip-way.ts";

const REFRESH_MS = 10_000;

/** The selected trip's planned way and its driver's time of arrival; null without one. */
export function useTripWay(tripId: string | null): TripWay | null {
  const trpc = useTRPC();
  const way = useQuery({
    ...trpc.map.way.queryOptions({ tripId: tripId ?? "" }),
    enabled: tripId !== null,
    refetchInterval: REFRESH_MS,
  });
  return (tripId !== null && way.data) || null;
}
