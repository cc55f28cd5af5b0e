import type { Place } from "#server/contracts/geo.ts";
import type { TripStatus } from "#server/contracts/trips.ts";
import { TRIP_COLUMNS, TRIP_JOINS, type TripRow } from "#server/domain/trips/trip-row.ts";
import type { Queryable } from "#server/platform/db.ts";

/** What a transition needs to know of the locked row. */
export interface LockedTrip {
  readonly id: string;
  readonly customer_id: string;
  readonly driver_id: string | null;
  readonly vehicle_category_id: string;
  readonly zone_id: string | null;
  readonly current_status: TripStatus;
  readonly version: number;
  readonly estimated_distance: number;
  readonly surge_multiplier: number;
  readonly estimated_fare: number;
  /** What rider and driver agreed on; null: the distance driven decides. */
  readonly agreed_fare: number | null;
  /** Seconds since the start, by the clock that wrote the start. */
  readonly driving_seconds: number | null;
}

export interface NewTrip {
  readonly id: string;
  readonly refId: string;
  readonly customerId: string;
  readonly categoryId: string;
  readonly zoneId: string;
  readonly type: "ride_request" | "parcel";
  readonly paymentMethod: string;
  readonly currency: string;
  readonly estimatedFare: number;
  readonly surge: number;
  readonly distanceMeters: number;
  readonly durationSeconds: number;
  readonly routeEstimated: boolean;
  readonly polyline: string | null;
  readonly pickup: Place;
  readonly destination: Place;
  readonly stops: readonly Place[];
  readonly details: unknown;
  /** When to be picked up; null: as soon as possible. */
  readonly scheduledAt: Date | null;
  /** Where the zone has set nothing else: how long before a scheduled pick-up the search begins. */
  readonly scheduleLeadMinutes: number;
  readonly searchSeconds: number;
  readonly offerSeconds: number;
  readonly dispatchJobId: string;
}

/**
 * One statement: the trip, where it goes, and the job that finds it a driver. A scheduled trip gets none: it is due for
 * dispatch some time before its pick-up, by the database's clock, and found then as every trip that waits.
 */
const INSERT = `
WITH zone AS (
  SELECT greatest(now(), $25::timestamptz - make_interval(mins => coalesce((m.settings->>'scheduleLeadMinutes')::int, $26))) AS begins,
    coalesce((m.settings->>'searchSeconds')::int, $15) AS search_seconds,
    coalesce((m.settings->>'offerSeconds')::int, $16) AS offer_seconds,
    coalesce((m.settings->>'bidding')::int, 0) = 1 AS bidding
  FROM (SELECT $5::uuid AS id) z LEFT JOIN zone_matching_settings m ON m.zone_id = z.id
), trip AS (
  INSERT INTO trip_requests (id, ref_id, customer_id, vehicle_category_id, zone_id, type, payment_method, currency,
    estimated_fare, estimated_distance, estimated_duration, route_estimated, encoded_polyline, details, bidding,
    scheduled_at, search_began_at, search_ends_at, next_dispatch_at, dispatch_batch, surge_multiplier)
  SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, bidding, $25, begins,
    begins + make_interval(secs => search_seconds),
    CASE WHEN $25::timestamptz IS NULL THEN begins + make_interval(secs => offer_seconds) ELSE begins END,
    CASE WHEN $25::timestamptz IS NULL THEN 1 ELSE 0 END, $27
  FROM zone
  RETURNING *
), place AS (
  INSERT INTO trip_request_coordinates (trip_request_id, pickup_coordinates, pickup_address,
    destination_coordinates, destination_address, intermediate_coordinates)
  VALUES ($1, point($17, $18), $19, point($20, $21), $22, $23)
  RETURNING *
), told AS (
  INSERT INTO outbox (id, topic, trip_id, payload)
  SELECT $24, 'dispatch-trip', $1, jsonb_build_object('tripId', $1::uuid, 'batch', 1) WHERE $25::timestamptz IS NULL
)
SELECT ${TRIP_COLUMNS} FROM trip t ${TRIP_JOINS.replace("JOIN trip_request_coordinates", "JOIN place")}`;

