import type { Coordinates } from "#server/contracts/geo.ts";
import { around } from "#server/domain/matching/around.ts";
import { decayed } from "#server/domain/matching/driver-stats.ts";
import { type DriverFacts, STALE_SECONDS } from "#server/domain/matching/exclusion.ts";
import type { Scorable } from "#server/domain/matching/score.ts";
import type { Queryable } from "#server/platform/db.ts";
import { haversineMeters } from "#server/platform/routing.ts";

/** A driver near a pick-up: how they stand to the search, and what their score is made of. */
export interface NearbyDriver extends DriverFacts, Omit<Scorable, "distanceMeters"> {}

export interface CandidateSearch {
  readonly at: Coordinates;
  readonly tripId: string;
  readonly categoryId: string;
  readonly bidding: boolean;
  readonly searchBegan: Date;
  readonly radiusMeters: number;
  readonly offersPerDriver: number;
}

interface FactsRow {
  readonly driver_id: string;
  readonly is_active: boolean;
  readonly under_review: boolean;
  readonly is_online: boolean;
  readonly availability_status: string;
  readonly category_id: string | null;
  readonly lat: number | null;
  readonly lng: number | null;
  readonly position_age: number | null;
  readonly idle_seconds: number;
  readonly asked: boolean;
  readonly declined: boolean;
  readonly open_offers: number;
  readonly accepted: number;
  readonly turned_down: number;
  readonly ignored: number;
  readonly dropped: number;
}

/** Nobody further down the line is looked at: in a crowd of busy drivers a search must end. */
const LINE = 5000;
/**
 * Drivers from the GiST index, nearest first, one after another as they are asked for. No box around the pickup: the
 * planner, which takes every box for small, would read and sort all who are in it. The index orders by degrees; a degree
 * of longitude is shorter, so more are taken and sorted by metres.
 */
const line = (limit: string): string => `
  SELECT user_id, updated_at, location <-> point($1::float8, $2::float8) AS degrees FROM user_last_locations
  WHERE type = 'driver' ORDER BY location <-> point($1::float8, $2::float8) LIMIT ${limit}`;

/** The nearest drivers of any kind: who of them is not asked goes on the record. */
const NEAR = `(SELECT n.user_id FROM (${line("$6")}) n WHERE n.degrees <= $3)`;

/** The nearest who may be asked; for when the driver index is away, or named none of those. */
const FREE_NEAR = `(
  SELECT d.user_id FROM (${line(String(LINE))}) l
  JOIN driver_details d ON d.user_id = l.user_id AND d.is_online AND NOT d.under_review
    AND (d.availability_status = 'available' OR d.availability_status = 'on_bidding' AND $10)
  JOIN users u ON u.id = d.user_id AND u.is_active
  JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active AND v.category_id = $8
  WHERE l.degrees <= $3 AND l.updated_at > now() - interval '${STALE_SECONDS} seconds'
    AND NOT EXISTS (
      SELECT 1 FROM trip_offers o
      WHERE o.trip_request_id = $4 AND o.driver_id = d.user_id AND (o.offered_at >= $5 OR o.status = 'rejected'))
    AND (SELECT count(*) FROM trip_offers o WHERE o.driver_id = d.user_id AND o.status = 'open') < $9
  ORDER BY l.degrees LIMIT $7)`;

const facts = (drivers: string): string => `
SELECT d.user_id AS driver_id, u.is_active, d.under_review, d.is_online, d.availability_status, v.category_id,
  l.location[1] AS lat, l.location[0] AS lng, EXTRACT(EPOCH FROM now() - l.updated_at)::float8 AS position_age,
  EXTRACT(EPOCH FROM now() - d.availability_since)::float8 AS idle_seconds,
  coalesce(o.asked, false) AS asked, coalesce(o.declined, false) AS declined,
  (SELECT count(*)::int FROM trip_offers s WHERE s.driver_id = d.user_id AND s.status = 'open') AS open_offers,
  coalesce(h.accepted * h.remains, 0) AS accepted, coalesce(h.declined * h.remains, 0) AS turned_down,
  coalesce(h.ignored * h.remains, 0) AS ignored, coalesce(h.dropped * h.remains, 0) AS dropped
FROM (${drivers}) c
JOIN driver_details d ON d.user_id = c.user_id
JOIN users u ON u.id = d.user_id
LEFT JOIN user_last_locations l ON l.user_id = d.user_id
LEFT JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active
LEFT JOIN (
  SELECT driver_id, bool_or(offered_at >= $5::timestamptz) AS asked, bool_or(status = 'rejected') AS declined
  FROM trip_offers WHERE trip_request_id = $4::uuid GROUP BY driver_id) o ON o.driver_id = d.user_id
LEFT JOIN (SELECT *, ${decayed("as_of")} AS remains FROM driver_stats) h ON h.driver_id = d.user_id`;

