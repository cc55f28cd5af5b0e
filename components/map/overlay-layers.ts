/** What moves above the ground: zones, the route, trips and drivers; each a source of GeoJSON that the GPU draws. */
import { PLACES_FROM_ZOOM } from "./base-style.ts";
import type { GlLayer } from "./gl-library.ts";
import type { MapPalette } from "./map-palette.ts";
import type { MapSelection } from "./map-types.ts";
import { shapeLayers } from "./shape-layers.ts";

export const OVERLAY_SOURCES = ["zones", "zone-labels", "route", "trips", "drivers", "shape"] as const;
export type OverlaySource = (typeof OVERLAY_SOURCES)[number];

/** Layers that answer a click, what lies on top first. */
export const CLICKABLE = ["drivers", "trip-pickups", "trip-destinations", "trip-lines", "zone-fills"] as const;

/** Matches no feature: ids are never empty. */
const NONE = "";
const STATUS = ["get", "status"];
const part = (name: string) => ["==", ["get", "part"], name];

/** The filter of each layer that shows the selected thing alone. */
export function selectionFilters(selected: MapSelection | null): Record<string, unknown> {
  const idOf = (kind: MapSelection["kind"]) => (selected?.kind === kind ? selected.id : NONE);
  return {
    "zone-selected": ["==", ["get", "id"], idOf("zone")],
    "trip-selected": ["all", part("line"), ["==", ["get", "id"], idOf("trip")]],
    "trip-selected-pickup": ["all", part("pickup"), ["==", ["get", "id"], idOf("trip")]],
    "driver-selected": ["==", ["get", "id"], idOf("driver")],
  };
}

/** Every overlay layer, bottom first. `fonts`: CSS families, or those of the style's own glyph server. */
export function overlayLayers(palette: MapPalette, fonts: readonly string[], selected: MapSelection | null): GlLayer[] {
  const layers = [
    ...zoneLayers(palette, fonts),
    ...tripLayers(palette),
    ...driverLayers(palette, fonts),
    ...shapeLayers(palette),
  ];
  const filters = selectionFilters(selected);
  return layers.map((layer) => (filters[layer.id] ? { ...layer, filter: filters[layer.id] } : layer));
}

function zoneLayers(
  { zoneLine, accent, trips, muted, ground, theme }: MapPalette,
  fonts: readonly string[],
): GlLayer[] {
  const warmth = ["*", ["get", "shortage"], theme === "dark" ? 0.14 : 0.12];
  return [
    {
      id: "zone-fills",
      type: "fill",
      source: "zones",
      paint: {
        "fill-color": ["case", ["get", "isSubject"], accent, trips.pending],
        // Riders waiting beyond the drivers there warm the zone; a balanced one stays clear, yet can be clicked. Close in, where one
        // zone fills the screen, the warmth would only dim the streets.
        "fill-opacity": [
          ...["interpolate", ["linear"], ["zoom"]],
          ...[11.5, ["case", ["get", "isSubject"], 0.06, warmth], 13.5, ["case", ["get", "isSubject"], 0.06, 0]],
        ],
      },
    },
    {
      id: "zone-lines",
      type: "line",
      source: "zones",
      layout: { "line-join": "round" },
      paint: { "line-color": zoneLine, "line-opacity": 0.55, "line-width": 1, "line-dasharray": [4, 3] },
    },
    {
      id: "zone-outlines",
      type: "line",
      source: "zones",
      filter: ["get", "isSubject"],
      layout: { "line-join": "round" },
      paint: { "line-color": accent, "line-width": 1.5 },
    },
    {
      id: "zone-selected",
      type: "line",
      source: "zones",
      layout: { "line-join": "round" },
      paint: { "line-color": accent, "line-width": 2.5 },
    },
    {
      id: "zone-labels",
      type: "symbol",
      source: "zone-labels",
      // Farther in, the ground's own place names take over.
      maxzoom: PLACES_FROM_ZOOM,
      layout: {
        "text-field": ["format", ["get", "name"], {}, "\n", {}, ["get", "figures"], { "font-scale": 0.92 }],
        "text-font": fonts,
        "text-size": 12,
        "text-line-height": 1.3,
        "text-max-width": 14,
        "text-padding": 8,
      },
      paint: { "text-color": muted, "text-halo-color": ground.halo, "text-halo-width": 1.6 },
    },
    {
      // Over a time without positions: as the crow flies, and it shows.
      id: "route-gaps",
      type: "line",
      source: "route",
      filter: part("gap"),
      paint: { "line-color": accent, "line-width": 2, "line-opacity": 0.6, "line-dasharray": [1, 2.5] },
    },
    {
      id: "route",
      type: "line",
      source: "route",
      filter: part("driven"),
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": accent, "line-width": 4, "line-opacity": 0.75 },
    },
  ];
}

