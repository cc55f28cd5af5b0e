"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useMemo } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import type { LngLatBounds, MapDriver, MapFocus, MapTrip } from "#components/map/map-types.ts";
import { LazyMap } from "#components/map-room/lazy-map.tsx";
import { LIVE_TRIP_STATES } from "#components/map-room/map-filters.ts";
import { mapStatus } from "#components/map-room/map-trip.ts";
import { useZoneFeatures } from "#components/map-room/zone-features.ts";
import { useCan } from "#components/session/operator.tsx";
import type { TripDetail, ZoneOutline } from "#server/contracts/console.ts";
import type { Coordinates } from "#server/contracts/geo.ts";

const NO_ZONES: readonly ZoneOutline[] = [];

const LINK =
  "rounded-md bg-raised px-2 py-1 font-medium text-accent-ink text-xs shadow-float hover:underline pointer-coarse:py-2.5";

/** Room on each side, in parts of the way's extent: the map's buttons must not cover an end of it. */
const MARGIN = 0.35;

function around(a: Coordinates, b: Coordinates): LngLatBounds {
  const lng = Math.abs(a.lng - b.lng) * MARGIN;
  const lat = Math.abs(a.lat - b.lat) * MARGIN;
  return [
    [Math.min(a.lng, b.lng) - lng, Math.min(a.lat, b.lat) - lat],
    [Math.max(a.lng, b.lng) + lng, Math.max(a.lat, b.lat) + lat],
  ];
}

/** From where to where, small; a live trip leads on to the Map room, where its driver moves. */
export function TripMap({ detail: { trip, driverPosition } }: { detail: TripDetail }) {
  const trpc = useTRPC();
  const zones = useQuery({ ...trpc.map.zones.queryOptions(), staleTime: 300_000 }).data ?? NO_ZONES;
  const zoneFeatures = useZoneFeatures(zones, undefined);
  const { id, refId, status, pickup, destination } = trip;
  const trips = useMemo<MapTrip[]>(
    () => [{ id, refId, status: mapStatus(status), pickup, destination, driver: driverPosition }],
    [id, refId, status, pickup, destination, driverPosition],
  );
  const { driver } = trip;
  const mayReplay = useCan("drivers.view");
  const drivers = useMemo<MapDriver[]>(
    () =>
      driver && driverPosition
        ? [{ ...driver, ...driverPosition, state: "on_trip", updatedAt: driverPosition.at }]
        : [],
    [driver, driverPosition],
  );
  const focus = useMemo<MapFocus>(() => ({ bounds: around(pickup, destination), maxZoom: 15 }), [pickup, destination]);
  const live = LIVE_TRIP_STATES.some((each) => each === status);
  return (
    <div className="relative border-b">
      <LazyMap
        className="h-52"
        label={`Map of trip ${refId}`}
        zones={zoneFeatures}
        drivers={drivers}
        trips={trips}
        focus={focus}
      />
      <div className="absolute top-2 left-2 z-10 flex gap-2">
        {live && (
          <Link href={`/map?trip=${id}`} className={LINK}>
            Show on the live map
          </Link>
        )}
        {mayReplay && driver && (
          <Link href={`/map/replay?trip=${id}`} className={LINK}>
            Replay
          </Link>
        )}
      </div>
    </div>
  );
}
