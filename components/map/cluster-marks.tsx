"use client";

import { type KeyboardEvent, memo, type Ref, useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { DRIVER_LOOK } from "#components/ui/state-hues.ts";
import { StateDot } from "#components/ui/state-pill.tsx";
import { ringOf } from "./cluster-share.ts";
import { DRIVER_HUES } from "./map-palette.ts";
import type { MapCluster } from "./map-types.ts";
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
  readonly isFirst: boolean;
  readonly onOpen: (id: string) => void;
  readonly onPoint: (id: string | null) => void;
}

/** Of plain values: drawn again only when they change, and not with each move of its drivers. */
const Mark = memo(function Mark({ id, count, words, ring, isFirst, onOpen, onPoint }: MarkProps) {
  const size = sizeOf(count);
  return (
    <button
      type="button"
      data-cluster={id}
      aria-label={words}
      tabIndex={isFirst ? 0 : -1}
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

/** Where the arrow keys go from a mark: to the next of the list, larger or smaller. */
const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

interface ClusterMarksProps {
  readonly view: MapView;
  readonly clusters: readonly MapCluster[];
}

/**
 * Many drivers as one mark: a ring of their states around their number. They are buttons of the page, not paint: Tab and a screen
 * reader reach them, and they take the theme's colours by themselves. The largest comes first.
 */
export function ClusterMarks({ view, clusters }: ClusterMarksProps) {
  const list = useRef<HTMLFieldSetElement>(null);
  const tipRef = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<string | null>(null);
  const known = useRef(new Map<string, MapCluster>());
  const sorted = useMemo(() => clusters.toSorted((a, b) => b.count - a.count), [clusters]);

  useLayoutEffect(() => {
    known.current = new Map(clusters.map((cluster) => [cluster.id, cluster]));
    const place = () => {
      // Read before anything is written: the browser would lay the page out anew for each mark.
      const { clientWidth, clientHeight } = view.overlay;
      const tip = tipRef.current;
      const told = known.current.get(tip?.dataset.tells ?? "");
      if (tip && told) {
        const { x, y } = view.placeOf(told);
        const [half, away] = [tip.offsetWidth / 2 + TIP_GAP_PX, sizeOf(told.count) / 2 + TIP_GAP_PX];
        // Above the mark, or below where there is no room; never over an edge.
        const above = y - away - tip.offsetHeight;
        const left = Math.max(half, Math.min(clientWidth - half, x)) - tip.offsetWidth / 2;
        tip.style.translate = `${left}px ${above > 0 ? above : y + away}px`;
      }
      for (const element of list.current?.querySelectorAll<HTMLElement>("[data-cluster]") ?? []) {
        const cluster = known.current.get(element.dataset.cluster ?? "");
        if (cluster === undefined) continue;
        const { x, y } = view.placeOf(cluster);
        element.style.translate = `${x}px ${y}px`;
        // What lies outside cannot be reached by Tab either: the browser would scroll to it.
        const isSeen = x >= 0 && y >= 0 && x <= clientWidth && y <= clientHeight;
        element.style.visibility = isSeen ? "visible" : "hidden";
      }
    };
    place();
    return view.onMove(place);
  });

  const open = useCallback(
    (id: string) => {
      const cluster = known.current.get(id);
      if (cluster) view.openCluster(cluster);
    },
    [view],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const marks = [...(list.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    marks.at((marks.indexOf(event.target as HTMLElement) + step) % marks.length)?.focus();
  };
  const told = pointed === null ? undefined : clusters.find(({ id }) => id === pointed);

  return createPortal(
    <fieldset
      ref={list}
      aria-label="Drivers by place"
      className="pointer-events-none absolute inset-0"
      onKeyDown={onKeyDown}
      onClick={(event) => event.stopPropagation()}
    >
      {sorted.map((cluster, i) => (
        <Mark
          key={cluster.id}
          id={cluster.id}
          count={cluster.count}
          words={inWords(cluster)}
          ring={ringImage(cluster.states)}
          isFirst={i === 0}
          onOpen={open}
          onPoint={setPointed}
        />
      ))}
      {told && <Tip ref={tipRef} cluster={told} />}
    </fieldset>,
    view.overlay,
  );
}

/** What the ring says, in words. */
function Tip({ cluster, ref }: { cluster: MapCluster; ref: Ref<HTMLDivElement> }) {
  return (
    <div
      ref={ref}
      data-tells={cluster.id}
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
