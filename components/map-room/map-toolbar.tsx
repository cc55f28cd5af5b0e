"use client";

import { useMemo } from "react";
import { Button } from "#components/ui/button.tsx";
import { FilterMany, FilterOne } from "#components/ui/filter-menu.tsx";
import { Segmented } from "#components/ui/segmented.tsx";
import { DRIVER_LOOK, DRIVER_STATES, TRIP_LOOK } from "#components/ui/state-hues.ts";
import { StateDot } from "#components/ui/state-pill.tsx";
import type { ZoneOutline } from "#server/contracts/console.ts";
import { LIVE_TRIP_STATES, type MapFilters, type useMapFilters } from "./map-filters.ts";
import type { Fleet } from "./use-live-fleet.ts";

const DRIVER_OPTIONS = DRIVER_STATES.map((value) => ({
  value,
  label: DRIVER_LOOK[value].label,
  mark: <StateDot look={DRIVER_LOOK[value]} />,
}));
const TRIP_OPTIONS = LIVE_TRIP_STATES.map((value) => ({
  value,
  label: TRIP_LOOK[value].label,
  mark: <StateDot look={TRIP_LOOK[value]} />,
}));

interface MapToolbarProps {
  readonly filters: MapFilters;
  readonly setFilters: ReturnType<typeof useMapFilters>["setFilters"];
  readonly zones: readonly ZoneOutline[];
  readonly fleet: Fleet | null;
}

export function MapToolbar({ filters, setFilters, zones, fleet }: MapToolbarProps) {
  const categories = useMemo(() => (fleet?.categories ?? []).map((code) => ({ value: code, label: code })), [fleet]);
  const any =
    filters.state.length > 0 || filters.trips.length > 0 || filters.category !== null || filters.zone !== null;
  return (
    <>
      <Segmented
        label="Show as"
        value={filters.view}
        onChange={(view) => void setFilters({ view })}
        options={[
          { value: "map", label: "Map" },
          { value: "list", label: "List" },
        ]}
      />
      <FilterMany
        label="Drivers"
        options={DRIVER_OPTIONS}
        value={filters.state}
        onChange={(state) => void setFilters({ state })}
      />
      <FilterMany
        label="Trips"
        options={TRIP_OPTIONS}
        value={filters.trips}
        onChange={(trips) => void setFilters({ trips })}
      />
      <FilterOne
        label="Category"
        anyLabel="Any category"
        options={categories}
        value={filters.category}
        onChange={(category) => void setFilters({ category })}
      />
      <FilterOne
        label="Zone"
        anyLabel="Any zone"
        options={zones.map((zone) => ({ value: zone.id, label: zone.name }))}
        value={filters.zone}
        onChange={(zone) => void setFilters({ zone })}
      />
      {any && (
        <Button
          variant="ghost"
          onClick={() => void setFilters({ state: null, trips: null, category: null, zone: null })}
        >
          Clear filters
        </Button>
      )}
    </>
  );
}
