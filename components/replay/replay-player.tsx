"use client";

import { Pause, Play } from "lucide-react";
import { parseAsIsoDateTime, useQueryState } from "nuqs";
import { useEffect, useMemo, useRef } from "react";
import { drivenWay } from "#components/map/driven-way.ts";
import type { LngLatBounds, MapDriver, MapFocus } from "#components/map/map-types.ts";
import { LazyMap } from "#components/map-room/lazy-map.tsx";
import { useZoneFeatures } from "#components/map-room/zone-features.ts";
import { Button } from "#components/ui/button.tsx";
import { useHotkeys } from "#components/ui/hotkeys.ts";
import { Segmented } from "#components/ui/segmented.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { ZoneOutline } from "#server/contracts/console.ts";
import { useReplayClock } from "./replay-clock.ts";
import { ReplayTimeline, STEP_MS } from "./replay-timeline.tsx";
import { positionAt, type Track } from "./replay-track.ts";

export const SPEEDS = ["1", "5", "20", "60"] as const;
export type Speed = (typeof SPEEDS)[number];
const KMH_PER_MPS = 3.6;
/** The moment goes into the address at most this often. */
const ADDRESS_MS = 1000;

interface ReplayPlayerProps {
  readonly track: Track;
  readonly driver: { readonly id: string; readonly name: string };
  readonly zones: readonly ZoneOutline[];
  readonly speed: Speed;
  readonly onSpeed: (speed: Speed) => void;
}

function boundsOf(track: Track): LngLatBounds {
  const [lngs, lats] = [track.points.map(({ lng }) => lng), track.points.map(({ lat }) => lat)];
  const pad = 0.002;
  return [
    [Math.min(...lngs) - pad, Math.min(...lats) - pad],
    [Math.max(...lngs) + pad, Math.max(...lats) + pad],
  ];
}

/** The moment in the address, for a reload or a colleague: what it opens at, and what keeps it there. */
function useAddress() {
  const [at, setAt] = useQueryState("at", parseAsIsoDateTime);
  const openMs = useRef(at?.getTime() ?? null);
  const latest = useRef<number | null>(null);
  useEffect(() => {
    let kept: number | null = null;
    const timer = setInterval(() => {
      if (latest.current === kept || latest.current === null) return;
      kept = latest.current;
      void setAt(new Date(kept));
    }, ADDRESS_MS);
    return () => clearInterval(timer);
  }, [setAt]);
  return { openMs: openMs.current, latest };
}

/** The way on the map, the driver on it, and the time below: space plays and pauses, arrows step ten seconds. */
export function ReplayPlayer({ track, driver, zones, speed, onSpeed }: ReplayPlayerProps) {
  const { startMs, endMs } = track;
  const { openMs, latest } = useAddress();
  const { atMs, playing, seek, toggle } = useReplayClock({ startMs, endMs, openMs, speed: Number(speed) });
  useEffect(() => {
    latest.current = Math.round(atMs);
  }, [atMs, latest]);
  const step = (ms: number) => () => seek(atMs + ms);
  useHotkeys({ " ": toggle, ArrowRight: step(STEP_MS), ArrowLeft: step(-STEP_MS) });
  const zoneFeatures = useZoneFeatures(zones, undefined);
  const route = useMemo(() => drivenWay(track.points, track.silenceMs), [track]);
  const focus = useMemo<MapFocus>(() => ({ bounds: boundsOf(track), maxZoom: 15 }), [track]);
  const position = positionAt(track, atMs);
  const drivers: MapDriver[] = position
    ? [
        {
          ...{ id: driver.id, name: driver.name, lat: position.lat, lng: position.lng, heading: position.heading },
          state: position.silent ? "temporarily_offline" : "on_trip",
          updatedAt: new Date(atMs).toISOString(),
        },
      ]
    : [];
  return (
    <div className="flex h-full flex-col">
      <LazyMap
        className="min-h-0 flex-1"
        label={`The way of ${driver.name}`}
        zones={zoneFeatures}
        drivers={drivers}
        trips={[]}
        route={route}
        focus={focus}
      />
      <div className="border-t bg-surface px-4 py-3">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <Button variant="primary" onClick={toggle}>
            {playing ? <Pause aria-hidden className="size-4" /> : <Play aria-hidden className="size-4" />}
            {playing ? "Pause" : "Play"}
          </Button>
          <Segmented
            label="Speed"
            value={speed}
            onChange={onSpeed}
            options={SPEEDS.map((value) => ({ value, label: `${value} ×` }))}
          />
          <Moment at={new Date(atMs).toISOString()} show="full" className="text-sm" />
          {position && (
            <p className="ml-auto flex gap-4 text-muted max-sm:ml-0">
              <span className="font-mono text-xs leading-5" title="Latitude, longitude">
                {position.lat.toFixed(4)}, {position.lng.toFixed(4)}
              </span>
              <span className="min-w-28 text-right max-sm:min-w-0">
                {position.silent ? (
                  "No signal"
                ) : position.speed === null ? (
                  "Speed not known"
                ) : (
                  <span className="font-mono">{Math.round(position.speed * KMH_PER_MPS)} km/h</span>
                )}
              </span>
            </p>
          )}
        </div>
        <div className="mt-2">
          <ReplayTimeline track={track} atMs={atMs} onSeek={seek} />
        </div>
      </div>
    </div>
  );
}
