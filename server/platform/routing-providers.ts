import { z } from "zod";
import type { Coordinates } from "#server/contracts/geo.ts";
import { type ProviderClient, ProviderError } from "#server/platform/http-client.ts";

export const ROUTING_PROVIDERS = ["osrm", "mapbox", "geolink"] as const;
export type RoutingProviderName = (typeof ROUTING_PROVIDERS)[number];

/** Metres and seconds along a way. */
export interface Time {
  readonly distanceMeters: number;
  readonly durationSeconds: number;
}
export interface Way extends Time {
  /** Encoded polyline (precision 5), when the provider drew one. */
  readonly polyline: string | null;
}

/** A service that knows roads. Both throw `ProviderError` when it fails or says what nobody can read; null: no way there. */
export interface RoutingProvider {
  route(points: readonly Coordinates[]): Promise<Way | null>;
  etas(origins: readonly Coordinates[], destination: Coordinates): Promise<readonly (Time | null)[]>;
}

interface Options {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | null;
  /** For a way: somebody waits for a fare. */
  readonly routes: ProviderClient;
  /** For the times of several drivers: less patient. */
  readonly tables: ProviderClient;
}

const lngLat = (points: readonly Coordinates[]) => points.map(({ lat, lng }) => `${lng},${lat}`).join(";");
const latLng = ({ lat, lng }: Coordinates) => `${lat},${lng}`;

/** OSRM says with status 400 that there is no way. */
const NO_WAY = /"code"\s*:\s*"(NoRoute|NoSegment)"/;

async function answer<T>(client: ProviderClient, url: string, schema: z.ZodType<T>): Promise<T | null> {
  let json: unknown;
  try {
    // Elsewhere, whoever answers is not the one we chose, and would be told our token.
    json = await client.call({ url, method: "GET", redirect: "error" });
  } catch (error) {
    if (error instanceof ProviderError && error.status === 400 && NO_WAY.test(error.message)) return null;
    throw error;
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  if (z.object({ code: z.enum(["NoRoute", "NoSegment"]) }).safeParse(json).success) return null;
  throw new ProviderError("the routing provider's answer cannot be read", { permanent: false });
}

const routesSchema = z.object({
  routes: z.array(z.object({ distance: z.number(), duration: z.number(), geometry: z.string() })).min(1),
});
const cells = z.array(z.array(z.number().nullable()));
const tableSchema = z.object({ durations: cells, distances: cells });

/** OSRM's HTTP API and Mapbox', which descends from it: metres and seconds, `lng,lat` in the path. */
function osrmLike(
  paths: { readonly route: string; readonly table: string; readonly query: string },
  { routes, tables }: Options,
): RoutingProvider {
  return {
    async route(points) {
      const url = `${paths.route}/${lngLat(points)}?overview=simplified&geometries=polyline${paths.query}`;
      const best = (await answer(routes, url, routesSchema))?.routes[0];
      if (best === undefined) return null;
      return { distanceMeters: best.distance, durationSeconds: best.duration, polyline: best.geometry };
    },
    async etas(origins, destination) {
      const sources = origins.map((_, i) => i).join(";");
      const url = `${paths.table}/${lngLat([...origins, destination])}?sources=${sources}&destinations=${origins.length}&annotations=duration,distance${paths.query}`;
      const table = await answer(tables, url, tableSchema);
      return origins.map((_, i) => {
        const [durationSeconds, distanceMeters] = [table?.durations[i]?.[0], table?.distances[i]?.[0]];
        if (typeof durationSeconds !== "number" || typeof distanceMeters !== "number") return null;
        return { durationSeconds, distanceMeters };
      });
    },
  };
}

const geoLinkSchema = z.union([
  z.object({ distance: z.number(), duration: z.number(), polyline: z.string().nullish() }),
  z.array(z.object({ distance: z.number(), duration: z.number(), polyline: z.string().nullish() })).max(20),
]);

/** As the brief has it (audit 3.5, 12.6): kilometres and seconds, `lat,lng` in the query, one way or a list; no table. */
function geoLink({ url: base, token, routes, tables }: Options): RoutingProvider {
  async function ask(client: ProviderClient, points: readonly Coordinates[]): Promise<Way | null> {
    const [origin, destination] = [points[0], points.at(-1)];
    if (origin === undefined || destination === undefined) return null;
    const query = new URLSearchParams({ origin: latLng(origin), destination: latLng(destination) });
    const between = points.slice(1, -1);
    if (between.length > 0) query.set("waypoints", between.map(latLng).join("|"));
    if (token !== null) query.set("api_key", token);
    const found = await answer(client, `${base}/route?${query}`, geoLinkSchema);
    const best = Array.isArray(found) ? found[0] : found;
    if (best === null || best === undefined) return null;
    return { distanceMeters: best.distance * 1000, durationSeconds: best.duration, polyline: best.polyline ?? null };
  }
  return {
    route: (points) => ask(routes, points),
    etas: (origins, destination) => Promise.all(origins.map((origin) => ask(tables, [origin, destination]))),
  };
}

export function createRoutingProvider(name: RoutingProviderName, options: Options): RoutingProvider {
  const { url, token } = options;
  switch (name) {
    case "osrm":
      return osrmLike({ route: `${url}/route/v1/driving`, table: `${url}/table/v1/driving`, query: "" }, options);
    case "mapbox":
      return osrmLike(
        {
          route: `${url}/directions/v5/mapbox/driving`,
          table: `${url}/directions-matrix/v1/mapbox/driving`,
          query: `&access_token=${encodeURIComponent(token ?? "")}`,
        },
        options,
      );
    case "geolink":
      return geoLink(options);
  }
}
