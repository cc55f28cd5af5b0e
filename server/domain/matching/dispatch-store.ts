import type { Coordinates } from "#server/contracts/geo.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface WaitingTrip {
  readonly id: string;
  readonly ref_id: string;
  readonly vehicle_category_id: string;
  readonly pickup: { readonly x: number; readonly y: number };
  readonly version: number;
  /** When this search began: at the request, or at the last release. */
  readonly search_began: Date;
}

/** The trip if it is still waiting and this batch is the current one: a late job finds nothing to do. */
export async function lockWaitingTrip(
  tx: Queryable,
  tripId: string,
  batch: number,
  searchSeconds: number,
): Promise<WaitingTrip | null> {
  const { rows } = await tx.query<WaitingTrip>({
    name: "dispatch-lock-trip",
    text: `SELECT t.id, t.ref_id, t.vehicle_category_id, c.pickup_coordinates AS pickup, t.version,
             t.search_ends_at - make_interval(secs => $3) AS search_began
           FROM trip_requests t JOIN trip_request_coordinates c ON c.trip_request_id = t.id
           WHERE t.id = $1 AND t.current_status = 'pending' AND t.dispatch_batch = $2 FOR UPDATE OF t`,
    values: [tripId, batch, searchSeconds],
  });
  return rows[0] ?? null;
}

/** The offers that this batch made already: a repeated job (its worker died after the commit) makes no others. */
export async function offersOfBatch(tx: Queryable, tripId: string, batch: number, since: Date): Promise<MadeOffer[]> {
  const { rows } = await tx.query<MadeOffer>({
    name: "dispatch-offers-of-batch",
    text: `SELECT id, driver_id, distance_meters, expires_at FROM trip_offers
           WHERE trip_request_id = $1 AND batch = $2 AND offered_at >= $3 AND status = 'open'`,
    values: [tripId, batch, since],
  });
  return rows;
}

export interface MadeOffer {
  readonly id: string;
  readonly driver_id: string;
  readonly distance_meters: number;
  readonly expires_at: Date;
}

/** A driver who could take the trip. Degrees and metres are turned into one another around the pickup. */
export interface Candidate extends Coordinates {
  readonly driver_id: string;
}

/**
 * Nearest first by straight line, from the GiST index; who is asked must be online, available, fresh, of the category,
 * not asked before in this search (nor ever declined the trip), and not looking at another offer.
 * The index orders by degrees; a degree of longitude is shorter, so twice as many are taken and sorted by metres.
 */
const NEAREST = `
SELECT d.user_id AS driver_id, l.location[1] AS lat, l.location[0] AS lng
FROM user_last_locations l
JOIN driver_details d ON d.user_id = l.user_id AND d.is_online AND d.availability_status = 'available' AND NOT d.under_review
JOIN users u ON u.id = d.user_id AND u.is_active
JOIN vehicles v ON v.driver_id = d.user_id AND v.is_active AND v.category_id = $3
WHERE l.location <@ box(point($1::float8 - $5::float8, $2::float8 - $4::float8), point($1::float8 + $5::float8, $2::float8 + $4::float8))
  AND l.updated_at > now() - interval '30 minutes'
  AND NOT EXISTS (
    SELECT 1 FROM trip_offers o
    WHERE o.trip_request_id = $6 AND o.driver_id = d.user_id AND (o.offered_at >= $8 OR o.status = 'rejected'))
  AND NOT EXISTS (SELECT 1 FROM trip_offers o WHERE o.driver_id = d.user_id AND o.status = 'open')
ORDER BY l.location <-> point($1::float8, $2::float8)
LIMIT $7`;

const METERS_PER_DEGREE = 111_195;

export async function findNearestDrivers(
  db: Queryable,
  search: {
    readonly at: Coordinates;
    readonly radiusMeters: number;
    readonly categoryId: string;
    readonly tripId: string;
    readonly searchBegan: Date;
    readonly limit: number;
  },
): Promise<Candidate[]> {
  const latDegrees = search.radiusMeters / METERS_PER_DEGREE;
  const lngDegrees = latDegrees / Math.max(0.01, Math.cos((search.at.lat * Math.PI) / 180));
  const { rows } = await db.query<Candidate>({
    name: "dispatch-nearest",
    text: NEAREST,
    values: [
      search.at.lng,
      search.at.lat,
      search.categoryId,
      latDegrees,
      lngDegrees,
      search.tripId,
      search.limit * 2,
      search.searchBegan,
    ],
  });
  return rows;
}

