import type { LngLat, MapPoint, RoutePart } from "./map-types.ts";

/** Without a position for this long nobody knows where the driver was: phones send one every few seconds, 15 s at rest are kept. */
export const SILENCE_MS = 60_000;

/** A way in pieces, in the order driven: what is known of it, and what is not. */
export function drivenWay(
  points: readonly (MapPoint & { readonly at: string })[],
  silenceMs: number = SILENCE_MS,
): RoutePart[] {
  const parts: RoutePart[] = [];
  let driven: LngLat[] = [];
  const close = () => {
    if (driven.length > 1) parts.push({ kind: "driven", points: driven });
  };
  let before: (MapPoint & { readonly at: string }) | undefined;
  for (const point of points) {
    const here: LngLat = [point.lng, point.lat];
    if (before !== undefined && Date.parse(point.at) - Date.parse(before.at) > silenceMs) {
      close();
      parts.push({ kind: "gap", points: [[before.lng, before.lat], here] });
      driven = [];
    }
    driven.push(here);
    before = point;
  }
  close();
  return parts;
}
