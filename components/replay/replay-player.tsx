"use client";

import { Pause, Play } from "lucide-react";
import { type KeyboardEvent, useMemo } from "react";
import type { LngLat, LngLatBounds, MapDriver, MapFocus } from "#components/map/map-types.ts";
import { LazyMap } from "#components/map-room/lazy-map.tsx";
import { useZoneFeatures } from "#components/map-room/zone-features.ts";
import { Button } from "#components/ui/button.tsx";
import { Segmented } from "#components/ui/segmented.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { ZoneOutline } from "#server/contracts/console.ts";
import { useReplayClock } from "./replay-clock.ts";
import { positionAt, type Track } from "./replay-track.ts";

export const SPEEDS = ["1", "5", "20", "60"] as const;
export type Speed = (typeof SPEEDS)[number];
const STEP_MS = 10_000;
const KMH_PER_MPS = 3.6;
const MARK_WORDS = {
  requested: "Requested",
  accepted: "Accepted",
  arrived: "Arrived at the pickup",
  started: "Ride started",
  ended: "Ended",
} as const;

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

/** The way on the map, the driver on it, and the time below: space plays and pauses, arrows step ten seconds. */
export function ReplayPlayer({ track, driver, zones, speed, onSpeed }: ReplayPlayerProps) {
  const { atMs, playing, seek, toggle } = useReplayClock(track.startMs, track.endMs, Number(speed));
  const zoneFeatures = useZoneFeatures(zones, undefined);
  const route = useMemo<LngLat[]>(() => track.points.map(({ lat, lng }) => [lng, lat]), [track]);
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
  const share = (ms: number) => `${((ms - track.startMs) / Math.max(1, track.endMs - track.startMs)) * 100}%`;

  function onKey(event: KeyboardEvent): void {
    const step = event.shiftKey ? STEP_MS * 6 : STEP_MS;
    if (event.key === " ") toggle();
    else if (event.key === "ArrowRight") seek(atMs + step);
    else if (event.key === "ArrowLeft") seek(atMs - step);
    else return;
    event.preventDefault();
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys for the whole player; each control has its own as well
    <div className="flex h-full flex-col" onKeyDown={onKey}>
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
          <span className="font-mono text-base">
            <Moment at={new Date(atMs).toISOString()} show="full" className="text-sm" />
          </span>
          <span className="ml-auto min-w-28 text-right text-muted">
            {position?.silent ? (
              "No signal"
            ) : position?.speed == null ? (
              "Speed not known"
            ) : (
              <span className="font-mono">{Math.round(position.speed * KMH_PER_MPS)} km/h</span>
            )}
          </span>
        </div>
        <div className="relative mt-3">
          <input
            type="range"
            aria-label="Time"
            aria-valuetext={new Date(atMs).toISOString()}
            className="w-full accent-accent"
            min={track.startMs}
            max={track.endMs}
            step={1000}
            value={atMs}
            onChange={(event) => seek(Number(event.target.value))}
          />
          <div aria-hidden className="pointer-events-none absolute inset-x-2 top-full h-1.5">
            {track.gaps.map(({ fromMs, toMs }) => (
              <span
                key={fromMs}
                className="absolute h-1 border-muted border-t border-dashed"
                style={{ left: share(fromMs), width: `calc(${share(toMs)} - ${share(fromMs)})` }}
              />
            ))}
          </div>
        </div>
        {track.marks.length > 0 && (
          <ul className="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-xs">
            {track.marks.map(({ kind, at, atMs: markMs, refId }) => (
              <li key={`${refId}-${kind}`}>
                <button
                  type="button"
                  onClick={() => seek(markMs)}
                  className="text-accent-ink hover:underline"
                  title={`Trip ${refId}`}
                >
                  {MARK_WORDS[kind]}
                </button>{" "}
                <Moment at={at} className="text-muted" />
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