/** Named by the index, and the nearest of any kind. */
const BY_INDEX = facts(`SELECT unnest($7::uuid[]) AS user_id UNION ${NEAR}`);
const BY_DATABASE = facts(`${FREE_NEAR} UNION ${NEAR}`);
const OF_DRIVERS = facts("SELECT unnest($1::uuid[]) AS user_id")
  .replaceAll("$4::uuid", "$2::uuid")
  .replaceAll("$5::timestamptz", "$3::timestamptz");

function toDriver(row: FactsRow, at: Coordinates): NearbyDriver {
  const place = row.lat === null || row.lng === null ? null : { lat: row.lat, lng: row.lng };
  return {
    driverId: row.driver_id,
    isActive: row.is_active,
    underReview: row.under_review,
    isOnline: row.is_online,
    availability: row.availability_status,
    categoryId: row.category_id,
    positionAgeSeconds: row.position_age,
    distanceMeters: place === null ? null : Math.round(haversineMeters(at, place)),
    lat: place?.lat ?? at.lat,
    lng: place?.lng ?? at.lng,
    asked: row.asked,
    declined: row.declined,
    openOffers: row.open_offers,
    idleSeconds: row.idle_seconds,
    history: {
      accepted: row.accepted,
      declined: row.turned_down,
      ignored: row.ignored,
      dropped: row.dropped,
    },
  };
}

/**
 * Who is near, in one round trip: those who may be asked (`named` by the index, or found here when null) and the nearest
 * of any kind. Nearest first; who is far outside the radius is not told.
 */
export async function readNearby(
  db: Queryable,
  search: CandidateSearch,
  want: {
    readonly named: readonly { readonly driverId: string }[] | null;
    readonly nearest: number;
    readonly free: number;
  },
): Promise<NearbyDriver[]> {
  const { centres, lngDegrees } = around(search.at, search.radiusMeters);
  const found = await Promise.all(
    centres.map((centre) => {
      const near = [centre, search.at.lat, lngDegrees, search.tripId, search.searchBegan, want.nearest];
      return want.named === null
        ? db.query<FactsRow>({
            name: "candidates-by-database",
            text: BY_DATABASE,
            values: [...near, want.free, search.categoryId, search.offersPerDriver, search.bidding],
          })
        : db.query<FactsRow>({
            name: "candidates-by-index",
            text: BY_INDEX,
            values: [...near, want.named.map((driver) => driver.driverId)],
          });
    }),
  );
  const rows = new Map(found.flatMap((each) => each.rows).map((row) => [row.driver_id, row]));
  return [...rows.values()].map((row) => toDriver(row, search.at)).sort(byDistance);
}

/** How these drivers stand to a trip's search now, wherever they are. */
export async function readDriverFacts(
  db: Queryable,
  search: Pick<CandidateSearch, "at" | "tripId" | "searchBegan">,
  driverIds: readonly string[],
): Promise<NearbyDriver[]> {
  const { rows } = await db.query<FactsRow>({
    name: "candidates-of-drivers",
    text: OF_DRIVERS,
    values: [driverIds, search.tripId, search.searchBegan],
  });
  return rows.map((row) => toDriver(row, search.at)).sort(byDistance);
}

const byDistance = (a: NearbyDriver, b: NearbyDriver) =>
  (a.distanceMeters ?? Number.MAX_SAFE_INTEGER) - (b.distanceMeters ?? Number.MAX_SAFE_INTEGER) ||
  (a.driverId < b.driverId ? -1 : 1);
