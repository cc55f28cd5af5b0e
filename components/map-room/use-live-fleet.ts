"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import { useCallback, useRef, useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useTabVisible } from "#components/data/use-tab-visible.ts";
import type { LiveDriver, LiveTrip, MapFrame } from "#server/contracts/console.ts";

export interface Fleet {
  readonly drivers: ReadonlyMap<string, LiveDriver>;
  readonly trips: ReadonlyMap<string, LiveTrip>;
  /** Epoch milliseconds at which the last frame or snapshot came in. */
  readonly receivedAt: number;
}

const BUFFER_MS = 15_000;

function applyFrame(fleet: Fleet, frame: MapFrame): Fleet {
  const drivers = new Map(fleet.drivers);
  const trips = new Map(fleet.trips);
  for (const driver of frame.drivers) drivers.set(driver.id, driver);
  for (const trip of frame.trips) trips.set(trip.id, trip);
  for (const id of frame.goneDrivers) drivers.delete(id);
  for (const id of frame.goneTrips) trips.delete(id);
  return { drivers, trips, receivedAt: Date.now() };
}

const EMPTY: Fleet = { drivers: new Map(), trips: new Map(), receivedAt: 0 };

/**
 * Every driver and live trip, kept current by frames that carry only changes. Each (re)connection reads the whole
 * anew, which catches up whatever a gap swallowed; frames that overtake that answer are applied again on top of it.
 */
export function useLiveFleet() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [fleet, setFleet] = useState<Fleet | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const recent = useRef<{ frame: MapFrame; at: number }[]>([]);

  const load = useCallback(async () => {
    try {
      const snapshot = await queryClient.fetchQuery({ ...trpc.map.snapshot.queryOptions(), staleTime: 0 });
      const newer = recent.current.filter(({ frame }) => frame.at > snapshot.at);
      setFleet(newer.reduce((before, { frame }) => applyFrame(before, frame), applyFrame(EMPTY, snapshot)));
      setError(null);
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error("The server did not answer."));
    }
  }, [queryClient, trpc]);

  useSubscription(
    trpc.map.live.subscriptionOptions(undefined, {
      enabled: useTabVisible(),
      onStarted: () => void load(),
      onData: ({ data: frame }) => {
        const now = Date.now();
        recent.current = [...recent.current.filter(({ at }) => now - at < BUFFER_MS), { frame, at: now }];
        setFleet((before) => before && applyFrame(before, frame));
      },
    }),
  );
  return { fleet, error, reload: load };
}
