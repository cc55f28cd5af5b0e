"use client";

import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { MapLegend } from "#components/map/map-legend.tsx";
import type { MapFocus, MapSelection, MapViewport } from "#components/map/map-types.ts";
import { boundsOf } from "#components/map/overlay-data.ts";
import { LiveAge } from "#components/ui/live-age.tsx";
import { ErrorState } from "#components/ui/notice.tsx";
import { Room } from "#components/ui/room.tsx";
import type { LiveTrip, ZoneOutline } from "#server/contracts/console.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import { FleetList } from "./fleet-list.tsx";
import { LazyMap } from "./lazy-map.tsx";
import { LIVE_TRIP_STATES, useMapFilters } from "./map-filters.ts";
import { MapToolbar } from "./map-toolbar.tsx";
import { toMapTrip } from "./map-trip.ts";
import { DriverPanel, GonePanel, TripPanel } from "./selection-panel.tsx";
import { SummaryStrip } from "./summary-strip.tsx";
import { useLiveFleet } from "./use-live-fleet.ts";
import { useTrail } from "./use-trail.ts";
import { useTripWay } from "./use-trip-way.ts";
import { useZoneFeatures } from "./zone-features.ts";

const STREET_ZOOM = 14.5;
/** Demand and supply of the zones are read this often; they are judged every five seconds. */
const ZONES_MS = 5000;
const NO_ZONES: readonly ZoneOutline[] = [];

export function MapRoom() {
  const trpc = useTRPC();
  const { filters, setFilters } = useMapFilters();
  const [viewport, setViewport] = useState<MapViewport | null>(null);
  const { fleet, error, reload } = useLiveFleet(viewport, filters);
  const surge = useQuery({ ...trpc.pricing.surge.queryOptions(), refetchInterval: ZONES_MS }).data;
  const zones = useQuery({ ...trpc.map.zones.queryOptions(), staleTime: 300_000 }).data ?? NO_ZONES;
  const drivers = useMemo(() => [...(fleet?.drivers.values() ?? [])], [fleet]);
  const trips = useMemo(() => [...(fleet?.trips.values() ?? [])], [fleet]);
  const zoneFeatures = useZoneFeatures(zones, surge);
  const way = useTripWay(filters.trip);
  const mapTrips = useMemo(
    () => trips.map((trip) => toMapTrip(trip, fleet, trip.id === filters.trip ? way : null)),
    [trips, fleet, way, filters.trip],
  );
  const trail = useTrail(filters);
  const [focus, setFocus] = useState<MapFocus | null>(null);

  const driver = filters.driver ? fleet?.drivers.get(filters.driver) : undefined;
  const trip = filters.trip ? fleet?.trips.get(filters.trip) : undefined;
  const selectDriver = useCallback((id: string | null) => void setFilters({ driver: id, trip: null }), [setFilters]);
  const selectTrip = useCallback((id: string | null) => void setFilters({ trip: id, driver: null }), [setFilters]);
  const onSelect = useCallback(
    (selection: MapSelection | null) => {
      if (selection?.kind === "zone") void setFilters({ zone: selection.id });
      else if (selection?.kind === "trip") selectTrip(selection.id);
      else selectDriver(selection?.id ?? null);
    },
    [setFilters, selectDriver, selectTrip],
  );
  const lookAtDriver = useCallback((at: Coordinates | undefined) => {
    if (at) setFocus({ at: { lat: at.lat, lng: at.lng }, zoom: STREET_ZOOM });
  }, []);
  /** Both its ends, and its driver. */
  const lookAtTrip = useCallback(
    (of: LiveTrip | undefined) => {
      const driving = of?.driverId ? fleet?.drivers.get(of.driverId) : undefined;
      const bounds = of && boundsOf([of.pickup, of.destination, ...(driving ? [driving] : [])]);
      if (bounds) setFocus({ bounds, maxZoom: STREET_ZOOM });
    },
    [fleet],
  );

  // A link may name who to look at: go there once they are known, and not again while they drive.
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current || !fleet) return;
    opened.current = true;
    if (driver) lookAtDriver(driver);
    else lookAtTrip(trip);
  }, [fleet, driver, trip, lookAtDriver, lookAtTrip]);

  const selected: MapSelection | null = filters.driver
    ? { kind: "driver", id: filters.driver }
    : filters.trip
      ? { kind: "trip", id: filters.trip }
      : filters.zone
        ? { kind: "zone", id: filters.zone }
        : null;
  const close = () => void setFilters({ driver: null, trip: null });

  return (
    <Room
      fixed
      title="Map"
      age={<LiveAge at={fleet?.receivedAt} />}
      toolbar={<MapToolbar filters={filters} setFilters={setFilters} zones={zones} fleet={fleet} />}
    >
      <div className="flex h-full flex-col">
        <SummaryStrip />
        {error && !fleet ? (
          <ErrorState what="The map's drivers and trips" error={error} onRetry={() => void reload()} />
        ) : (
          <div className="relative flex min-h-0 flex-1">
            {filters.view === "map" ? (
              <div className="relative flex min-w-0 flex-1">
                <LazyMap
                  className="min-h-0 min-w-0 flex-1"
                  label="Drivers, trips and zones"
                  zones={zoneFeatures}
                  drivers={drivers}
                  trips={mapTrips}
                  clusters={fleet?.clusters ?? []}
                  selected={selected}
                  onSelect={onSelect}
                  onViewport={setViewport}
                  focus={focus}
                  route={trail}
                />
                <MapLegend
                  trips={LIVE_TRIP_STATES}
                  driverCounts={fleet?.counts}
                  className="absolute bottom-3 left-3 z-10 max-w-[calc(100%-6rem)] rounded-md bg-raised px-3 py-2 shadow-float max-sm:hidden"
                />
              </div>
            ) : (
              <FleetList
                drivers={drivers}
                counts={fleet?.counts ?? {}}
                trips={trips}
                selected={filters.driver ?? filters.trip}
                onDriver={(id) => {
                  selectDriver(id);
                  lookAtDriver(fleet?.drivers.get(id));
                }}
                onTrip={(id) => {
                  selectTrip(id);
                  lookAtTrip(fleet?.trips.get(id));
                }}
              />
            )}
            {driver ? (
              <DriverPanel
                driver={driver}
                trip={driver.tripId ? fleet?.trips.get(driver.tripId) : undefined}
                onClose={close}
                onTrip={selectTrip}
                onCentre={() => lookAtDriver(driver)}
              />
            ) : trip ? (
              <TripPanel
                trip={trip}
                way={way}
                driven={trail !== null}
                onClose={close}
                onDriver={selectDriver}
                onCentre={() => lookAtTrip(trip)}
              />
            ) : (
              fleet &&
              (filters.driver || filters.trip) && (
                <GonePanel kind={filters.driver ? "driver" : "trip"} onClose={close} />
              )
            )}
          </div>
        )}
      </div>
    </Room>
  );
}
