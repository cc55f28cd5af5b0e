import type { BatchRow } from "#server/contracts/matching.ts";
import type { Exclusion } from "#server/domain/matching/exclusion.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface BatchRecord extends Omit<BatchRow, "at"> {
  readonly at: Date;
  readonly searchBegan: Date;
  readonly excluded: readonly Exclusion[];
}

interface Row {
  readonly id: string;
  readonly batch: number;
  readonly looks: number;
  readonly radius_meters: number;
  readonly asked: number;
  readonly source: BatchRow["source"];
  readonly rules: BatchRow["rules"];
  readonly took_ms: number;
  readonly at: Date;
  readonly search_began_at: Date;
  readonly excluded: readonly Exclusion[];
}

/** The record of a trip's searches, oldest first. */
export async function readBatches(db: Queryable, tripId: string): Promise<BatchRecord[]> {
  const { rows } = await db.query<Row>({
    name: "dispatch-batches-of-trip",
    text: `SELECT id, batch, looks, radius_meters, asked, source, rules, took_ms, at, search_began_at, excluded
           FROM dispatch_batches WHERE trip_request_id = $1 ORDER BY search_began_at, batch LIMIT 200`,
    values: [tripId],
  });
  return rows.map((row) => ({
    id: row.id,
    batch: row.batch,
    looks: row.looks,
    radiusMeters: row.radius_meters,
    asked: row.asked,
    source: row.source,
    rules: row.rules,
    tookMs: row.took_ms,
    at: row.at,
    searchBegan: row.search_began_at,
    excluded: row.excluded,
  }));
}

export const toBatchRow = ({ excluded: _, searchBegan: __, at, ...row }: BatchRecord): BatchRow => ({
  ...row,
  at: at.toISOString(),
});

export interface OfferOfDriver {
  readonly batch: number;
  readonly distance_meters: number;
  readonly status: string;
  readonly reason: string | null;
  readonly offered_at: Date;
  readonly ended_at: Date | null;
  readonly score_seconds: number | null;
}

export async function readOffersOf(db: Queryable, tripId: string, driverId: string): Promise<OfferOfDriver[]> {
  const { rows } = await db.query<OfferOfDriver>({
    name: "offers-of-driver-for-trip",
    text: `SELECT batch, distance_meters, status, reason, offered_at, ended_at, score_seconds FROM trip_offers
           WHERE trip_request_id = $1 AND driver_id = $2 ORDER BY offered_at`,
    values: [tripId, driverId],
  });
  return rows;
}

export interface SearchOfTrip {
  readonly at: { readonly x: number; readonly y: number };
  readonly category_id: string;
  readonly bidding: boolean;
  readonly search_began: Date;
  readonly settings: unknown;
  readonly dispatch_batch: number;
}

export async function readSearch(db: Queryable, tripId: string): Promise<SearchOfTrip | null> {
  const { rows } = await db.query<SearchOfTrip>({
    name: "search-of-trip",
    text: `SELECT c.pickup_coordinates AS at, t.vehicle_category_id AS category_id, t.bidding, t.dispatch_batch,
             coalesce(t.search_began_at, t.created_at) AS search_began, m.settings
           FROM trip_requests t JOIN trip_request_coordinates c ON c.trip_request_id = t.id
           LEFT JOIN zone_matching_settings m ON m.zone_id = t.zone_id WHERE t.id = $1`,
    values: [tripId],
  });
  return rows[0] ?? null;
}

export interface DriverName {
  readonly id: string;
  readonly name: string;
  readonly phone: string | null;
  readonly plate: string | null;
}

export async function readDriverNames(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, DriverName>> {
  const { rows } = await db.query<DriverName>({
    name: "driver-names",
    text: `SELECT u.id, u.first_name || ' ' || u.last_name AS name, u.phone, v.licence_plate_number AS plate
           FROM users u JOIN driver_details d ON d.user_id = u.id
           LEFT JOIN vehicles v ON v.driver_id = u.id AND v.is_active WHERE u.id = ANY($1::uuid[])`,
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, row]));
}
