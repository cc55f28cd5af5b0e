import { SILENCE_MS } from "#components/map/driven-way.ts";
import type { History, HistoryMark, HistoryPoint } from "#server/contracts/history.ts";

export interface TrackPoint extends HistoryPoint {
  readonly atMs: number;
}

export interface Track {
  readonly points: readonly TrackPoint[];
  readonly marks: readonly (HistoryMark & { readonly atMs: number })[];
  readonly startMs: number;
  readonly endMs: number;
  /** Times without a position. */
  readonly gaps: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** What is longer without a position than this is such a time. */
  readonly silenceMs: number;
}

export function trackOf({
  points,
  marks,
  thinnedFrom,
}: Pick<History, "points" | "marks" | "thinnedFrom">): Track | null {
  // Of every third position the neighbours lie three times as far apart.
  const silenceMs = SILENCE_MS * Math.ceil((thinnedFrom ?? points.length) / Math.max(1, points.length));
  const timed = points.map((point) => ({ ...point, atMs: Date.parse(point.at) }));
  const [first, last] = [timed[0], timed.at(-1)];
  if (first === undefined || last === undefined) return null;
  const gaps = timed.flatMap((point, i) => {
    const before = timed[i - 1];
    return before && point.atMs - before.atMs > silenceMs ? [{ fromMs: before.atMs, toMs: point.atMs }] : [];
  });
  const inside = marks
    .map((mark) => ({ ...mark, atMs: Date.parse(mark.at) }))
    .filter(({ atMs }) => atMs >= first.atMs && atMs <= last.atMs);
  return { points: timed, marks: inside, startMs: first.atMs, endMs: last.atMs, gaps, silenceMs };
}

export interface TrackPosition {
  readonly lat: number;
  readonly lng: number;
  readonly heading: number | null;
  readonly speed: number | null;
  readonly silent: boolean;
}

/** Where the driver was at a moment: between two positions on the straight line between them, in a gap where it began. */
export function positionAt({ points, silenceMs }: Track, atMs: number): TrackPosition | null {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((points[middle]?.atMs ?? 0) <= atMs) low = middle;
    else high = middle - 1;
  }
  const [before, after] = [points[low], points[low + 1]];
  if (before === undefined) return null;
  const { lat, lng, heading, speed } = before;
  if (after === undefined) return { lat, lng, heading, speed, silent: false };
  if (after.atMs - before.atMs > silenceMs) return { lat, lng, heading, speed: null, silent: atMs > before.atMs };
  const share = Math.min(1, Math.max(0, (atMs - before.atMs) / (after.atMs - before.atMs)));
  return {
    lat: lat + (after.lat - lat) * share,
    lng: lng + (after.lng - lng) * share,
    heading: after.heading ?? heading,
    speed,
    silent: false,
  };
}
