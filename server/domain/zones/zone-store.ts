import type { Coordinates } from "#server/contracts/geo.ts";
import { newId } from "#server/contracts/ids.ts";
import type { Part, Position, Ring, Shape } from "#server/contracts/zone-shape.ts";
import { SURGE_NOW } from "#server/domain/surge/surge-store.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  /** What a trip booked there now costs more: 1 is nothing. */
  readonly surge: number;
}

/**
 * SQL for "this area holds this point". Compared in millionths of a degree: PostgreSQL takes a cross product below 1e-6
 * for zero, which in degrees lets points up to 100 m outside a short edge count as on it.
 */
const areaHolds = (area: string, lng: string, lat: string): string =>
  `polygon(path(${area}.area) * point(1e6, 0)) @> point(${lng} * 1e6, ${lat} * 1e6)`;

/**
 * SQL for the active zone that holds a point: in one of its parts and in no hole of that part; by priority where zones
 * overlap. `lng` and `lat` are SQL for float8s; `columns` are of `z`.
 */
export const zoneAt = (columns: string, lng: string, lat: string): string => `
  SELECT ${columns}
  FROM zone_areas a JOIN zones z ON z.id = a.zone_id AND z.is_active
  WHERE NOT a.is_hole AND box(a.area) @> box(point(${lng}, ${lat}), point(${lng}, ${lat})) AND ${areaHolds("a", lng, lat)}
    AND NOT EXISTS (SELECT 1 FROM zone_areas h WHERE h.zone_id = z.id AND h.part = a.part AND h.is_hole AND ${areaHolds("h", lng, lat)})
  ORDER BY z.priority DESC, z.id
  LIMIT 1`;

/** The zone that a trip from there belongs to; null outside our service area. */
export async function findZoneAt(db: Queryable, at: Coordinates): Promise<Zone | null> {
  const { rows } = await db.query<Zone>({
    name: "zone-at",
    text: zoneAt(`z.id, z.name, z.currency, ${SURGE_NOW} AS surge`, "$1::float8", "$2::float8"),
    values: [at.lng, at.lat],
  });
  return rows[0] ?? null;
}

export interface StoredZone {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly priority: number;
  readonly currency: string;
  readonly is_active: boolean;
  readonly version: number;
  readonly updated_by_name: string | null;
  readonly updated_at: Date;
  readonly shape: Shape;
}

/** PostgreSQL's `((x,y),…)`, closed as GeoJSON wants it. */
function ringOf(text: string): Ring {
  const points = [...text.matchAll(/\(([^(),]+),([^(),]+)\)/g)].map(([, x, y]): Position => [Number(x), Number(y)]);
  return points[0] === undefined ? points : [...points, points[0]];
}

interface ZoneRow extends Omit<StoredZone, "shape"> {
  readonly areas: readonly { readonly part: number; readonly area: string }[] | null;
}

/** Zones with their outlines, active or not, by name; all of them or those named. */
export async function readZones(db: Queryable, ids: readonly string[] | null = null): Promise<StoredZone[]> {
  const { rows } = await db.query<ZoneRow>({
    name: "zones-with-outlines",
    text: `SELECT z.id, z.code, z.name, z.priority, z.currency, z.is_active, z.version, z.updated_by_name, z.updated_at,
             (SELECT json_agg(json_build_object('part', a.part, 'area', a.area::text) ORDER BY a.part, a.is_hole, a.id)
              FROM zone_areas a WHERE a.zone_id = z.id) AS areas
           FROM zones z WHERE $1::uuid[] IS NULL OR z.id = ANY($1) ORDER BY z.name, z.id`,
    values: [ids],
  });
  return rows.map(({ areas, ...zone }) => {
    const parts = new Map<number, Part>();
    for (const { part, area } of areas ?? []) parts.set(part, [...(parts.get(part) ?? []), ringOf(area)]);
    return { ...zone, shape: [...parts.values()] };
  });
}

/** One who changes zones at a time: what one draws must be judged against what another has just drawn. Ends with the transaction. */
export async function lockZones(tx: Queryable): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('zones'))");
}

