import type { LiveDriver, LiveTrip, ShiftSummary, ZoneOutline } from "#server/contracts/console.ts";
import type { Coordinates } from "#server/contracts/geo.ts";
import type { Availability, TripStatus } from "#server/contracts/trips.ts";
import type { Queryable } from "#server/platform/db.ts";

interface DriverRow {
  readonly id: string;
  readonly name: string;
  readonly phone: string | null;
  readonly plate: string | null;
  readonly category: string | null;
  readonly is_online: boolean;
  readonly availability_status: Availability;
  readonly under_review: boolean;
  readonly disconnected: boolean;
  readonly lat: number;
  readonly lng: number;
  readonly heading: number | null;
  readonly speed: number | null;
  /** When the position reached us: a phone's own clock may be wrong. */
  readonly updated_at: Date;
  readonly trip_id: string | null;
  readonly offered: boolean;
}

/** Drivers that belong on the map: on line, or off line in the middle of a trip. */
const DRIVERS = `
SELECT u.id, u.first_name || ' ' || u.last_name AS name, u.phone, v.licence_plate_number AS plate, k.code AS category,
  d.is_online, d.availability_status, d.under_review, d.disconnected_at IS NOT NULL AS disconnected, l.location[1] AS lat, l.location[0] AS lng, l.heading, l.speed, l.updated_at,
  t.id AS trip_id, EXISTS (SELECT 1 FROM trip_offers o WHERE o.driver_id = u.id AND o.status = 'open') AS offered
FROM driver_details d
JOIN users u ON u.id = d.user_id AND u.is_active
JOIN user_last_locations l ON l.user_id = d.user_id
LEFT JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active
LEFT JOIN vehicle_categories k ON k.id = v.category_id
LEFT JOIN trip_requests t ON t.driver_id = d.user_id AND t.current_status IN ('accepted', 'arrived', 'ongoing')
WHERE (d.is_online OR d.availability_status = 'on_trip')`;

export const STALE_MS = 30_000;

/** One state per driver, by what a dispatcher needs to know first. */
export function stateOf(driver: {
  readonly is_online: boolean;
  readonly availability_status: Availability;
  readonly under_review: boolean;
  readonly disconnected: boolean;
  readonly offered: boolean;
}): LiveDriver["state"] {
  if (driver.under_review) return "under_review";
  if (driver.availability_status === "on_trip")
    return driver.is_online && !driver.disconnected ? "on_trip" : "temporarily_offline";
  if (driver.availability_status !== "available") return "offline";
  return driver.offered ? "offered" : "available";
}

export async function readDrivers(db: Queryable, ids: readonly string[]): Promise<LiveDriver[]> {
  const { rows } = await db.query<DriverRow>({
    name: "map-drivers",
    text: `${DRIVERS} AND d.user_id = ANY($1::uuid[])`,
    values: [ids],
  });
  return rows.map(toLiveDriver);
}

/** Drivers in the order of their ids, after one of them. */
export async function readDriverPage(db: Queryable, after: string | null, limit: number): Promise<LiveDriver[]> {
  const { rows } = await db.query<DriverRow>({
    name: "map-drivers-page",
    text: `${DRIVERS} AND d.user_id > $1 ORDER BY d.user_id LIMIT $2`,
    values: [after ?? "00000000-0000-0000-0000-000000000000", limit],
  });
  return rows.map(toLiveDriver);
}

const toLiveDriver = (row: DriverRow): LiveDriver => ({
  id: row.id,
  name: row.name,
  phone: row.phone ?? "",
  plate: row.plate,
  category: row.category,
  lat: row.lat,
  lng: row.lng,
  heading: row.heading,
  speed: row.speed,
  state: stateOf(row),
  tripId: row.trip_id,
  updatedAt: row.updated_at.toISOString(),
});

interface TripRow {
  readonly id: string;
  readonly ref_id: string;
  readonly current_status: TripStatus;
  readonly pickup: { readonly x: number; readonly y: number };
  readonly pickup_address: string | null;
  readonly destination: { readonly x: number; readonly y: number };
  readonly destination_address: string | null;
  readonly driver_id: string | null;
  readonly driver_name: string | null;
  readonly zone_id: string | null;
  readonly created_at: Date;
}

const TRIPS = `
SELECT t.id, t.ref_id, t.current_status, c.pickup_coordinates AS pickup, c.pickup_address, c.destination_coordinates AS destination,
  c.destination_address, t.driver_id, u.first_name || ' ' || u.last_name AS driver_name, t.zone_id, t.created_at
FROM trip_requests t JOIN trip_request_coordinates c ON c.trip_request_id = t.id
LEFT JOIN users u ON u.id = t.driver_id
WHERE t.current_status IN ('pending', 'accepted', 'arrived', 'ongoing') AND (t.search_began_at IS NULL OR t.search_began_at <= now())
  AND ($1::uuid[] IS NULL OR t.id = ANY($1))
ORDER BY t.created_at DESC LIMIT 2000`;

