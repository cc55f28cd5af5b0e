import type { ExclusionRule, ScoreParts } from "#server/contracts/matching.ts";
import { countSql } from "#server/domain/matching/driver-stats.ts";
import type { Exclusion } from "#server/domain/matching/exclusion.ts";
import { TRIP_COLUMNS, TRIP_JOINS, type TripRow } from "#server/domain/trips/trip-row.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface WaitingTrip extends TripRow {
  readonly vehicle_category_id: string;
  /** When this search began: at the request, at the last release, or when a scheduled trip came due. */
  readonly search_began: Date;
  /** What the zone set for itself; null: nothing. */
  readonly settings: unknown;
  /** This batch made its offers already: the job is run again. */
  readonly offered: boolean;
}

/** The trip and how its zone looks for drivers, if it still waits and this batch is the current one: a late job finds nothing to do. */
export async function readWaitingTrip(db: Queryable, tripId: string, batch: number): Promise<WaitingTrip | null> {
  const { rows } = await db.query<WaitingTrip>({
    name: "dispatch-read-trip",
    text: `SELECT ${TRIP_COLUMNS}, t.vehicle_category_id, coalesce(t.search_began_at, t.created_at) AS search_began,
             t.offered_batch = $2 AS offered, m.settings
           FROM trip_requests t ${TRIP_JOINS} LEFT JOIN zone_matching_settings m ON m.zone_id = t.zone_id
           WHERE t.id = $1 AND t.current_status = 'pending' AND t.driver_id IS NULL AND t.dispatch_batch = $2`,
    values: [tripId, batch],
  });
  return rows[0] ?? null;
}

export interface MadeOffer {
  readonly id: string;
  readonly driver_id: string;
  readonly distance_meters: number;
  readonly eta_seconds: number | null;
  readonly score_seconds: number | null;
  readonly expires_at: Date;
}

/** The offers that this batch made already: a repeated job (its worker died after the commit) makes no others. */
export async function offersOfBatch(db: Queryable, tripId: string, batch: number, since: Date): Promise<MadeOffer[]> {
  const { rows } = await db.query<MadeOffer>({
    name: "dispatch-offers-of-batch",
    text: `SELECT id, driver_id, distance_meters, eta_seconds, score_seconds, expires_at FROM trip_offers
           WHERE trip_request_id = $1 AND batch = $2 AND offered_at >= $3 AND status = 'open'`,
    values: [tripId, batch, since],
  });
  return rows;
}

/** A driver to be asked; the first `drivers` of them who are still free get an offer. */
export interface WantedDriver {
  readonly offerId: string;
  readonly driverId: string;
  readonly meters: number;
  readonly etaSeconds: number;
  readonly score: number;
  readonly parts: ScoreParts;
}

export interface NewBatch {
  readonly tripId: string;
  readonly batchId: string;
  readonly batch: number;
  readonly searchBegan: Date;
  readonly drivers: number;
  readonly offerSeconds: number;
  readonly offersPerDriver: number;
  /** Until the next look when nobody could be asked. */
  readonly retrySeconds: number;
  readonly radiusMeters: number;
  readonly source: "index" | "database";
  readonly tookMs: number;
  /** Best first. */
  readonly wanted: readonly WantedDriver[];
  readonly excluded: readonly Exclusion[];
  readonly rules: Partial<Readonly<Record<ExclusionRule, number>>>;
}

/**
 * One batch in one statement: who is still free is asked, each gets a push job, who was passed over goes on the record,
 * and the trip is told when to be looked at next. All or nothing, by the database's clock.
 *
 * Why it is shaped so:
 * - The trip's row is locked first, and what is asked of it (waiting, this batch, no offers made yet) is asked of the
 *   locked row: of two jobs of one batch one makes offers, and none are made for a trip that was just taken.
 * - Drivers are locked FOR SHARE: one who goes off line at this moment waits until the offers are there, and ends theirs.
 *   Whose row is locked is just being given a trip, and is passed over: SKIP LOCKED never waits, so nothing deadlocks.
 * - Each offer takes a place on its driver's screen, and the partial unique index one_open_offer_per_driver_and_slot
 *   holds two batches of the same moment apart, which see none of each other's rows. In driver order, as everywhere.
 * - A batch that could ask nobody is not used up.
 */