export interface NewOffer {
  readonly id: string;
  readonly driverId: string;
  readonly distanceMeters: number;
}

/** The offers, a push job for each, and the time of the next batch: from when they were really made. */
export async function insertOffers(
  tx: Queryable,
  trip: { readonly id: string; readonly batch: number; readonly offerSeconds: number },
  offers: readonly NewOffer[],
): Promise<MadeOffer[]> {
  const { rows } = await tx.query<MadeOffer>({
    name: "offers-insert",
    text: `WITH waits AS (
             UPDATE trip_requests SET next_dispatch_at = now() + make_interval(secs => $3) WHERE id = $1
           ), made AS (
             INSERT INTO trip_offers (id, trip_request_id, driver_id, batch, distance_meters, expires_at)
             SELECT o.id, $1, o.driver_id, $2, o.distance, now() + make_interval(secs => $3)
             FROM unnest($4::uuid[], $5::uuid[], $6::int[]) AS o(id, driver_id, distance)
             ON CONFLICT DO NOTHING RETURNING id, driver_id, distance_meters, expires_at
           ), told AS (
             INSERT INTO outbox (id, topic, trip_id, payload)
             SELECT gen_random_uuid(), 'push-offer', $1, jsonb_build_object('offerId', id) FROM made
           )
           SELECT * FROM made`,
    values: [
      trip.id,
      trip.batch,
      trip.offerSeconds,
      offers.map((o) => o.id),
      offers.map((o) => o.driverId),
      offers.map((o) => o.distanceMeters),
    ],
  });
  return rows;
}

/** Nobody to ask: look again soon, and do not count it as a batch. */
export async function lookAgainIn(tx: Queryable, tripId: string, seconds: number): Promise<void> {
  await tx.query(
    "UPDATE trip_requests SET next_dispatch_at = now() + make_interval(secs => $2), dispatch_batch = dispatch_batch - 1 WHERE id = $1",
    [tripId, seconds],
  );
}

/** A batch whose job still waits in a queue must not be overtaken by the next: it would find itself outdated and ask nobody. */
const BATCH_UNDER_WAY = `EXISTS (
      SELECT 1 FROM outbox o WHERE o.trip_id = trip_requests.id AND o.topic = 'dispatch-trip' AND o.completed_at IS NULL AND o.failed_at IS NULL)`;

/** Waiting trips whose time has come get their next batch's job. SKIP LOCKED: several workers share the work. */
const NEXT_BATCHES = `
WITH due AS (
  SELECT id FROM trip_requests
  WHERE current_status = 'pending' AND driver_id IS NULL AND next_dispatch_at <= now() AND search_ends_at > now() AND dispatch_batch < $1
    AND NOT ${BATCH_UNDER_WAY}
  ORDER BY next_dispatch_at LIMIT 200 FOR UPDATE SKIP LOCKED
), advanced AS (
  UPDATE trip_requests t SET dispatch_batch = t.dispatch_batch + 1, next_dispatch_at = now() + make_interval(secs => $2)
  FROM due WHERE t.id = due.id RETURNING t.id, t.dispatch_batch
)
INSERT INTO outbox (id, topic, trip_id, payload)
SELECT gen_random_uuid(), 'dispatch-trip', id, jsonb_build_object('tripId', id, 'batch', dispatch_batch) FROM advanced
RETURNING id`;

export async function planNextBatches(db: Queryable, maxBatches: number, offerSeconds: number): Promise<number> {
  const { rowCount } = await db.query({
    name: "dispatch-plan",
    text: NEXT_BATCHES,
    values: [maxBatches, offerSeconds],
  });
  return rowCount ?? 0;
}

