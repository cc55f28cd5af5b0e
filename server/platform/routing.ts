import type { Coordinates } from "#server/contracts/geo.ts";
import { inTime } from "#server/platform/in-time.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { RoutingProvider, Time, Way } from "#server/platform/routing-providers.ts";
import { seldom } from "#server/platform/seldom.ts";
import { ShortCache } from "#server/platform/short-cache.ts";

/** `estimated`: a straight line, because no provider answered. */
export type Route = Way & { readonly estimated: boolean };
/** How long a driver needs to somewhere, and how far it is. */
export type Eta = Time & { readonly estimated: boolean };

export interface Router {
  /** Through all `points` in order (at least two). Never throws: it falls back to a straight line. */
  route(points: readonly Coordinates[]): Promise<Route>;
  /** From each origin to the destination, in the origins' order, within half a second. Never throws, as above. */
  etas(origins: readonly Coordinates[], destination: Coordinates): Promise<Eta[]>;
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

const straightEta = (from: Coordinates, to: Coordinates): Eta => {
  const { distanceMeters, durationSeconds, estimated } = straightLine([from, to]);
  return { distanceMeters, durationSeconds, estimated };
};

/** A way is remembered this long: riders ask for the fare, look around, and book. */
const REMEMBERED_MS = 5 * 60_000;
const MAX_REMEMBERED = 5000;
/** Characters: some hundred kilometres, simplified. A longer one is not kept: it is memory for each way remembered. */
const MAX_POLYLINE = 20_000;
/** Nobody waits longer for the times of drivers to a pickup: an offer is better early than exact. */
const ETAS_WITHIN_MS = 500;
const MAX_KMH = 250;
/** In a jam; with an hour more for a ferry. */
const MIN_KMH = 2;

/** The answer can be the way between these points: not in other units, not backwards, not of another planet. */
function isPlausible(
  way: { distanceMeters: number; durationSeconds: number },
  points: readonly Coordinates[],
): boolean {
  const { distanceMeters: meters, durationSeconds: seconds } = way;
  const least = straightLine(points).distanceMeters;
  // Providers begin at the next road: a little shorter than the straight line is possible.
  return (
    meters >= Math.max(0, least * 0.8 - 500) &&
    meters <= least * 20 + 20_000 &&
    seconds >= Math.max(0, (meters / 1000 / MAX_KMH) * 3600 - 1) &&
    seconds <= (meters / 1000 / MIN_KMH) * 3600 + 3600
  );
}

/** About a metre: what GPS does not tell apart is one way. */
const rounded = ({ lat, lng }: Coordinates): Coordinates => ({
  lat: Number(lat.toFixed(5)),
  lng: Number(lng.toFixed(5)),
});

/**
 * Ways and times by road from `provider`, remembered for five minutes; where there is none, and when it fails, says
 * nonsense or takes too long, a straight line at 40 km/h, marked `estimated`.
 */
export function createRouter(options: {
  provider: RoutingProvider | null;
  logger: Logger;
  monotonicMs: () => number;
}): Router {
  const { provider, logger, monotonicMs } = options;
  const complain = seldom((trouble) => logger.warn(trouble, "routing by straight lines: the provider failed"));
  const ways = new ShortCache<Way | null>({
    read: async (key) => {
      const points = JSON.parse(key) as Coordinates[];
      const way = provider === null ? null : await provider.route(points);
      if (way === null) return null;
      if (!isPlausible(way, points)) throw new Error("an impossible distance or time");
      return { ...way, polyline: (way.polyline?.length ?? 0) > MAX_POLYLINE ? null : way.polyline };
    },
    maxAgeMs: REMEMBERED_MS,
    maxEntries: MAX_REMEMBERED,
    monotonicMs,
  });

  return {
    async route(points) {
      if (provider === null) return straightLine(points);
      try {
        const way = await ways.get(JSON.stringify(points.map(rounded)));
        if (way !== null)
          return {
            ...way,
            distanceMeters: Math.round(way.distanceMeters),
            durationSeconds: Math.round(way.durationSeconds),
            estimated: false,
          };
        complain(new Error("no way by road"));
      } catch (error) {
        complain(error);
      }
      return straightLine(points);
    },

    async etas(origins, destination) {
      const straight = origins.map((origin) => straightEta(origin, destination));
      if (provider === null || origins.length === 0) return straight;
      try {
        const answers = await inTime(ETAS_WITHIN_MS, provider.etas(origins.map(rounded), rounded(destination)));
        return origins.map((origin, i) => {
          const eta = answers[i];
          if (eta === undefined || eta === null || !isPlausible(eta, [origin, destination]))
            return straightEta(origin, destination);
          return {
            distanceMeters: Math.round(eta.distanceMeters),
            durationSeconds: Math.round(eta.durationSeconds),
            estimated: false,
          };
        });
      } catch (error) {
        complain(error);
        return straight;
      }
    },
  };
}
