"use client";

import { useSubscription } from "@trpc/tanstack-react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useTabVisible } from "#components/data/use-tab-visible.ts";
import type { MapViewport } from "#components/map/map-types.ts";
import type { LiveDriver, LiveTrip } from "#server/contracts/console.ts";
import type { DriverCluster, FleetFrame } from "#server/contracts/fleet.ts";
import type { MapFilters } from "./map-filters.ts";

export interface Fleet {
  /** Those shown singly. */
  readonly drivers: ReadonlyMap<string, LiveDriver>;
  /** Where there are too many to show singly. */
  readonly clusters: readonly DriverCluster[];
  readonly trips: ReadonlyMap<string, LiveTrip>;
  /** All drivers in view, by state. */
  readonly counts: NonNullable<FleetFrame["counts"]>;
  readonly categories: readonly string[];
  /** Epoch milliseconds at which the last frame came in. */
  readonly receivedAt: number;
}

const EMPTY: Fleet = { drivers: new Map(), clusters: [], trips: new Map(), counts: {}, categories: [], receivedAt: 0 };
/** A camera that has come to rest this long is looked for. */
const SETTLED_MS = 250;
/** Looked for beyond the edges, so that a short way needs nothing new. */
const MARGIN = 0.15;

function applyFrame(before: Fleet, frame: FleetFrame): Fleet {
  const base = frame.whole ? EMPTY : before;
  const drivers = new Map(base.drivers);
  const trips = new Map(base.trips);
  for (const id of frame.goneDrivers) drivers.delete(id);
  for (const id of frame.goneTrips) trips.delete(id);
  for (const driver of frame.drivers) drivers.set(driver.id, driver);
  for (const trip of frame.trips) trips.set(trip.id, trip);
  for (const [id, lat, lng, heading, speed, updatedAt] of frame.moves) {
    const driver = drivers.get(id);
    if (driver !== undefined) drivers.set(id, { ...driver, lat, lng, heading, speed, updatedAt });
  }
  return {
    drivers,
    trips,
    clusters: frame.clusters ?? base.clusters,
    counts: frame.counts ?? base.counts,
    // A view without drivers names no category: what was known stays.
    categories: frame.categories ?? before.categories,
    receivedAt: Date.now(),
  };
}

const rounded = (degrees: number) => Math.round(degrees * 1e4) / 1e4;
const within = (degrees: number, most: number) => Math.max(-most, Math.min(most, rounded(degrees)));

/** What is asked for: a little more than is seen. */
function boundsOf({ bounds: [[west, south], [east, north]] }: MapViewport): [number, number, number, number] {
  const [dx, dy] = [(east - west) * MARGIN, (north - south) * MARGIN];
  return [within(west - dx, 180), within(south - dy, 90), within(east + dx, 180), within(north + dy, 90)];
}

/** The value once it has stayed for a while; the first one at once. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  const first = useRef(true);
  useEffect(() => {
    const wait = first.current ? 0 : ms;
    first.current = value === null;
    const timer = setTimeout(() => setSettled(value), wait);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/**
 * The drivers and trips in view, kept current by frames that carry only changes. A map that looks elsewhere asks anew;
 * what it had stays on the screen until the first frame of the new view replaces it. So does each reconnection.
 */
export function useLiveFleet(viewport: MapViewport | null, filters: MapFilters) {
  const trpc = useTRPC();
  const [fleet, setFleet] = useState<Fleet | null>(null);
  const [error, setError] = useState<Error | null>(null);
  /** What came of a telling that is not complete yet: half of it would be drawn as all. */
  const arriving = useRef<FleetFrame[]>([]);
  const settled = useSettled(viewport, SETTLED_MS);
  const { view, state, trips, category, zone, driver, trip } = filters;
  const asked = useMemo(
    () => ({
      ...(view === "map" && settled !== null
        ? { bounds: boundsOf(settled), zoom: Math.round(settled.zoom * 10) / 10 }
        : { zoom: 10 }),
      ...(state.length === 0 ? {} : { states: state }),
      ...(trips.length === 0 ? {} : { tripStatuses: trips }),
      ...(category === null ? {} : { category }),
      ...(zone === null ? {} : { zoneId: zone }),
      ...(driver === null ? {} : { driverId: driver }),
      ...(trip === null ? {} : { tripId: trip }),
    }),
    [view, settled, state, trips, category, zone, driver, trip],
  );
  const subscription = useSubscription(
    trpc.map.live.subscriptionOptions(asked, {
      enabled: useTabVisible() && (view === "list" || settled !== null),
      onStarted: () => {
        arriving.current = [];
        setError(null);
      },
      onData: ({ data: frame }) => {
        arriving.current.push(frame);
        if (!frame.last) return;
        const frames = arriving.current;
        arriving.current = [];
        setFleet((before) => frames.reduce(applyFrame, before ?? EMPTY));
      },
      onError: (cause) => setError(cause instanceof Error ? cause : new Error("The server did not answer.")),
    }),
  );
  return { fleet, error, reload: subscription.reset };
}