export async function insertTrip(db: Queryable, trip: NewTrip): Promise<TripRow> {
  const { rows } = await db.query<TripRow>({
    name: "trip-insert",
    text: INSERT,
    values: [
      trip.id,
      trip.refId,
      trip.customerId,
      trip.categoryId,
      trip.zoneId,
      trip.type,
      trip.paymentMethod,
      trip.currency,
      trip.estimatedFare,
      trip.distanceMeters,
      trip.durationSeconds,
      trip.routeEstimated,
      trip.polyline,
      trip.details === undefined ? null : JSON.stringify(trip.details),
      trip.searchSeconds,
      trip.offerSeconds,
      trip.pickup.lng,
      trip.pickup.lat,
      trip.pickup.address ?? null,
      trip.destination.lng,
      trip.destination.lat,
      trip.destination.address ?? null,
      trip.stops.length === 0 ? null : JSON.stringify(trip.stops),
      trip.dispatchJobId,
      trip.scheduledAt,
      trip.scheduleLeadMinutes,
      trip.surge,
    ],
  });
  const [row] = rows;
  if (row === undefined) throw new Error("the inserted trip was not returned");
  return row;
}

export async function findTrip(db: Queryable, id: string): Promise<TripRow | null> {
  const text = `SELECT ${TRIP_COLUMNS} FROM trip_requests t ${TRIP_JOINS} WHERE t.id = $1`;
  const { rows } = await db.query<TripRow>({ name: "trip-by-id", text, values: [id] });
  return rows[0] ?? null;
}

/** Locks the row for a transition. Trips are always locked before drivers (see `assignment-store.ts`). */
export async function lockTrip(tx: Queryable, id: string): Promise<LockedTrip | null> {
  const { rows } = await tx.query<LockedTrip>({
    name: "trip-lock",
    text: `SELECT id, customer_id, driver_id, vehicle_category_id, zone_id, current_status, version, estimated_distance,
             surge_multiplier, estimated_fare, agreed_fare, EXTRACT(EPOCH FROM now() - trip_start_time)::float8 AS driving_seconds
           FROM trip_requests WHERE id = $1 FOR UPDATE`,
    values: [id],
  });
  return rows[0] ?? null;
}

/** Whether the driver was ever asked for this trip: what lets a driver see a waiting trip that is nobody's. */
export async function wasOffered(db: Queryable, tripId: string, driverId: string): Promise<boolean> {
  const text = "SELECT 1 FROM trip_offers WHERE trip_request_id = $1 AND driver_id = $2 LIMIT 1";
  const { rowCount } = await db.query({ name: "trip-was-offered", text, values: [tripId, driverId] });
  return (rowCount ?? 0) > 0;
}

/** Own trips, newest first, after the cursor's id (UUIDv7: ids sort by time). */
export async function listTripsOf(
  db: Queryable,
  person: { readonly column: "customer_id" | "driver_id"; readonly id: string },
  page: { readonly status: readonly TripStatus[] | null; readonly before: string | null; readonly limit: number },
): Promise<TripRow[]> {
  const { rows } = await db.query<TripRow>({
    name: `trips-of-${person.column}`,
    text: `SELECT ${TRIP_COLUMNS} FROM trip_requests t ${TRIP_JOINS}
           WHERE t.${person.column} = $1 AND ($2::text[] IS NULL OR t.current_status = ANY($2)) AND ($3::uuid IS NULL OR t.id < $3)
           ORDER BY t.id DESC LIMIT $4`,
    values: [person.id, page.status, page.before, page.limit],
  });
  return rows;
}

export async function setArrived(tx: Queryable, id: string): Promise<void> {
  await tx.query(
    "UPDATE trip_requests SET current_status = 'arrived', arrived_at = now(), version = version + 1, updated_at = now() WHERE id = $1",
    [id],
  );
}

export async function setStarted(tx: Queryable, id: string): Promise<void> {
  await tx.query(
    "UPDATE trip_requests SET current_status = 'ongoing', trip_start_time = now(), version = version + 1, updated_at = now() WHERE id = $1",
    [id],
  );
}

