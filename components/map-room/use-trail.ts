"use client";

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import type { LngLat } from "#components/map/map-types.ts";
import { useCan } from "#components/session/operator.tsx";

const TRAIL_MS = 30 * 60_000;
const REFRESH_MS = 10_000;

/** Where the selected driver has come from in the last half hour; null without one. */
export function useTrail(driverId: string | null): readonly LngLat[] | null {
  const trpc = useTRPC();
  const maySee = useCan("drivers.view");
  // Whole refresh intervals: the same question until the next one is due.
  const now = Math.ceil(Date.now() / REFRESH_MS) * REFRESH_MS;
  const span = { from: new Date(now - TRAIL_MS).toISOString(), to: new Date(now).toISOString() };
  const history = useQuery({
    ...trpc.map.history.queryOptions({ driverId: driverId ?? "", ...span }),
    enabled: driverId !== null && maySee,
    placeholderData: (before) => before,
  });
  const { data } = history;
  return useMemo(() => {
    if (driverId === null || data?.driver?.id !== driverId || data.points.length < 2) return null;
    return data.points.map(({ lat, lng }): LngLat => [lng, lat]);
  }, [driverId, data]);
}
