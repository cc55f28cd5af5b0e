import type { Coordinates } from "#server/contracts/geo.ts";
import type { ProviderClient } from "#server/platform/http-client.ts";
import type { Logger } from "#server/platform/logger.ts";

/** Metres and seconds along a way. `estimated`: a straight line, because no provider answered. */
export interface Route {
  readonly distanceMeters: number;
  readonly durationSeconds: number;
  /** Encoded polyline (precision 5), when the provider drew one. */
  readonly polyline: string | null;
  readonly estimated: boolean;
}

/** Metres and seconds from one place to another, without the way itself. */
export interface Eta {
  readonly durationSeconds: number;
  readonly distanceMeters: number;
  /** A straight line, because no provider answered. */
  readonly estimated: boolean;
}

export interface Router {
  /** Through all `points` in order (at least two). Never throws: it falls back to a straight line. */
  route(points: readonly Coordinates[]): Promise<Route>;
  /** From each origin to one destination, in their order. Never throws, and does not wait long. */
  etas(origins: readonly Coordinates[], destination: Coordinates): Promise<readonly Eta[]>;
}

const EARTH_RADIUS_METERS = 6_371_008.8;
const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Great-circle distance in metres. */
export function haversineMeters(a: Coordinates, b: Coordinates): number {
  const dLat = radians(b.lat - a.lat);
  const dLng = radians(b.lng - a.lng);
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(dLng / 2) ** 2;
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** 40 km/h, the brief's average for its fallback (audit 3.8). */
const FALLBACK_METERS_PER_SECOND = 40_000 / 3600;

/** Straight lines between the points at 40 km/h. */
export function straightLine(points: readonly Coordinates[]): Route {
  let meters = 0;
  for (let i = 1; i < points.length; i++) {
    const [from, to] = [points[i - 1], points[i]];
    if (from !== undefined && to !== undefined) meters += haversineMeters(from, to);
  }
  return {
    distanceMeters: Math.round(meters),
    durationSeconds: Math.round(meters / FALLBACK_METERS_PER_SECOND),
    polyline: null,
    estimated: true,
  };
}

interface OsrmAnswer {
  readonly routes?: readonly { readonly distance: number; readonly duration: number; readonly geometry: string }[];
}

/** OSRM's HTTP API (`/route/v1/driving`) when configured; else, and when it fails, `straightLine`. */
export function createRouter(options: {
  osrm: { url: string; client: ProviderClient } | null;
  logger: Logger;
}): Router {
  return {
    async etas(origins, destination) {
      return origins.map((origin) => straightLine([origin, destination]));
    },
    async route(points) {
      if (options.osrm === null) return straightLine(points);
      const path = points.map((point) => `${point.lng},${point.lat}`).join(";");
      try {
        const url = `${options.osrm.url}/route/v1/driving/${path}?overview=simplified&geometries=polyline`;
        const best = ((await options.osrm.client.call({ url, method: "GET" })) as OsrmAnswer | null)?.routes?.[0];
        if (best === undefined) return straightLine(points);
        return {
          distanceMeters: Math.round(best.distance),
          durationSeconds: Math.round(best.duration),
          polyline: best.geometry,
          estimated: false,
        };
      } catch (error) {
        options.logger.warn({ err: error }, "routing provider failed; using a straight line");
        return straightLine(points);
      }
    },
  };
}