export async function setCompleted(
  tx: Queryable,
  id: string,
  actual: { readonly fare: number; readonly distanceMeters: number },
): Promise<void> {
  await tx.query(
    `UPDATE trip_requests SET current_status = 'completed', trip_end_time = now(), actual_fare = $2, actual_distance = $3,
       version = version + 1, updated_at = now() WHERE id = $1`,
    [id, actual.fare, actual.distanceMeters],
  );
}

/** Cancelled by a person: the driver stays on the row, for the record. */
export async function setCancelled(tx: Queryable, id: string, by: string, reason: string): Promise<void> {
  await tx.query(
    `UPDATE trip_requests SET current_status = 'cancelled', cancelled_by = $2, cancel_reason = $3, trip_end_time = now(),
       next_dispatch_at = NULL, version = version + 1, updated_at = now() WHERE id = $1`,
    [id, by, reason],
  );
}

/**
 * Back to waiting: due for dispatch at once, with a search of its own, and the old driver's accepted offer and bid closed.
 * What was agreed was agreed with that driver.
 */
export async function setReleased(tx: Queryable, id: string, searchSeconds: number, reason: string): Promise<void> {
  await tx.query(
    `UPDATE trip_requests SET current_status = 'pending', driver_id = NULL, vehicle_id = NULL, locked_at = NULL,
       next_dispatch_at = now(), search_began_at = now(), dispatch_batch = 0, offered_batch = 0, agreed_fare = NULL,
       search_ends_at = now() + make_interval(secs => coalesce(
         (SELECT (m.settings->>'searchSeconds')::int FROM zone_matching_settings m WHERE m.zone_id = trip_requests.zone_id), $2)),
       version = version + 1, updated_at = now() WHERE id = $1`,
    [id, searchSeconds],
  );
  await tx.query(
    "UPDATE trip_offers SET status = 'revoked', reason = $2, ended_at = now() WHERE trip_request_id = $1 AND status = 'accepted'",
    [id, reason],
  );
  await tx.query(
    "UPDATE fare_biddings SET status = 'closed', reason = $2, ended_at = now() WHERE trip_request_id = $1 AND status = 'accepted'",
    [id, reason],
  );
}

/** The driver is done with a trip: free again, or unavailable when they went offline on the way or are under review. */
export async function freeDriver(tx: Queryable, driverId: string): Promise<void> {
  await tx.query(
    `UPDATE driver_details SET availability_status = CASE WHEN is_online AND NOT under_review THEN 'available' ELSE 'unavailable' END,
       availability_since = now(), updated_at = now() WHERE user_id = $1 AND availability_status = 'on_trip'`,
    [driverId],
  );
}

/** Counts a wrong or right code; returns how many wrong ones came in a row within the last minute, this one included. */
export async function countOtpAttempt(
  tx: Queryable,
  tripId: string,
  codeHash: string,
  right: boolean,
): Promise<number> {
  const { rows } = await tx.query<{ attempts: number }>(
    `INSERT INTO otp_verifications (id, purpose, subject, code_hash, attempts, last_attempt_at, expires_at, consumed_at)
     VALUES (gen_random_uuid(), 'trip_start', $1, $2, CASE WHEN $3 THEN 0 ELSE 1 END, now(), now() + interval '1 day', CASE WHEN $3 THEN now() END)
     ON CONFLICT (purpose, subject) DO UPDATE SET
       attempts = CASE WHEN $3 THEN otp_verifications.attempts
                       WHEN otp_verifications.last_attempt_at < now() - interval '1 minute' THEN 1
                       ELSE otp_verifications.attempts + 1 END,
       last_attempt_at = now(), consumed_at = CASE WHEN $3 THEN now() END
     RETURNING attempts`,
    [tripId, codeHash, right],
  );
  return rows[0]?.attempts ?? 0;
}

/** Wrong codes in a row within the last minute. */
export async function recentOtpFailures(tx: Queryable, tripId: string): Promise<number> {
  const { rows } = await tx.query<{ attempts: number }>(
    "SELECT attempts FROM otp_verifications WHERE purpose = 'trip_start' AND subject = $1 AND last_attempt_at > now() - interval '1 minute'",
    [tripId],
  );
  return rows[0]?.attempts ?? 0;
}