export async function readTrips(db: Queryable, ids: readonly string[] | null): Promise<LiveTrip[]> {
  const { rows } = await db.query<TripRow>({ name: "map-trips", text: TRIPS, values: [ids] });
  const place = (at: { x: number; y: number }, address: string | null) => ({
    lat: at.y,
    lng: at.x,
    ...(address === null ? {} : { address }),
  });
  return rows.map((row) => ({
    id: row.id,
    refId: row.ref_id,
    status: row.current_status,
    pickup: place(row.pickup, row.pickup_address),
    destination: place(row.destination, row.destination_address),
    driverId: row.driver_id,
    driverName: row.driver_name,
    zoneId: row.zone_id,
    createdAt: row.created_at.toISOString(),
  }));
}

/** What was planned of a trip, and who drives it. */
export interface TripPlan {
  readonly status: TripStatus;
  readonly driverId: string | null;
  readonly pickup: Coordinates;
  readonly stops: readonly Coordinates[];
  readonly destination: Coordinates;
  readonly distanceMeters: number;
  readonly durationSeconds: number;
  readonly polyline: string | null;
  readonly estimated: boolean;
}

export async function readPlan(db: Queryable, tripId: string): Promise<TripPlan | null> {
  const { rows } = await db.query<{
    current_status: TripStatus;
    driver_id: string | null;
    pickup: { readonly x: number; readonly y: number };
    destination: { readonly x: number; readonly y: number };
    stops: readonly Coordinates[];
    estimated_distance: number;
    estimated_duration: number;
    route_estimated: boolean;
    encoded_polyline: string | null;
  }>({
    name: "map-plan",
    text: `SELECT t.current_status, t.driver_id, c.pickup_coordinates AS pickup, c.destination_coordinates AS destination,
             coalesce(c.intermediate_coordinates, '[]') AS stops, t.estimated_distance, t.estimated_duration,
             t.route_estimated, t.encoded_polyline
           FROM trip_requests t JOIN trip_request_coordinates c ON c.trip_request_id = t.id WHERE t.id = $1`,
    values: [tripId],
  });
  const [row] = rows;
  if (row === undefined) return null;
  return {
    status: row.current_status,
    driverId: row.driver_id,
    pickup: { lat: row.pickup.y, lng: row.pickup.x },
    stops: row.stops,
    destination: { lat: row.destination.y, lng: row.destination.x },
    distanceMeters: row.estimated_distance,
    durationSeconds: row.estimated_duration,
    polyline: row.encoded_polyline,
    estimated: row.route_estimated,
  };
}

/** Parts and holes of every active zone, as GeoJSON MultiPolygon coordinates. */
export async function readZones(db: Queryable): Promise<ZoneOutline[]> {
  const { rows } = await db.query<{ id: string; name: string; part: number; is_hole: boolean; area: string }>(
    `SELECT z.id, z.name, a.part, a.is_hole, a.area::text AS area FROM zones z JOIN zone_areas a ON a.zone_id = z.id
     WHERE z.is_active ORDER BY z.name, z.id, a.part, a.is_hole`,
  );
  const zones = new Map<string, { id: string; name: string; parts: Map<number, [number, number][][]> }>();
  for (const row of rows) {
    const zone = zones.get(row.id) ?? { id: row.id, name: row.name, parts: new Map() };
    zones.set(row.id, zone);
    zone.parts.set(row.part, [...(zone.parts.get(row.part) ?? []), ringOf(row.area)]);
  }
  return [...zones.values()].map(({ id, name, parts }) => ({ id, name, coordinates: [...parts.values()] }));
}

/** PostgreSQL's `((x,y),…)`, closed as GeoJSON wants it. */
function ringOf(text: string): [number, number][] {
  const points = [...text.matchAll(/\(([^(),]+),([^(),]+)\)/g)].map(([, x, y]): [number, number] => [
    Number(x),
    Number(y),
  ]);
  const [first] = points;
  return first === undefined ? [] : [...points, first];
}

export async function readSummary(db: Queryable): Promise<ShiftSummary> {
  const { rows } = await db.query<{
    online: number;
    available: number;
    on_trip: number;
    pending: number;
    live: number;
    oldest: number | null;
  }>({
    name: "map-summary",
    text: `SELECT d.*, t.* FROM
      (SELECT count(*) FILTER (WHERE is_online)::int AS online,
              count(*) FILTER (WHERE is_online AND availability_status = 'available')::int AS available,
              count(*) FILTER (WHERE availability_status = 'on_trip')::int AS on_trip FROM driver_details) d,
      (SELECT count(*) FILTER (WHERE current_status = 'pending' AND NOT later)::int AS pending,
              count(*) FILTER (WHERE current_status <> 'pending')::int AS live,
              EXTRACT(EPOCH FROM now() - min(began) FILTER (WHERE current_status = 'pending' AND NOT later))::float8 AS oldest
       FROM (SELECT current_status, coalesce(search_began_at, created_at) AS began, coalesce(search_began_at > now(), false) AS later FROM trip_requests) trips
       WHERE current_status IN ('pending', 'accepted', 'arrived', 'ongoing')) t`,
  });
  const row = rows[0] ?? { online: 0, available: 0, on_trip: 0, pending: 0, live: 0, oldest: null };
  return {
    online: row.online,
    available: row.available,
    onTrip: row.on_trip,
    pendingTrips: row.pending,
    liveTrips: row.live,
    oldestPendingSeconds: row.oldest === null ? null : Math.round(row.oldest),
  };
}