/** Holds off trips to be booked in a zone until the transaction ends. */
export async function lockZone(tx: Queryable, id: string): Promise<void> {
  await tx.query("SELECT 1 FROM zones WHERE id = $1 FOR UPDATE", [id]);
}

export interface ZoneFields {
  readonly name: string;
  readonly priority: number;
  readonly currency: string;
  readonly isActive: boolean;
}

export async function insertZone(
  tx: Queryable,
  zone: ZoneFields & { readonly id: string; readonly code: string },
  byName: string,
): Promise<void> {
  const { id, code, name, priority, currency, isActive } = zone;
  await tx.query(
    `INSERT INTO zones (id, code, name, priority, currency, is_active, updated_by_name) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [id, code, name, priority, currency, isActive, byName],
  );
}

/** Stored as the next version. */
export async function updateZone(tx: Queryable, id: string, zone: ZoneFields, byName: string): Promise<void> {
  await tx.query(
    `UPDATE zones SET name = $2, priority = $3, currency = $4, is_active = $5, updated_by_name = $6, version = version + 1,
       updated_at = now() WHERE id = $1`,
    [id, zone.name, zone.priority, zone.currency, zone.isActive, byName],
  );
}

export async function deleteZone(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM zones WHERE id = $1", [id]);
}

/** PostgreSQL closes a polygon by itself; GeoJSON repeats the first position. */
function polygonText(ring: Ring): string {
  const [first, last] = [ring[0], ring.at(-1)];
  const closed = first !== undefined && last !== undefined && first[0] === last[0] && first[1] === last[1];
  const open = closed ? ring.slice(0, -1) : ring;
  return `(${open.map(([lng, lat]) => `(${lng},${lat})`).join(",")})`;
}

/** Replaces a zone's outline. */
export async function writeShape(tx: Queryable, zoneId: string, shape: Shape): Promise<void> {
  const areas = shape.flatMap((rings, part) =>
    rings.map((ring, i) => ({ part, isHole: i > 0, area: polygonText(ring) })),
  );
  await tx.query("DELETE FROM zone_areas WHERE zone_id = $1", [zoneId]);
  await tx.query(
    `INSERT INTO zone_areas (id, zone_id, part, is_hole, area)
     SELECT id, $2, part, is_hole, area::polygon FROM unnest($1::uuid[], $3::int[], $4::bool[], $5::text[]) AS a(id, part, is_hole, area)`,
    [
      areas.map(() => newId()),
      zoneId,
      areas.map(({ part }) => part),
      areas.map(({ isHole }) => isHole),
      areas.map(({ area }) => area),
    ],
  );
}

/** Whether a trip was ever booked there. */
export async function isUsed(db: Queryable, zoneId: string): Promise<boolean> {
  const { rows } = await db.query<{ used: boolean }>({
    name: "zone-used",
    text: "SELECT EXISTS (SELECT 1 FROM trip_requests WHERE zone_id = $1) AS used",
    values: [zoneId],
  });
  return rows[0]?.used === true;
}

/**
 * Puts drivers within a box into the zone that holds them now. Rows that somebody is writing are left out, for a new
 * position brings its own zone, and waiting for them could deadlock with a batch of positions.
 */
export async function regroupDrivers(
  tx: Queryable,
  box: { readonly west: number; readonly south: number; readonly east: number; readonly north: number },
): Promise<number> {
  const { rowCount } = await tx.query({
    name: "zones-regroup-drivers",
    text: `
      WITH placed AS MATERIALIZED (
        SELECT l.user_id, l.zone_id AS before, (${zoneAt("z.id", "l.location[0]", "l.location[1]")}) AS zone_id
        FROM user_last_locations l WHERE l.location <@ box(point($1, $2), point($3, $4))
      ), mine AS (
        SELECT l.user_id, p.zone_id FROM user_last_locations l JOIN placed p ON p.user_id = l.user_id
        WHERE p.before IS DISTINCT FROM p.zone_id AND l.zone_id IS NOT DISTINCT FROM p.before
        FOR UPDATE OF l SKIP LOCKED
      )
      UPDATE user_last_locations l SET zone_id = m.zone_id FROM mine m WHERE m.user_id = l.user_id`,
    values: [box.west, box.south, box.east, box.north],
  });
  return rowCount ?? 0;
}
