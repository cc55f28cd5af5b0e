import { type Position, type Ring, type Shape, withoutLoops } from "#server/contracts/zone-shape.ts";

const isPosition = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length >= 2 && value.every((one) => typeof one === "number");
const isRing = (value: unknown): value is [number, number][] => Array.isArray(value) && value.every(isPosition);
const isPart = (value: unknown): value is [number, number][][] => Array.isArray(value) && value.every(isRing);

interface Json {
  readonly type?: unknown;
  readonly geometry?: unknown;
  readonly features?: unknown;
  readonly coordinates?: unknown;
}

function partsOf(json: unknown): Shape | null {
  if (typeof json !== "object" || json === null) return null;
  const { type, geometry, features, coordinates } = json as Json;
  const plain = (parts: [number, number][][][]): Shape =>
    parts.map((part) => part.map((ring) => ring.map(([lng, lat]): Position => [lng, lat])));
  if (type === "Feature") return partsOf(geometry);
  if (type === "FeatureCollection" && Array.isArray(features)) {
    const all = features.map(partsOf);
    return all.includes(null) ? null : all.flatMap((parts) => parts ?? []);
  }
  if (type === "Polygon" && isPart(coordinates)) return plain([coordinates]);
  if (type === "MultiPolygon" && Array.isArray(coordinates) && coordinates.every(isPart)) return plain(coordinates);
  return null;
}

/** The outline that a text of GeoJSON holds: a geometry, a feature, or all features of a collection as parts; or why not. */
export function readOutline(text: string): { readonly shape: Shape } | { readonly problem: string } {
  try {
    const shape = partsOf(JSON.parse(text));
    return shape === null ? { problem: "This holds no Polygon or MultiPolygon." } : { shape };
  } catch {
    return { problem: "This is not JSON: a bracket or a comma is missing somewhere." };
  }
}

/** The features of a file of zones, or why there are none. */
export function readFeatures(text: string): { readonly features: unknown[] } | { readonly problem: string } {
  try {
    const json = JSON.parse(text) as Json | null;
    if (json?.type !== "FeatureCollection" || !Array.isArray(json.features))
      return { problem: "A file of zones is a GeoJSON FeatureCollection; this is not one." };
    return json.features.length === 0 ? { problem: "The file holds no features." } : { features: json.features };
  } catch {
    return { problem: "The file is not JSON." };
  }
}

/** Half a football field: a slip of who drew the border, not a place that somebody meant. */
const MOST_SQUARE_METERS = 5000;

/** Features of which some cross themselves a little, without those loops; null when there is nothing to cut off. */
export function withoutSmallLoops(
  features: readonly unknown[],
): { readonly features: unknown[]; readonly loops: number; readonly largestSquareMeters: number } | null {
  const cut: number[] = [];
  const mendRing = (ring: Ring): Ring => {
    const mended = withoutLoops(ring, MOST_SQUARE_METERS);
    cut.push(...(mended?.cut ?? []));
    return mended?.ring ?? ring;
  };
  const mended = features.map((feature) => {
    const { geometry } = (feature ?? {}) as { geometry?: Json };
    const shape = partsOf(geometry);
    if (shape === null) return feature;
    const parts = shape.map((part) => part.map(mendRing));
    const coordinates = geometry?.type === "Polygon" ? parts[0] : parts;
    return { ...(feature as object), geometry: { ...geometry, coordinates } };
  });
  return cut.length === 0
    ? null
    : { features: mended, loops: cut.length, largestSquareMeters: Math.ceil(Math.max(...cut)) };
}

export const outlineText = (shape: Shape): string => JSON.stringify({ type: "MultiPolygon", coordinates: shape });

/** Hands a text to the browser as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/geo+json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
