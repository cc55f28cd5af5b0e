import type { DriverRow, Page } from "#server/contracts/console.ts";
import type { Availability } from "#server/contracts/trips.ts";
import { patternsOf, peopleStartingWith } from "#server/domain/ops/search.ts";
import type { Queryable } from "#server/platform/db.ts";

export const DRIVER_FILTERS = ["online", "available", "on_trip", "offline", "under_review"] as const;
export type DriverFilter = (typeof DRIVER_FILTERS)[number];

const CONDITIONS: Readonly<Record<DriverFilter, string>> = {
  online: "d.is_online",
  available: "d.is_online AND d.availability_status = 'available'",
  on_trip: "d.availability_status = 'on_trip'",
  offline: "NOT d.is_online",
  under_review: "d.under_review",
};

interface Row {
  readonly id: string;
  readonly name: string;
  readonly phone: string | null;
  readonly plate: string | null;
  readonly category: string | null;
  readonly is_online: boolean;
  readonly availability_status: Availability;
  readonly review_reason: string | null;
  readonly zone_name: string | null;
  readonly last_seen: Date | null;
  readonly trip_id: string | null;
  readonly trip_ref: string | null;
}

/** By the start of a plate, or of the driver's name or phone. */
const MATCHES = `d.user_id IN (
  ${peopleStartingWith({ asTyped: "$2", lower: "$4" })}
  UNION SELECT driver_id FROM vehicles WHERE upper(licence_plate_number) LIKE $5 AND is_active)`;

/** By id; `q` is the start of a phone, a plate, a name or a last name. */
export async function listDrivers(
  db: Queryable,
  filter: {
    readonly q: string | null;
    readonly state: DriverFilter | null;
    readonly cursor: string | null;
    readonly limit: number;
  },
): Promise<Page<DriverRow>> {
  const wanted = patternsOf(filter.q);
  const { rows } = await db.query<Row>({
    text: `SELECT u.id, u.first_name || ' ' || u.last_name AS name, u.phone, v.licence_plate_number AS plate, k.code AS category,
        d.is_online, d.availability_status, CASE WHEN d.under_review THEN coalesce(d.review_reason, 'no reason given') END AS review_reason, z.name AS zone_name, l.updated_at AS last_seen, t.id AS trip_id, t.ref_id AS trip_ref
      FROM driver_details d
      JOIN users u ON u.id = d.user_id
      LEFT JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active
      LEFT JOIN vehicle_categories k ON k.id = v.category_id
      LEFT JOIN user_last_locations l ON l.user_id = d.user_id
      LEFT JOIN zones z ON z.id = l.zone_id
      LEFT JOIN trip_requests t ON t.driver_id = d.user_id AND t.current_status IN ('accepted', 'arrived', 'ongoing')
      WHERE ${filter.state === null ? "true" : CONDITIONS[filter.state]} AND ($1::uuid IS NULL OR d.user_id > $1)
        AND ${wanted === null ? "$2::text IS NULL AND $4::text IS NULL AND $5::text IS NULL" : MATCHES}
      ORDER BY d.user_id LIMIT $3`,
    values: [filter.cursor, wanted?.asTyped ?? null, filter.limit + 1, wanted?.lower ?? null, wanted?.upper ?? null],
  });
  const items = rows.slice(0, filter.limit).map(
    (row): DriverRow => ({
      id: row.id,
      name: row.name,
      phone: row.phone ?? "",
      plate: row.plate,
      category: row.category,
      isOnline: row.is_online,
      availability: row.availability_status,
      reviewReason: row.review_reason,
      zoneName: row.zone_name,
      lastSeenAt: row.last_seen?.toISOString() ?? null,
      liveTripId: row.trip_id,
      liveTripRef: row.trip_ref,
    }),
  );
  return { items, nextCursor: rows.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
}
