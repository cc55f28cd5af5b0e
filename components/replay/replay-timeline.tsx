"use client";

import type { KeyboardEvent } from "react";
import { HUE_CLASS, type Hue } from "#components/ui/state-hues.ts";
import { Moment, utcText } from "#components/ui/time.tsx";
import { Tooltip } from "#components/ui/tooltip.tsx";
import type { HistoryMark } from "#server/contracts/history.ts";
import type { Track } from "./replay-track.ts";

const MARK_LOOK = {
  requested: { label: "Requested", hue: "pending" },
  accepted: { label: "Accepted", hue: "accepted" },
  arrived: { label: "Arrived at the pickup", hue: "arrived" },
  started: { label: "Ride started", hue: "ongoing" },
  ended: { label: "Ended", hue: "completed" },
} as const satisfies Record<HistoryMark["kind"], { label: string; hue: Hue }>;

/** Arrow keys move so far; with Shift six times that. */
export const STEP_MS = 10_000;

interface ReplayTimelineProps {
  readonly track: Track;
  readonly atMs: number;
  readonly onSeek: (ms: number) => void;
}

/** The time as a slider: what happened as ticks above it and as a list below, times without a signal as a dotted line. */
export function ReplayTimeline({ track, atMs, onSeek }: ReplayTimelineProps) {
  const share = (ms: number) => `${((ms - track.startMs) / Math.max(1, track.endMs - track.startMs)) * 100}%`;
  const onKey = (event: KeyboardEvent) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (way === undefined) return;
    event.preventDefault();
    onSeek(atMs + way * STEP_MS * (event.shiftKey ? 6 : 1));
  };
  return (
    <>
      <div className="relative pt-3">
        {/* Half a thumb in from each end, as the slider itself counts. */}
        <div className="absolute inset-x-2 top-0 h-4">
          {track.marks.map((mark) => (
            <Tick key={`${mark.refId}-${mark.kind}`} mark={mark} left={share(mark.atMs)} onSeek={onSeek} />
          ))}
        </div>
        <input
          type="range"
          aria-label="Time"
          aria-valuetext={utcText(new Date(atMs).toISOString())}
          className="block w-full accent-accent"
          min={track.startMs}
          max={track.endMs}
          step={1000}
          value={atMs}
          onChange={(event) => onSeek(Number(event.target.value))}
          onKeyDown={onKey}
        />
        <div aria-hidden className="pointer-events-none absolute inset-x-2 top-full h-1.5">
          {track.gaps.map(({ fromMs, toMs }) => (
            <span
              key={fromMs}
              className="absolute border-muted border-t-2 border-dotted"
              style={{ left: share(fromMs), width: `calc(${share(toMs)} - ${share(fromMs)})` }}
            />
          ))}
        </div>
      </div>
      {(track.marks.length > 0 || track.gaps.length > 0) && (
        <ul aria-label="What happened" className="mt-3 flex max-h-20 flex-wrap gap-x-4 gap-y-1 overflow-y-auto text-xs">
          {track.marks.map(({ kind, at, atMs: markMs, refId }) => (
            <li key={`${refId}-${kind}`} className="flex items-center gap-1.5">
              <span aria-hidden className={`h-3 w-0.5 bg-(--hue) ${HUE_CLASS[MARK_LOOK[kind].hue]}`} />
              <button
                type="button"
                onClick={() => onSeek(markMs)}
                className="text-accent-ink hover:underline pointer-coarse:py-2"
                title={`Trip ${refId}`}
              >
                {MARK_LOOK[kind].label}
              </button>
              <Moment at={at} className="text-muted" />
            </li>
          ))}
          {track.gaps.length > 0 && (
            <li className="flex items-center gap-1.5 text-muted">
              <span aria-hidden className="w-4 border-muted border-t-2 border-dotted" />
              {track.gaps.length === 1 ? "No signal once" : `No signal ${track.gaps.length} times`}
            </li>
          )}
        </ul>
      )}
    </>
  );
}

interface TickProps {
  readonly mark: Track["marks"][number];
  readonly left: string;
  readonly onSeek: (ms: number) => void;
}

/** For the pointer; the list says the same to the keyboard and the screen reader. */
function Tick({ mark: { kind, at, atMs, refId }, left, onSeek }: TickProps) {
  const { label, hue } = MARK_LOOK[kind];
  return (
    <Tooltip
      label={
        <>
          {label} <Moment at={at} /> <span className="text-muted">{refId}</span>
        </>
      }
    >
      <button
        type="button"
        tabIndex={-1}
        aria-label={`To ${label.toLowerCase()}, trip ${refId}`}
        onClick={() => onSeek(atMs)}
        className="absolute inset-y-0 w-2.5 -translate-x-1/2"
        style={{ left }}
      >
        <span className={`mx-auto block h-3 w-0.5 rounded-full bg-(--hue) ${HUE_CLASS[hue]}`} />
      </button>
    </Tooltip>
  );
}