export const MAKE_OFFERS = `
WITH trip AS MATERIALIZED (
  SELECT id, vehicle_category_id, bidding FROM trip_requests
  WHERE id = $1 AND current_status = 'pending' AND driver_id IS NULL AND dispatch_batch = $2 AND offered_batch <> $2
  FOR UPDATE
), wanted AS MATERIALIZED (
  SELECT w.* FROM trip, jsonb_to_recordset($8::jsonb)
    AS w ("offerId" uuid, "driverId" uuid, place int, meters int, "etaSeconds" int, score int, parts jsonb)
), chosen AS MATERIALIZED (
  SELECT w.*, p.slot
  FROM wanted w
  JOIN driver_details d ON d.user_id = w."driverId"
  JOIN LATERAL (
    SELECT min(s) AS slot FROM generate_series(1, $6::int) s
    WHERE NOT EXISTS (SELECT 1 FROM trip_offers o WHERE o.driver_id = w."driverId" AND o.status = 'open' AND o.slot = s)
  ) p ON p.slot IS NOT NULL
    AND (SELECT count(*) FROM trip_offers o WHERE o.driver_id = w."driverId" AND o.status = 'open') < $6
  WHERE d.is_online AND NOT d.under_review
    AND (d.availability_status = 'available' OR d.availability_status = 'on_bidding' AND (SELECT bidding FROM trip))
    AND EXISTS (SELECT 1 FROM users u WHERE u.id = d.user_id AND u.is_active)
    AND EXISTS (
      SELECT 1 FROM vehicles v
      WHERE v.driver_id = d.user_id AND v.is_active AND v.category_id = (SELECT vehicle_category_id FROM trip))
    AND NOT EXISTS (
      SELECT 1 FROM trip_offers o
      WHERE o.trip_request_id = $1 AND o.driver_id = d.user_id AND (o.offered_at >= $7 OR o.status = 'rejected'))
  ORDER BY w.place LIMIT $5 FOR SHARE OF d SKIP LOCKED
), made AS (
  INSERT INTO trip_offers (id, trip_request_id, driver_id, batch, distance_meters, slot, eta_seconds, score_seconds,
    score_parts, expires_at)
  SELECT "offerId", $1, "driverId", $2, meters, slot, "etaSeconds", score, parts, now() + make_interval(secs => $3)
  FROM chosen ORDER BY "driverId"
  ON CONFLICT DO NOTHING RETURNING id, driver_id, distance_meters, eta_seconds, score_seconds, expires_at
), told AS (
  INSERT INTO outbox (id, topic, trip_id, payload)
  SELECT gen_random_uuid(), 'push-offer', $1, jsonb_build_object('offerId', id) FROM made
), last AS (
  SELECT count(*)::int AS asked, coalesce(max(w.place), 0) AS place, max(w.score) AS score
  FROM made m JOIN wanted w ON w."offerId" = m.id
), passed AS (
  SELECT w.*, last.score AS last_score,
    CASE WHEN w.place < last.place OR last.asked < $5 THEN 'changed_meanwhile' ELSE 'outscored' END AS rule
  FROM wanted w, last WHERE NOT EXISTS (SELECT 1 FROM made m WHERE m.id = w."offerId")
), moved AS (
  UPDATE trip_requests t SET
    next_dispatch_at = now() + make_interval(secs => CASE WHEN last.asked > 0 THEN $3 ELSE $4 END),
    offered_batch = CASE WHEN last.asked > 0 THEN $2 ELSE t.offered_batch END,
    dispatch_batch = CASE WHEN last.asked > 0 THEN t.dispatch_batch ELSE t.dispatch_batch - 1 END
  FROM trip, last WHERE t.id = trip.id
), recorded AS (
  INSERT INTO dispatch_batches (id, trip_request_id, search_began_at, batch, radius_meters, asked, source, excluded, rules, took_ms)
  SELECT $14, trip.id, $7, $2, $11, last.asked, $12,
    $9::jsonb || coalesce((
      SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('driverId', "driverId", 'rule', rule, 'meters', meters,
        'score', score, 'lastScore', last_score)) ORDER BY place) FROM passed), '[]'),
    $10::jsonb || coalesce((
      SELECT jsonb_object_agg(rule, n) FROM (SELECT rule, count(*) AS n FROM passed GROUP BY rule) counted), '{}'),
    $13
  FROM trip, last
  ON CONFLICT (trip_request_id, search_began_at, batch) DO UPDATE SET looks = dispatch_batches.looks + 1,
    radius_meters = EXCLUDED.radius_meters, asked = EXCLUDED.asked, source = EXCLUDED.source,
    excluded = EXCLUDED.excluded, rules = EXCLUDED.rules, took_ms = EXCLUDED.took_ms, at = now()
  RETURNING looks
)
SELECT made.*, recorded.looks FROM recorded LEFT JOIN made ON true`;

