import { type Around, around } from "#server/domain/matching/around.ts";
import { FREE_AVAILABILITIES, STALE_SECONDS } from "#server/domain/matching/exclusion.ts";
import type { Queryable } from "#server/platform/db.ts";
import type { DriverIndex, IndexedDriver, NearDriver, NearSearch } from "#server/platform/driver-index/driver-index.ts";
import { haversineMeters } from "#server/platform/routing.ts";

const AVAILABLE = FREE_AVAILABILITIES.map((name) => `'${name}'`).join(", ");
/** Who may be asked at all: SQL over `d`(river_details), `u`(sers), `v`(ehicles). */
const FREE = `d.is_online AND d.availability_status IN (${AVAILABLE}) AND NOT d.under_review AND u.is_active`;

/**
 * Nearest first from the GiST index, which orders by degrees; a degree of longitude is shorter than one of latitude, so the
 * order by metres is another. Drivers are taken from the index one by one until the next, even if it lay where
 * degrees are shortest, could not be nearer than the last of those wanted.
 */
const NEAREST = `
SELECT d.user_id AS driver_id, l.location[1] AS lat, l.location[0] AS lng
FROM user_last_locations l
JOIN driver_details d ON d.user_id = l.user_id
JOIN users u ON u.id = d.user_id
JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active AND v.category_id = $3
WHERE ${FREE} AND l.updated_at > now() - interval '${STALE_SECONDS} seconds'
  AND l.location <@ box(point($1::float8 - $5::float8, $2::float8 - $4::float8), point($1::float8 + $5::float8, $2::float8 + $4::float8))
ORDER BY l.location <-> point($1::float8, $2::float8)
LIMIT $6`;

/** Standalone, and while Redis is away: the database itself. */
export class PostgresDriverIndex implements DriverIndex {
  readonly #db: Queryable;

  constructor(db: Queryable) {
    this.#db = db;
  }

  async nearest(search: NearSearch): Promise<NearDriver[]> {
    const circle = around(search.at, search.radiusMeters);
    const found = await Promise.all(circle.centres.map((centre) => this.#nearestAround(centre, circle, search)));
    return found.flat().sort(byDistance).slice(0, search.limit);
  }

  async #nearestAround(
    centre: number,
    { latDegrees, lngDegrees, leastMeters }: Around,
    { at, categoryId, radiusMeters, limit }: NearSearch,
  ): Promise<NearDriver[]> {
    for (let take = limit * 2; ; take *= 4) {
      const { rows } = await this.#db.query<{ driver_id: string; lat: number; lng: number }>({
        name: "drivers-nearest",
        text: NEAREST,
        values: [centre, at.lat, categoryId, latDegrees, lngDegrees, take],
      });
      const found = rows
        .map(({ driver_id, lat, lng }) => ({
          driverId: driver_id,
          lat,
          lng,
          distanceMeters: haversineMeters(at, { lat, lng }),
        }))
        .sort(byDistance);
      const last = rows.at(-1);
      // No driver further in degrees than this can be nearer than this in metres.
      const certainMeters =
        rows.length < take || last === undefined
          ? Number.POSITIVE_INFINITY
          : Math.hypot(last.lat - at.lat, last.lng - centre) * leastMeters;
      const enough = (found[limit - 1]?.distanceMeters ?? Number.POSITIVE_INFINITY) <= certainMeters;
      if (enough || certainMeters >= radiusMeters)
        return found.filter((driver) => driver.distanceMeters <= radiusMeters).slice(0, limit);
    }
  }
}

const byDistance = (a: NearDriver, b: NearDriver) => a.distanceMeters - b.distanceMeters;

interface StateRow {
  readonly driver_id: string;
  readonly version: string;
  readonly category_id: string | null;
  readonly lat: number | null;
  readonly lng: number | null;
}

const STATE = `
SELECT d.user_id AS driver_id, d.index_version AS version, CASE WHEN ${FREE} THEN v.category_id END AS category_id,
  l.location[1] AS lat, l.location[0] AS lng
FROM driver_details d
JOIN users u ON u.id = d.user_id
LEFT JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active
LEFT JOIN user_last_locations l ON l.user_id = d.user_id AND l.updated_at > now() - interval '${STALE_SECONDS} seconds'`;

function toIndexed(row: StateRow): IndexedDriver {
  const known = { driverId: row.driver_id, version: Number(row.version) };
  if (row.category_id === null) return { ...known, state: "taken" };
  if (row.lat === null || row.lng === null) return { ...known, state: "lost" };
  return { ...known, state: "free", categoryId: row.category_id, lat: row.lat, lng: row.lng };
}

export async function readIndexed(db: Queryable, driverIds: readonly string[]): Promise<IndexedDriver[]> {
  const { rows } = await db.query<StateRow>({
    name: "drivers-indexed",
    text: `${STATE} WHERE d.user_id = ANY($1::uuid[])`,
    values: [driverIds],
  });
  return rows.map(toIndexed);
}

/** All drivers, by their ids, in pages. */
export async function* readAllIndexed(db: Queryable, pageSize: number): AsyncGenerator<IndexedDriver[]> {
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const { rows } = await db.query<StateRow>({
      name: "drivers-indexed-page",
      text: `${STATE} WHERE d.user_id > $1 ORDER BY d.user_id LIMIT $2`,
      values: [after, pageSize],
    });
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(toIndexed);
    after = last.driver_id;
  }
}

export interface ChangedDriver {
  readonly driverId: string;
  readonly version: number;
}

/** Drivers whose state changed after `version`, in that order. */
export async function readChanged(db: Queryable, version: number, limit: number): Promise<ChangedDriver[]> {
  const { rows } = await db.query<{ user_id: string; index_version: string }>({
    name: "drivers-changed",
    text: "SELECT user_id, index_version FROM driver_details WHERE index_version > $1 ORDER BY index_version LIMIT $2",
    values: [version, limit],
  });
  return rows.map((row) => ({ driverId: row.user_id, version: Number(row.index_version) }));
}

export async function lastVersion(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ version: string | null }>({
    name: "drivers-last-version",
    text: "SELECT max(index_version) AS version FROM driver_details",
  });
  return Number(rows[0]?.version ?? 0);
}
