"use client";

import "maplibre-gl/dist/maplibre-gl.css";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { ClusterMarks } from "./cluster-marks.tsx";
import { hasWebGl } from "./gl-library.ts";
import { MapControls } from "./map-controls.tsx";
import type { LiveMapProps } from "./map-types.ts";
import { MapView } from "./map-view.ts";
import { boundsOf, routeData, tripData, zoneData, zoneLabelData } from "./overlay-data.ts";
import { ShapeHand } from "./shape-hand.ts";
import { shapeData } from "./shape-layers.ts";

type Status = "opening" | "open" | "no-webgl" | "failed";

const MESSAGES: Readonly<Record<Exclude<Status, "open" | "opening">, [title: string, advice: string]>> = {
  "no-webgl": [
    "This browser cannot draw the map.",
    "WebGL is off or not supported. Turn on hardware acceleration, or use the list: nothing is missing from it.",
  ],
  failed: ["The map did not load.", "The list still works. Reload the page to try the map again."],
};

/** The live map. Load it with `next/dynamic` and `ssr: false`: it needs a browser. */
export function LiveMap(props: LiveMapProps) {
  const {
    zones,
    drivers,
    trips,
    clusters,
    selected = null,
    focus,
    route,
    editing = null,
    label = "Live map",
    className,
  } = props;
  const container = useRef<HTMLDivElement>(null);
  const handlers = useRef(props);
  const [view, setView] = useState<MapView | null>(null);
  const [status, setStatus] = useState<Status>("opening");

  useEffect(() => {
    handlers.current = props;
  });

  useEffect(() => {
    const element = container.current;
    if (!element) return;
    // The library loads while the page may already be leaving: whoever comes second cleans up.
    let left = false;
    let opened: MapView | null = null;
    MapView.open(element, label, {
      onSelect: (selection) => handlers.current.onSelect?.(selection),
      onViewport: (viewport) => handlers.current.onViewport?.(viewport),
    }).then(
      (map) => {
        if (left) return map.close();
        opened = map;
        setView(map);
        setStatus("open");
      },
      (error: unknown) => {
        console.error("Map:", error);
        if (left) return;
        element.replaceChildren();
        setStatus(hasWebGl() ? "failed" : "no-webgl");
      },
    );
    return () => {
      left = true;
      opened?.close();
      setView(null);
    };
  }, [label]);

  useEffect(() => {
    view?.setData("zones", zoneData(zones));
    view?.setData("zone-labels", zoneLabelData(zones));
  }, [view, zones]);
  useEffect(() => view?.setData("trips", tripData(trips)), [view, trips]);
  useEffect(() => view?.setData("route", routeData(route ?? [])), [view, route]);
  useEffect(() => view?.setDrivers(drivers), [view, drivers]);
  useEffect(() => view?.setData("shape", shapeData(editing)), [view, editing]);
  const isEditing = editing !== null;
  useEffect(() => {
    if (!view) return;
    view.setHand(
      isEditing
        ? new ShapeHand({
            onGrab: (corner) => handlers.current.editing?.onGrab(corner),
            onDrag: (corner, at) => handlers.current.editing?.onDrag(corner, at),
            onPick: (corner) => handlers.current.editing?.onPick(corner),
            onGround: (at) => handlers.current.editing?.onGround(at),
          })
        : null,
    );
  }, [view, isEditing]);
  const selectedKind = selected?.kind;
  const selectedId = selected?.id;
  useEffect(() => {
    view?.select(selectedKind && selectedId ? { kind: selectedKind, id: selectedId } : null);
  }, [view, selectedKind, selectedId]);
  useEffect(() => {
    if (focus) view?.focus(focus);
  }, [view, focus]);

  // With nobody about, the map shows the city.
  const fitAll = () =>
    view?.fit(boundsOf([...drivers, ...(clusters ?? []), ...trips.map((trip) => trip.pickup)]) ?? undefined);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && selected) props.onSelect?.(null);
    if (event.key === "0" && !event.ctrlKey && !event.metaKey) fitAll();
  };

  const message = status === "open" || status === "opening" ? null : MESSAGES[status];
  return (
    <section aria-label={label} className={`relative overflow-hidden ${className ?? ""}`} onKeyDown={onKeyDown}>
      {/* The library's stylesheet sets the position of its container, so a wrapper gives it its size. */}
      <div className="absolute inset-0">
        <div ref={container} className="size-full" />
      </div>
      {view && clusters && clusters.length > 0 ? <ClusterMarks view={view} clusters={clusters} /> : null}
      {view ? <MapControls onZoom={(direction) => view.zoom(direction)} onFit={fitAll} /> : null}
      {message ? (
        <div role="status" className="absolute inset-0 grid place-content-center gap-1 bg-canvas p-6 text-center">
          <p className="text-ink">{message[0]}</p>
          <p className="max-w-96 text-muted">{message[1]}</p>
        </div>
      ) : null}
    </section>
  );
}