export interface MadeBatch {
  /** Empty: nobody could be asked, and the trip is looked at again soon. */
  readonly offers: MadeOffer[];
  /** How often this batch has looked, this time included. */
  readonly looks: number;
}

/** Null: the trip is no longer this batch's to offer. */
export async function makeOffers(db: Queryable, batch: NewBatch): Promise<MadeBatch | null> {
  const { rows } = await db.query<(MadeOffer | { readonly id: null }) & { readonly looks: number }>({
    name: "offers-make",
    text: MAKE_OFFERS,
    values: [
      batch.tripId,
      batch.batch,
      batch.offerSeconds,
      batch.retrySeconds,
      batch.drivers,
      batch.offersPerDriver,
      batch.searchBegan,
      JSON.stringify(batch.wanted.map((driver, place) => ({ ...driver, place: place + 1 }))),
      JSON.stringify(batch.excluded),
      JSON.stringify(batch.rules),
      batch.radiusMeters,
      batch.source,
      batch.tookMs,
      batch.batchId,
    ],
  });
  const [first] = rows;
  if (first === undefined) return null;
  return { looks: first.looks, offers: rows.filter((row): row is MadeOffer & typeof row => row.id !== null) };
}

/** A batch whose job still waits in a queue must not be overtaken by the next: it would find itself outdated and ask nobody. */
const BATCH_UNDER_WAY = `EXISTS (
      SELECT 1 FROM outbox o WHERE o.trip_id = trip_requests.id AND o.topic = 'dispatch-trip' AND o.completed_at IS NULL AND o.failed_at IS NULL)`;

/** SQL: what the trip's zone set for itself, else the default `$n`. */
const zoned = (key: string, fallback: string): string =>
  `coalesce((SELECT (m.settings->>'${key}')::int FROM zone_matching_settings m WHERE m.zone_id = trip_requests.zone_id), ${fallback})`;

/**
 * Waiting trips whose time has come (scheduled ones among them) get their next batch's job. SKIP LOCKED: several workers
 * share the work.
 */
