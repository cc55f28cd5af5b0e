"use client";

import { type KeyboardEvent, memo, useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { DRIVER_LOOK } from "#components/ui/state-hues.ts";
import { StateDot } from "#components/ui/state-pill.tsx";
import { ringOf } from "./cluster-share.ts";
import { DRIVER_HUES } from "./map-palette.ts";
import type { MapCluster, MapPoint } from "./map-types.ts";
import type { MapView } from "./map-view.ts";

const RING_PX = 5;
const TIP_GAP_PX = 8;
/** Parts of the ring left open between two states: they stay apart for who cannot tell their hues. */
const GAP = 0.012;
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Across, pixels: its area grows with its drivers until it would touch its neighbours. */
const sizeOf = (count: number) => Math.round(Math.min(72, 30 + 0.9 * Math.sqrt(count)));

function ringImage(states: MapCluster["states"]): string {
  const ring = ringOf(states ?? {});
  const gap = ring.length > 1 ? GAP / 2 : 0;
  const percent = (part: number) => `${(part * 100).toFixed(2)}%`;
  const stops = ring.flatMap(({ state, from, to }) => {
    const [start, end] = [percent(from + gap), percent(to - gap)];
    return [
      `var(--surface) ${percent(from)} ${start}`,
      `var(${DRIVER_HUES[state][0]}) ${start} ${end}`,
      `var(--surface) ${end} ${percent(to)}`,
    ];
  });
  return `conic-gradient(${stops.join(", ")})`;
}

function inWords({ count, states = {} }: MapCluster): string {
  const parts = ringOf(states).map((part) => `${part.count} ${DRIVER_LOOK[part.state].label.toLowerCase()}`);
  return `${count} ${count === 1 ? "driver" : "drivers"}: ${parts.join(", ")}. Zoom in`;
}

interface MarkProps {
  readonly id: string;
  readonly count: number;
  readonly words: string;
  readonly ring: string;
  readonly onOpen: (id: string) => void;
  readonly onPoint: (id: string | null) => void;
}

/** Of plain values: drawn again only when they change, and not with each move of its drivers. */
const Mark = memo(function Mark({ id, count, words, ring, onOpen, onPoint }: MarkProps) {
  const size = sizeOf(count);
  return (
    <button
      type="button"
      data-cluster={id}
      aria-label={words}
      // Only what it begins with: setTabStop() sees to it from then on.
      tabIndex={-1}
      className="pointer-events-auto absolute top-0 left-0 rounded-full ring-1 ring-line-strong focus-visible:outline-2 focus-visible:outline-accent focus-visible:outline-offset-2"
      style={{ width: size, height: size, padding: RING_PX, background: ring, transform: "translate(-50%, -50%)" }}
      onClick={() => onOpen(id)}
      onPointerEnter={() => onPoint(id)}
      onPointerLeave={() => onPoint(null)}
      onFocus={() => onPoint(id)}
      onBlur={() => onPoint(null)}
    >
      <span className="grid size-full place-items-center rounded-full bg-surface font-medium text-ink text-xs">
        {short.format(count)}
      </span>
    </button>
  );
});

/** Where the arrow keys go from a mark: to the next larger or smaller one. */
const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** `x`, `y`: pixels from where the list's anchor is drawn. */
type PlacedMark = { cluster: MapCluster; button: HTMLElement; x: number; y: number };

/** Writes a style only when it differs: even an equal one makes the browser work it out anew. */
function setStyle(element: HTMLElement | null, name: "translate" | "visibility", value: string): void {
  if (element !== null && element.style[name] !== value) element.style[name] = value;
}

const isSeen = ({ button }: PlacedMark) => button.style.visibility === "visible";

/** Tab comes to the mark that has the keyboard, or else to the largest in view. `marks`: the largest first. */
function setTabStop(marks: readonly PlacedMark[]): void {
  const seen = marks.filter(isSeen);
  const stop = seen.find(({ button }) => button === document.activeElement) ?? seen[0];
  for (const mark of marks) {
    const tabIndex = mark === stop ? 0 : -1;
    if (mark.button.tabIndex !== tabIndex) mark.button.tabIndex = tabIndex;
  }
}

interface ClusterMarksProps {
  readonly view: MapView;
  readonly clusters: readonly MapCluster[];
}

/**
 * Many drivers as one mark: a ring of their states around their number. They are buttons of the page, not paint: Tab and a screen
 * reader reach them, and they take the theme's colours by themselves. Arrows go by size, a screen reader by place.
 */
export function ClusterMarks({ view, clusters }: ClusterMarksProps) {
  const list = useRef<HTMLFieldSetElement>(null);
  const [pointed, setPointed] = useState<string | null>(null);
  const marks = useRef<PlacedMark[]>([]);
  /** A fixed place on the ground: marks are placed from here, so news that hardly moves one leaves its style as it is. */
  const anchor = useRef<MapPoint | null>(null);
  // One that becomes larger than another stays where it is in the page: a button that is moved there loses the keyboard.
  const inPage = useMemo(() => clusters.toSorted((a, b) => (a.id < b.id ? -1 : 1)), [clusters]);

  useLayoutEffect(() => {
    const buttons = new Map(
      Array.from(list.current?.querySelectorAll<HTMLElement>("[data-cluster]") ?? [], (button) => [
        button.dataset.cluster,
        button,
      ]),
    );
    anchor.current ??= clusters[0] ?? null;
    marks.current = clusters
      .toSorted((a, b) => b.count - a.count)
      .flatMap((cluster) => {
        const button = buttons.get(cluster.id);
        return button ? { cluster, button, x: 0, y: 0 } : [];
      });
    let zoom = Number.NaN;
    const place = () => {
      if (anchor.current === null) return;
      const drawn = view.placeOf(anchor.current);
      // Whole pixels, or the numbers are drawn blurred.
      const origin = { x: Math.round(drawn.x), y: Math.round(drawn.y) };
      if (view.zoomLevel !== zoom) {
        for (const mark of marks.current) {
          const { x, y } = view.placeOf(mark.cluster);
          [mark.x, mark.y] = [Math.round(x - origin.x), Math.round(y - origin.y)];
          setStyle(mark.button, "translate", `${mark.x}px ${mark.y}px`);
        }
        zoom = view.zoomLevel;
      }
      // While the map is only shifted so are they, as one.
      setStyle(list.current, "translate", `${origin.x}px ${origin.y}px`);
      const { width, height } = view.size;
      for (const mark of marks.current) {
        const [x, y] = [mark.x + origin.x, mark.y + origin.y];
        // What lies outside cannot be reached by Tab either: the browser would scroll to it.
        const isInside = x >= 0 && y >= 0 && x <= width && y <= height;
        setStyle(mark.button, "visibility", isInside ? "visible" : "hidden");
      }
      setTabStop(marks.current);
    };
    place();
    return view.onMove(place);
  }, [view, clusters]);

  const open = useCallback(
    (id: string) => {
      const mark = marks.current.find(({ cluster }) => cluster.id === id);
      if (mark) view.openCluster(mark.cluster);
    },
    [view],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const seen = marks.current.filter(isSeen);
    const here = seen.findIndex(({ button }) => button === event.target);
    seen.at((here + step) % seen.length)?.button.focus();
    setTabStop(marks.current);
  };
  const told = pointed === null ? undefined : clusters.find(({ id }) => id === pointed);

  return createPortal(
    <>
      <fieldset
        ref={list}
        aria-label="Drivers by place"
        className="pointer-events-none absolute inset-0 will-change-[translate]"
        onKeyDown={onKeyDown}
        onClick={(event) => event.stopPropagation()}
      >
        {inPage.map((cluster) => (
          <Mark
            key={cluster.id}
            id={cluster.id}
            count={cluster.count}
            words={inWords(cluster)}
            ring={ringImage(cluster.states)}
            onOpen={open}
            onPoint={setPointed}
          />
        ))}
      </fieldset>
      {told && <Tip view={view} cluster={told} />}
    </>,
    view.overlay,
  );
}

/** What the ring says, in words. */
function Tip({ view, cluster }: { view: MapView; cluster: MapCluster }) {
  const tip = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { offsetWidth = 0, offsetHeight = 0 } = tip.current ?? {};
    const [half, away] = [offsetWidth / 2 + TIP_GAP_PX, sizeOf(cluster.count) / 2 + TIP_GAP_PX];
    const place = () => {
      const { x, y } = view.placeOf(cluster);
      // Above the mark, or below where there is no room; never over an edge.
      const above = y - away - offsetHeight;
      const left = Math.max(half, Math.min(view.size.width - half, x)) - offsetWidth / 2;
      if (tip.current) tip.current.style.translate = `${left}px ${above > 0 ? above : y + away}px`;
    };
    place();
    return view.onMove(place);
  }, [view, cluster]);
  return (
    <div
      ref={tip}
      role="tooltip"
      className="absolute top-0 left-0 z-10 w-max animate-fade rounded-md bg-raised px-2 py-1.5 text-ink text-xs shadow-float"
    >
      <p className="pb-0.5 font-medium">
        {cluster.count.toLocaleString("en")} {cluster.count === 1 ? "driver" : "drivers"}
      </p>
      <ul>
        {ringOf(cluster.states ?? {}).map(({ state, count }) => (
          <li key={state} className="flex items-center gap-1.5">
            <StateDot look={DRIVER_LOOK[state]} />
            <span className="flex-1 text-muted">{DRIVER_LOOK[state].label}</span>
            <span className="pl-3 font-mono">{count.toLocaleString("en")}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
