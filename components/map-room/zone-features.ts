"use client";

import { useMemo } from "react";
import type { MapZones } from "#components/map/map-types.ts";
import type { ZoneOutline } from "#server/contracts/console.ts";
import type { ZoneSurgeRow } from "#server/contracts/surge.ts";

/** The zones as the map draws them, with what is wanted and who is free in each; the same object until a figure changes. */
export function useZoneFeatures(zones: readonly ZoneOutline[], surge: readonly ZoneSurgeRow[] | undefined): MapZones {
  const shapes = useMemo(
    () =>
      zones.map(({ id, name, coordinates }) => ({
        ...{ id, name },
        geometry: {
          type: "MultiPolygon" as const,
          coordinates: coordinates.map((polygon) => polygon.map((ring) => ring.map(([lng, lat]) => [lng, lat]))),
        },
      })),
    [zones],
  );
  return useMemo(() => {
    const figures = new Map(surge?.map((row) => [row.zoneId, row]));
    return {
      type: "FeatureCollection",
      features: shapes.map(({ id, name, geometry }) => {
        const row = figures.get(id);
        const known = row === undefined ? {} : { demand: row.demand, supply: row.supply, surge: row.multiplier };
        return { type: "Feature", properties: { id, name, ...known }, geometry };
      }),
    };
  }, [shapes, surge]);
}