const NEXT_BATCHES = `
WITH due AS (
  SELECT id, ${zoned("offerSeconds", "$2")} AS offer_seconds FROM trip_requests
  WHERE current_status = 'pending' AND driver_id IS NULL AND next_dispatch_at <= now() AND search_ends_at > now()
    AND dispatch_batch < ${zoned("maxBatches", "$1")} AND NOT ${BATCH_UNDER_WAY}
  ORDER BY next_dispatch_at LIMIT 200 FOR UPDATE SKIP LOCKED
), advanced AS (
  UPDATE trip_requests t SET dispatch_batch = t.dispatch_batch + 1, next_dispatch_at = now() + make_interval(secs => due.offer_seconds)
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

/**
 * A search that ran out of time or of batches: the trip expires, by the database's clock. While its rider has bids to choose
 * from, or a driver looks at its offer, only time ends it.
 */
const EXPIRE_TRIPS = `
WITH due AS (
  SELECT id FROM trip_requests
  WHERE current_status = 'pending' AND driver_id IS NULL
    AND (search_ends_at <= now() OR (next_dispatch_at <= now() AND dispatch_batch >= ${zoned("maxBatches", "$1")} AND NOT ${BATCH_UNDER_WAY}
      AND NOT EXISTS (SELECT 1 FROM trip_offers o WHERE o.trip_request_id = trip_requests.id AND o.status = 'open' AND o.expires_at > now())
      AND NOT EXISTS (SELECT 1 FROM fare_biddings b WHERE b.trip_request_id = trip_requests.id AND b.status = 'open')))
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

/** By the database's clock. Not answering counts against a driver, unless they named their fare. */
export async function expireOffers(
  db: Queryable,
): Promise<{ trip_request_id: string; driver_id: string; id: string }[]> {
  const { rows } = await db.query<{ trip_request_id: string; driver_id: string; id: string }>({
    name: "offers-expire",
    text: `WITH due AS (
             SELECT id FROM trip_offers WHERE status = 'open' AND expires_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED
           ), ended AS (
             UPDATE trip_offers o SET status = 'expired', reason = 'no answer in time', ended_at = now()
             FROM due WHERE o.id = due.id RETURNING o.trip_request_id, o.driver_id, o.id
           ), silent AS (
             SELECT DISTINCT driver_id FROM ended e WHERE NOT EXISTS (
               SELECT 1 FROM fare_biddings b WHERE b.trip_request_id = e.trip_request_id AND b.driver_id = e.driver_id AND b.status = 'open')
           ), counted AS (${countSql("ignored", "silent")})
           SELECT * FROM ended`,
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

/** All who were asked have declined: the next batch need not wait for their time to pass. */
async function askNextNow(db: Queryable, tripId: string): Promise<void> {
  await db.query({
    name: "dispatch-next-now",
    text: `UPDATE trip_requests SET next_dispatch_at = now()
           WHERE id = $1 AND current_status = 'pending' AND offered_batch = dispatch_batch AND next_dispatch_at > now()
             AND NOT EXISTS (SELECT 1 FROM trip_offers o WHERE o.trip_request_id = $1 AND o.status = 'open')`,
    values: [tripId],
  });
}

/** Offers of other trips on the screen of a driver who has one now. */
export async function revokeOffersOfDriver(
  tx: Queryable,
  driverId: string,
  reason: string,
): Promise<{ id: string; trip_request_id: string }[]> {
  const { rows } = await tx.query<{ id: string; trip_request_id: string }>({
    name: "offers-revoke-of-driver",
    text: `UPDATE trip_offers SET status = 'revoked', reason = $2, ended_at = now()
           WHERE driver_id = $1 AND status = 'open' RETURNING id, trip_request_id`,
    values: [driverId, reason],
  });
  return rows;
}

export async function rejectOffer(
  db: Queryable,
  tripId: string,
  driverId: string,
): Promise<"rejected" | "already" | "none"> {
  const { rowCount } = await db.query({
    name: "offer-reject",
    text: `WITH ended AS (
             UPDATE trip_offers SET status = 'rejected', reason = 'declined by the driver', ended_at = now()
             WHERE trip_request_id = $1 AND driver_id = $2 AND status = 'open' RETURNING driver_id
           ), counted AS (${countSql("declined", "ended")}
           ), withdrawn AS (
             UPDATE fare_biddings SET status = 'closed', reason = 'declined by the driver', ended_at = now()
             WHERE trip_request_id = $1 AND driver_id = $2 AND status = 'open'
           )
           SELECT * FROM ended`,
    values: [tripId, driverId],
  });
  if ((rowCount ?? 0) > 0) {
    await askNextNow(db, tripId);
    return "rejected";
  }
  const earlier = await db.query("SELECT 1 FROM trip_offers WHERE trip_request_id = $1 AND driver_id = $2 LIMIT 1", [
    tripId,
    driverId,
  ]);
  return (earlier.rowCount ?? 0) > 0 ? "already" : "none";
}

/** Null: answered, ended, or out of time by the database's clock. */
export async function findOpenOffer(
  db: Queryable,
  offerId: string,
): Promise<{ trip_request_id: string; driver_id: string; batch: number; distance_meters: number } | null> {
  const { rows } = await db.query<{
    trip_request_id: string;
    driver_id: string;
    batch: number;
    distance_meters: number;
  }>({
    name: "offer-open",
    text: `SELECT trip_request_id, driver_id, batch, distance_meters FROM trip_offers
           WHERE id = $1 AND status = 'open' AND expires_at > now()`,
    values: [offerId],
  });
  return rows[0] ?? null;
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