/** A search that ran out of time or of batches: the trip expires, by the database's clock. */
const EXPIRE_TRIPS = `
WITH due AS (
  SELECT id FROM trip_requests
  WHERE current_status = 'pending' AND driver_id IS NULL
    AND (search_ends_at <= now() OR (next_dispatch_at <= now() AND dispatch_batch >= $1 AND NOT ${BATCH_UNDER_WAY}))
  ORDER BY next_dispatch_at LIMIT 200 FOR UPDATE SKIP LOCKED
), ended AS (
  UPDATE trip_requests t SET current_status = 'expired', message = $2, version = t.version + 1, next_dispatch_at = NULL,
    trip_end_time = now(), updated_at = now()
  FROM due WHERE t.id = due.id RETURNING t.id, t.version
)
INSERT INTO outbox (id, topic, trip_id, payload)
SELECT gen_random_uuid(), 'trip-ended', id,
  jsonb_build_object('tripId', id, 'version', version, 'driverId', NULL, 'status', 'expired') FROM ended
RETURNING trip_id`;

export async function expireSearches(db: Queryable, maxBatches: number, message: string): Promise<string[]> {
  const { rows } = await db.query<{ trip_id: string }>({
    name: "dispatch-expire",
    text: EXPIRE_TRIPS,
    values: [maxBatches, message],
  });
  return rows.map((row) => row.trip_id);
}

export async function expireOffers(
  db: Queryable,
): Promise<{ trip_request_id: string; driver_id: string; id: string }[]> {
  const { rows } = await db.query<{ trip_request_id: string; driver_id: string; id: string }>({
    name: "offers-expire",
    text: `UPDATE trip_offers SET status = 'expired', reason = 'no answer in time', ended_at = now()
           WHERE status = 'open' AND expires_at <= now() RETURNING trip_request_id, driver_id, id`,
  });
  return rows;
}

/**
 * Closes a trip's open offers and says whose they were. The winner's own (made while their accept was being decided)
 * counts as taken.
 */
export async function revokeOffers(
  tx: Queryable,
  tripId: string,
  reason: string,
  winnerId: string | null = null,
): Promise<{ id: string; driver_id: string }[]> {
  const { rows } = await tx.query<{ id: string; driver_id: string }>({
    name: "offers-revoke",
    text: `UPDATE trip_offers SET ended_at = now(),
             status = CASE WHEN driver_id = $3 THEN 'accepted' ELSE 'revoked' END,
             reason = CASE WHEN driver_id = $3 THEN NULL ELSE $2 END
           WHERE trip_request_id = $1 AND status = 'open' RETURNING id, driver_id`,
    values: [tripId, reason, winnerId],
  });
  return rows.filter((offer) => offer.driver_id !== winnerId);
}

export async function rejectOffer(
  db: Queryable,
  tripId: string,
  driverId: string,
): Promise<"rejected" | "already" | "none"> {
  const { rowCount } = await db.query(
    `UPDATE trip_offers SET status = 'rejected', reason = 'declined by the driver', ended_at = now()
     WHERE trip_request_id = $1 AND driver_id = $2 AND status = 'open'`,
    [tripId, driverId],
  );
  if ((rowCount ?? 0) > 0) return "rejected";
  const earlier = await db.query("SELECT 1 FROM trip_offers WHERE trip_request_id = $1 AND driver_id = $2 LIMIT 1", [
    tripId,
    driverId,
  ]);
  return (earlier.rowCount ?? 0) > 0 ? "already" : "none";
}

export interface OpenOffer {
  readonly id: string;
  readonly trip_request_id: string;
  readonly distance_meters: number;
  readonly expires_at: Date;
}

export async function openOffersOf(db: Queryable, driverId: string): Promise<OpenOffer[]> {
  const { rows } = await db.query<OpenOffer>({
    name: "offers-open",
    text: `SELECT o.id, o.trip_request_id, o.distance_meters, o.expires_at FROM trip_offers o
           JOIN trip_requests t ON t.id = o.trip_request_id AND t.current_status = 'pending'
           WHERE o.driver_id = $1 AND o.status = 'open' AND o.expires_at > now() ORDER BY o.distance_meters`,
    values: [driverId],
  });
  return rows;
}