function tripLayers({ trips, surface }: MapPalette): GlLayer[] {
  const hue = ["match", STATUS, ...Object.entries(trips).flat(), trips.completed];
  const size = ["interpolate", ["linear"], ["zoom"], 10, 3, 14, 5.5];
  const stroke = { "line-color": hue, "line-dasharray": [2, 2] };
  return [
    {
      id: "trip-lines",
      type: "line",
      source: "trips",
      filter: part("line"),
      paint: { ...stroke, "line-width": 1.25, "line-opacity": 0.5 },
    },
    {
      id: "trip-approaches",
      type: "line",
      source: "trips",
      filter: part("approach"),
      paint: { "line-color": hue, "line-width": 1.25, "line-opacity": 0.8 },
    },
    { id: "trip-selected", type: "line", source: "trips", paint: { ...stroke, "line-width": 3 } },
    {
      id: "trip-destinations",
      type: "symbol",
      source: "trips",
      minzoom: 10.5,
      filter: part("destination"),
      layout: {
        "icon-image": ["concat", "destination-", STATUS],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 10, 0.65, 14, 1.1],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
    {
      id: "trip-pickups",
      type: "circle",
      source: "trips",
      filter: part("pickup"),
      paint: {
        "circle-radius": size,
        "circle-color": surface,
        "circle-stroke-color": hue,
        "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 10, 1.5, 14, 2.5],
      },
    },
    {
      id: "trip-selected-pickup",
      type: "circle",
      source: "trips",
      paint: {
        "circle-radius": 11,
        "circle-color": "transparent",
        "circle-stroke-color": hue,
        "circle-stroke-width": 2,
      },
    },
  ];
}

function driverLayers({ accent, ink, ground }: MapPalette, fonts: readonly string[]): GlLayer[] {
  const state = ["get", "state"];
  return [
    {
      id: "driver-selected",
      type: "circle",
      source: "drivers",
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 10, 15, 18],
        "circle-color": accent,
        "circle-opacity": 0.16,
        "circle-stroke-color": accent,
        "circle-stroke-width": 2,
      },
    },
    {
      id: "drivers",
      type: "symbol",
      source: "drivers",
      layout: {
        "icon-image": ["case", ["has", "heading"], ["concat", "driver-", state], ["concat", "driver-", state, "-dot"]],
        "icon-rotate": ["coalesce", ["get", "heading"], 0],
        "icon-rotation-alignment": "map",
        "icon-size": ["interpolate", ["linear"], ["zoom"], 9, 0.4, 11, 0.56, 13, 0.76, 16, 1.05],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        // Those who can take a trip lie over those who cannot.
        "symbol-sort-key": ["match", state, "available", 4, "offered", 3, "on_trip", 2, 1],
      },
      paint: { "icon-opacity": ["match", state, ["stale", "temporarily_offline"], 0.6, "offline", 0.4, 1] },
    },
    {
      id: "driver-names",
      type: "symbol",
      source: "drivers",
      minzoom: 14.5,
      layout: {
        "text-field": ["get", "name"],
        "text-font": fonts,
        "text-size": 11,
        "text-offset": [0, 1.5],
        "text-anchor": "top",
      },
      paint: { "text-color": ink, "text-halo-color": ground.halo, "text-halo-width": 1.5 },
    },
  ];
}
