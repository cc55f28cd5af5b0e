/** A shape being drawn: its ground, its edges, and the corners and middles that one takes hold of. */
import type { Feature, FeatureCollection } from "./geojson.ts";
import type { GlLayer } from "./gl-library.ts";
import type { MapPalette } from "./map-palette.ts";
import type { LngLat, MapEditing } from "./map-types.ts";

const kind = (...names: string[]) => ["match", ["get", "kind"], names, true, false];

export function shapeLayers({ accent, surface, trips }: MapPalette): GlLayer[] {
  const source = "shape";
  const size = ["interpolate", ["linear"], ["zoom"], 10, 3, 14, 5.5];
  return [
    {
      ...{ id: "shape-ground", type: "fill", source, filter: kind("ground") },
      paint: { "fill-color": accent, "fill-opacity": 0.12 },
    },
    {
      ...{ id: "shape-edges", type: "line", source, filter: kind("ground", "drawn") },
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": accent, "line-width": 2.5 },
    },
    {
      ...{ id: "shape-middles", type: "circle", source, filter: kind("middle") },
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 1.5, 14, 3.5],
        "circle-color": surface,
        "circle-stroke-color": accent,
        "circle-stroke-width": 1,
        "circle-stroke-opacity": 0.7,
      },
    },
    {
      ...{ id: "shape-corners", type: "circle", source, filter: kind("corner", "picked") },
      paint: {
        "circle-radius": size,
        "circle-color": ["match", ["get", "kind"], "picked", accent, surface],
        "circle-stroke-color": accent,
        "circle-stroke-width": 2,
      },
    },
    {
      ...{ id: "shape-dots", type: "circle", source, filter: kind("dot") },
      paint: { "circle-radius": size, "circle-color": accent },
    },
    {
      ...{ id: "shape-faults", type: "circle", source, filter: kind("fault") },
      paint: {
        "circle-radius": 11,
        "circle-color": "transparent",
        "circle-stroke-color": trips.cancelled,
        "circle-stroke-width": 3,
      },
    },
  ];
}

const dot = (at: LngLat, properties: Record<string, unknown>): Feature => ({
  type: "Feature",
  properties,
  geometry: { type: "Point", coordinates: [...at] },
});

export function shapeData(editing: MapEditing | null): FeatureCollection {
  if (!editing) return { type: "FeatureCollection", features: [] };
  const { parts, drawn, picked, faults } = editing;
  const closed = (ring: readonly LngLat[]) => [...ring, ...ring.slice(0, 1)].map((at) => [...at]);
  const features: Feature[] = parts.map((part) => ({
    type: "Feature",
    properties: { kind: "ground" },
    geometry: { type: "Polygon", coordinates: part.map(closed) },
  }));
  for (const [p, part] of parts.entries())
    for (const [r, ring] of part.entries())
      for (const [index, at] of ring.entries()) {
        const place = { part: p, ring: r, index };
        const isPicked = picked?.part === p && picked.ring === r && picked.index === index;
        const next = ring[(index + 1) % ring.length] ?? at;
        features.push(dot([(at[0] + next[0]) / 2, (at[1] + next[1]) / 2], { ...place, kind: "middle" }));
        features.push(dot(at, { ...place, kind: isPicked ? "picked" : "corner" }));
      }
  if (drawn && drawn.length > 0) {
    if (drawn.length > 1)
      features.push({
        type: "Feature",
        properties: { kind: "drawn" },
        geometry: { type: "LineString", coordinates: drawn.map((at) => [...at]) },
      });
    for (const at of drawn) features.push(dot(at, { kind: "dot" }));
  }
  for (const at of faults) features.push(dot(at, { kind: "fault" }));
  return { type: "FeatureCollection", features };
}
