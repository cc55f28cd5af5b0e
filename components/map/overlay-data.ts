/** Props to GeoJSON, one function a source. Pure. */

import type { DrawnDriver } from "./driver-motion.ts";
import type { Feature, FeatureCollection, Geometry, MultiPolygon, Polygon, Position } from "./geojson.ts";
import type { LngLatBounds, MapPoint, MapTrip, MapZones, RoutePart } from "./map-types.ts";

/** Riders waiting beyond the drivers there, at which a zone is at its warmest. */
const WORST_SHORTAGE = 12;
/** Cells across a zone when looking for room for its label. */
const LATTICE = 18;

const collection = (features: Feature[]): FeatureCollection => ({ type: "FeatureCollection", features });
const feature = (geometry: Geometry, properties: Record<string, unknown>): Feature => ({
  type: "Feature",
  properties,
  geometry,
});
const point = ({ lng, lat }: MapPoint): Geometry => ({ type: "Point", coordinates: [lng, lat] });
const line = (...points: MapPoint[]): Geometry => ({
  type: "LineString",
  coordinates: points.map(({ lng, lat }) => [lng, lat]),
});
const way = (points: readonly (readonly [lng: number, lat: number])[]): Geometry => ({
  type: "LineString",
  coordinates: points.map(([lng, lat]) => [lng, lat]),
});

export function zoneData(zones: MapZones): FeatureCollection {
  return collection(
    zones.features.map(({ geometry, properties: { id, demand, supply, isSubject = false } }) => {
      const shortage = demand === undefined || supply === undefined ? 0 : demand - supply;
      return feature(geometry, { id, isSubject, shortage: Math.min(1, Math.max(0, shortage) / WORST_SHORTAGE) });
    }),
  );
}

/** One point a zone for its name and figures: a label on the polygon itself would be repeated in every tile that it touches. */
export function zoneLabelData(zones: MapZones): FeatureCollection {
  return collection(
    zones.features.map(({ geometry, properties: { id, name, demand, supply, surge = 1 } }) => {
      const known = demand !== undefined && supply !== undefined;
      const more = surge > 1 ? ` · ${surge.toFixed(2).replace(/0$/, "")} ×` : "";
      const figures = known ? `${demand} wanted · ${supply} free${more}` : "";
      return feature({ type: "Point", coordinates: labelPoint(geometry) }, { id, name, figures });
    }),
  );
}

const labelPoints = new WeakMap<Polygon | MultiPolygon, Position>();

/** Sought once a shape: figures change every few seconds, and the search takes tens of milliseconds for a city's zones. */
function labelPoint(geometry: Polygon | MultiPolygon): Position {
  const known = labelPoints.get(geometry);
  if (known) return known;
  const sought = roomiestPoint(outerRing(geometry));
  labelPoints.set(geometry, sought);
  return sought;
}

function outerRing(geometry: Polygon | MultiPolygon): Position[] {
  if (geometry.type === "Polygon") return geometry.coordinates[0] ?? [];
  // The ring with most vertices stands for the zone: an island beside it does not.
  return geometry.coordinates.map((polygon) => polygon[0] ?? []).sort((a, b) => b.length - a.length)[0] ?? [];
}

/** The point of a lattice over the ring that lies farthest from its edges: a centroid can fall outside a bent zone. */
function roomiestPoint(ring: Position[]): Position {
  const box = boundsOf(ring.map(([lng = 0, lat = 0]) => ({ lng, lat })));
  if (!box) return [0, 0];
  const [[west, south], [east, north]] = box;
  let best: Position = [(west + east) / 2, (south + north) / 2];
  let bestRoom = 0;
  for (let i = 1; i < LATTICE; i++) {
    for (let j = 1; j < LATTICE; j++) {
      const at: Position = [west + ((east - west) * i) / LATTICE, south + ((north - south) * j) / LATTICE];
      const room = roomAt(at, ring);
      if (room > bestRoom) [best, bestRoom] = [at, room];
    }
  }
  return best;
}

/** Distance from a point to the ring's nearest edge, in degrees; 0 outside. */
function roomAt([x = 0, y = 0]: Position, ring: Position[]): number {
  let inside = false;
  let nearest = Number.POSITIVE_INFINITY;
  for (let i = 1; i < ring.length; i++) {
    const [ax = 0, ay = 0] = ring[i - 1] ?? [];
    const [bx = 0, by = 0] = ring[i] ?? [];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    const [dx, dy] = [bx - ax, by - ay];
    const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    nearest = Math.min(nearest, Math.hypot(x - ax - along * dx, y - ay - along * dy));
  }
  return inside ? nearest : 0;
}

export function tripData(trips: readonly MapTrip[]): FeatureCollection {
  return collection(
    trips.flatMap((trip) => {
      const properties = { id: trip.id, refId: trip.refId, status: trip.status };
      const isComing = trip.driver && (trip.status === "accepted" || trip.status === "attention");
      return [
        feature(trip.path ? way(trip.path) : line(trip.pickup, trip.destination), { ...properties, part: "line" }),
        feature(point(trip.destination), { ...properties, part: "destination" }),
        feature(point(trip.pickup), { ...properties, part: "pickup" }),
        ...(isComing && trip.driver
          ? [feature(line(trip.driver, trip.pickup), { ...properties, part: "approach" })]
          : []),
      ];
    }),
  );
}

export function driverData(drivers: readonly DrawnDriver[]): FeatureCollection {
  return collection(
    drivers.map((driver) => {
      const { id, name, state, heading } = driver;
      return feature(point(driver), heading == null ? { id, name, state } : { id, name, state, heading });
    }),
  );
}

export function routeData(route: readonly RoutePart[]): FeatureCollection {
  return collection(route.map(({ kind, points }) => feature(way(points), { part: kind })));
}

/** The smallest box around all points; null when there are none. */
export function boundsOf(points: Iterable<MapPoint>): LngLatBounds | null {
  let [west, south, east, north] = [180, 90, -180, -90];
  let any = false;
  for (const { lng, lat } of points) {
    any = true;
    west = Math.min(west, lng);
    east = Math.max(east, lng);
    south = Math.min(south, lat);
    north = Math.max(north, lat);
  }
  return any
    ? [
        [west, south],
        [east, north],
      ]
    : null;
}
