"use client";

import { useRef } from "react";
import type { MapZones } from "#components/map/map-types.ts";
import type { ZoneOutline } from "#server/contracts/console.ts";
import { inZone } from "./point-in-zone.ts";
import type { Fleet } from "./use-live-fleet.ts";

/** Above this, counting each driver into each zone every second would be felt; the strip still has the totals. */
const COUNT_UP_TO = 5_000;

interface Counts {
  demand: number;
  supply?: number;
}

function countZone(zone: ZoneOutline, fleet: Fleet): Counts {
  let demand = 0;
  for (const trip of fleet.trips.values()) if (trip.status === "pending" && trip.zoneId === zone.id) demand++;
  if (fleet.drivers.size > COUNT_UP_TO) return { demand };
  let supply = 0;
  for (const driver of fleet.drivers.values()) if (driver.state === "available" && inZone(driver, zone)) supply++;
  return { demand, supply };
}

/** The zones as the map draws them; the same object until a count changes, so that the map redraws only then. */
export function useZoneFeatures(zones: readonly ZoneOutline[], fleet: Fleet | null): MapZones {
  const last = useRef<{ key: string; features: MapZones } | null>(null);
  const counts = zones.map((zone) => (fleet ? countZone(zone, fleet) : null));
  const key = JSON.stringify([zones.map((zone) => zone.id), counts]);
  if (last.current?.key === key) return last.current.features;
  const features: MapZones = {
    type: "FeatureCollection",
    features: zones.map((zone, index) => ({
      type: "Feature",
      properties: { id: zone.id, name: zone.name, ...counts[index] },
      geometry: {
        type: "MultiPolygon",
        coordinates: zone.coordinates.map((polygon) => polygon.map((ring) => ring.map(([lng, lat]) => [lng, lat]))),
      },
    })),
  };
  last.current = { key, features };
  return features;
}
