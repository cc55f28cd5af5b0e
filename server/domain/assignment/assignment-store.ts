import type { Pool } from "pg";
import type { TripStatus } from "#server/contracts/trips.ts";
import { type OpenClaim, rememberAll } from "#server/domain/idempotency/open-claim.ts";
import { TRIP_COLUMNS, TRIP_JOINS, type TripRow, toTrip } from "#server/domain/trips/trip-row.ts";
import { inTransaction, type Queryable } from "#server/platform/db.ts";

/** One driver's wish for one trip. `attemptId` names the attempt in the trip's events and is the outbox row's id if it wins. */
export interface AcceptRequest {
  readonly attemptId: string;
  readonly tripId: string;
  readonly driverId: string;
  readonly expectedVersion: number | null;
  readonly claim?: OpenClaim | null;
  /** The bid by which the rider chose this driver: the trip gets its fare, or there is no assignment. */
  readonly bidId?: string | null;
  /** An operator gives the trip: whether the driver has named a fare does not matter. */
  readonly byOperator?: boolean;
  /** What else is committed with the assignment, or undoes it: the audit log's row. */
  readonly record?: (tx: Queryable, won: TripRow) => Promise<void>;
}

/** What the database decided. All but `won` changed nothing. */
export type Decision =
  | { readonly kind: "won"; readonly trip: TripRow }
  | { readonly kind: "already_yours"; readonly trip: TripRow }
  | { readonly kind: "trip_not_found" }
  | { readonly kind: "taken" }
  | { readonly kind: "not_pending"; readonly status: TripStatus }
  | { readonly kind: "version_conflict"; readonly version: number }
  | { readonly kind: "driver_unavailable"; readonly why: string }
  /** Scheduled for later: its search has not begun. */
  | { readonly kind: "too_early" }
  /** Its rider chooses among bids, and the driver has made none. */
  | { readonly kind: "no_bid" }
  /** The bid was replaced, closed or taken meanwhile. */
  | { readonly kind: "bid_gone" };

/**
 * The one statement of the assignment engine: trip, driver, offer and outbox row, all or nothing, for a group of
 * accepts with at most one per trip and per driver.
 *
 * Why it is shaped so:
 * - Data-modifying CTEs all run. So the trip is locked first, the verdict is drawn from the locked rows, the driver's
 *   update joins on a won verdict, the trip's on the driver's: no driver is left `on_trip` with nothing.
 * - Rows are locked in id order, all trips before any driver (the count reads the whole of `trip` first; EXISTS would
 *   stop at one), by every statement that locks both: no deadlock among groups.
 *   (FOR UPDATE rereads a row that changed since the statement's snapshot, so the verdict is never drawn from old data.)
 * - So the updates ask for the verdict and the id alone. A condition on the row itself would be looked for in the
 *   statement's snapshot first: a trip released while this statement waited for its row is not pending there, would be
 *   passed over, and its driver left `on_trip` with nothing.
 * - A driver's own finished or live trip answers `already_yours` before anything else, so a retry after the version
 *   moved on is still a success.
 * - The fare of a bid is set by this same statement, from the bid's row, locked after the trip's and reread as it then is:
 *   no trip has its driver and another fare, and a bid that was replaced while this statement waited is gone.
 * - The partial unique index one_live_trip_per_driver stands behind it: should a row be in a state that this statement
 *   did not foresee, the whole statement fails and nothing is changed.
 */
export const ACCEPT_STATEMENT = `
WITH wanted AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::bool[])
    AS w(attempt_id, trip_id, driver_id, expected_version, bid_id, by_operator)
), trip AS MATERIALIZED (
  SELECT t.* FROM trip_requests t WHERE t.id = ANY($2::uuid[]) ORDER BY t.id FOR UPDATE
), driver AS MATERIALIZED (
  SELECT d.user_id, d.is_online, d.availability_status FROM driver_details d
  WHERE d.user_id = ANY($3::uuid[]) AND (SELECT count(*) FROM trip WHERE current_status = 'pending') > 0
  ORDER BY d.user_id FOR UPDATE
), bid AS MATERIALIZED (
  SELECT b.* FROM fare_biddings b
  WHERE b.id = ANY($5::uuid[]) AND b.status = 'open' AND (SELECT count(*) FROM trip WHERE current_status = 'pending') > 0
  ORDER BY b.id FOR UPDATE
), verdict AS MATERIALIZED (
  SELECT w.*, t.version, t.current_status, v.id AS vehicle_id, b.bid_fare,
    CASE
      WHEN t.id IS NULL THEN 'trip_not_found'
      WHEN t.driver_id = w.driver_id AND t.current_status IN ('accepted', 'arrived', 'ongoing', 'completed')
        THEN 'already_yours'
      WHEN t.driver_id IS NOT NULL AND t.current_status <> 'cancelled' THEN 'taken'
      WHEN t.current_status <> 'pending' THEN 'not_pending'
      WHEN w.expected_version IS NOT NULL AND w.expected_version <> t.version THEN 'version_conflict'
      WHEN t.search_began_at > now() THEN 'too_early'
      WHEN w.bid_id IS NOT NULL AND b.id IS NULL THEN 'bid_gone'
      WHEN t.bidding AND w.bid_id IS NULL AND NOT w.by_operator AND NOT EXISTS (
        SELECT 1 FROM fare_biddings o WHERE o.trip_request_id = t.id AND o.driver_id = w.driver_id AND o.status = 'open')
        THEN 'no_bid'
      WHEN d.user_id IS NULL OR NOT u.is_active THEN 'inactive'
      WHEN NOT d.is_online THEN 'offline'
      WHEN d.availability_status <> 'available' AND (w.bid_id IS NULL OR d.availability_status <> 'on_bidding')
        THEN d.availability_status
      WHEN v.id IS NULL THEN 'no_vehicle'
      WHEN v.category_id <> t.vehicle_category_id THEN 'other_category'
      ELSE 'won'
    END AS verdict
  FROM wanted w
  LEFT JOIN trip t ON t.id = w.trip_id
  LEFT JOIN driver d ON d.user_id = w.driver_id
  LEFT JOIN users u ON u.id = w.driver_id
  LEFT JOIN vehicles v ON v.driver_id = w.driver_id AND v.is_active
  LEFT JOIN bid b ON b.id = w.bid_id AND b.trip_request_id = w.trip_id AND b.driver_id = w.driver_id
), driver_taken AS (
  UPDATE driver_details d SET availability_status = 'on_trip', availability_since = now(), updated_at = now()
  FROM verdict w WHERE w.verdict = 'won' AND d.user_id = w.driver_id
  RETURNING d.user_id
), trip_taken AS (
  UPDATE trip_requests t SET current_status = 'accepted', driver_id = w.driver_id, vehicle_id = w.vehicle_id,
    version = t.version + 1, locked_at = now(), updated_at = now(), next_dispatch_at = NULL, message = NULL,
    agreed_fare = w.bid_fare
  FROM verdict w JOIN driver_taken d ON d.user_id = w.driver_id
  WHERE w.verdict = 'won' AND t.id = w.trip_id
  RETURNING t.*
), offer_taken AS (
  UPDATE trip_offers o SET status = 'accepted', ended_at = now()
  FROM trip_taken t WHERE o.trip_request_id = t.id AND o.driver_id = t.driver_id AND o.status = 'open'
), bid_taken AS (
  UPDATE fare_biddings b SET status = 'accepted', ended_at = now()
  FROM verdict w JOIN trip_taken t ON t.id = w.trip_id WHERE w.verdict = 'won' AND b.id = w.bid_id
), told AS (
  INSERT INTO outbox (id, topic, trip_id, payload)
  SELECT w.attempt_id, 'process-trip-acceptance', t.id,
    jsonb_build_object('tripId', t.id, 'driverId', t.driver_id, 'version', t.version, 'attemptId', w.attempt_id)
  FROM trip_taken t JOIN verdict w ON w.trip_id = t.id
), now_theirs AS (
  SELECT * FROM trip_taken
  UNION ALL
  SELECT t.* FROM trip t JOIN verdict w ON w.trip_id = t.id AND w.verdict = 'already_yours'
)
SELECT w.attempt_id, w.verdict, w.version AS seen_version, w.current_status AS seen_status, x.*
FROM verdict w
LEFT JOIN (SELECT ${TRIP_COLUMNS} FROM now_theirs t ${TRIP_JOINS}) x ON x.id = w.trip_id`;

interface DecisionRow extends TripRow {
  readonly attempt_id: string;
  readonly verdict: string;
  readonly seen_version: number;
  readonly seen_status: TripStatus;
}

const UNAVAILABLE: Readonly<Record<string, string>> = {
  inactive: "The driver's account is not active.",
  offline: "The driver is offline.",
  unavailable: "The driver is not taking trips.",
  on_trip: "The driver has another trip.",
  on_bidding: "The driver is waiting for the answer to a bid.",
  no_vehicle: "The driver has no active vehicle.",
  other_category: "The driver's vehicle is not of the category asked for.",
};

function toDecision(row: DecisionRow): Decision {
  switch (row.verdict) {
    case "won":
    case "already_yours":
      return { kind: row.verdict, trip: row };
    case "trip_not_found":
    case "taken":
    case "too_early":
    case "no_bid":
    case "bid_gone":
      return { kind: row.verdict };
    case "not_pending":
      return { kind: "not_pending", status: row.seen_status };
    case "version_conflict":
      return { kind: "version_conflict", version: row.seen_version };
    default:
      return { kind: "driver_unavailable", why: UNAVAILABLE[row.verdict] ?? "The driver cannot take this trip." };
  }
}

/** The statement itself, for a caller that does more in its transaction. */
export async function decideOn(db: Queryable, group: readonly AcceptRequest[]): Promise<Decision[]> {
  const { rows } = await db.query<DecisionRow>({
    name: "accept",
    text: ACCEPT_STATEMENT,
    values: [
      group.map((a) => a.attemptId),
      group.map((a) => a.tripId),
      group.map((a) => a.driverId),
      group.map((a) => a.expectedVersion),
      group.map((a) => a.bidId ?? null),
      group.map((a) => a.byOperator ?? false),
    ],
  });
  const byAttempt = new Map(rows.map((row) => [row.attempt_id, toDecision(row)]));
  return group.map((request) => {
    const decision = byAttempt.get(request.attemptId);
    if (decision === undefined) throw new Error(`no verdict for attempt ${request.attemptId}`);
    return decision;
  });
}

export class AssignmentStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Decides a group: no two requests of one trip or one driver, at most 64. Answers in the order asked. Where one came
   * with an Idempotency-Key, the answers of those that won are stored in the same transaction, all in one statement; so is
   * what a request has recorded with it.
   */
  async decide(group: readonly AcceptRequest[]): Promise<Decision[]> {
    if (!group.some(({ claim, record }) => claim || record)) return decideOn(this.#pool, group);
    return inTransaction(this.#pool, async (tx) => {
      const decisions = await decideOn(tx, group);
      for (const [i, decision] of decisions.entries())
        if (decision.kind === "won") await group[i]?.record?.(tx, decision.trip);
      const won = decisions.flatMap((decision, i) => {
        const claim = group[i]?.claim;
        if (!claim || decision.kind !== "won") return [];
        return [{ claim, result: { trip: toTrip(decision.trip), alreadyAccepted: false } }];
      });
      await rememberAll(tx, won);
      return decisions;
    });
  }

  /** Where a driver stands with a trip that another holds the lock of: the lock may be wrong, the database is not. */
  async standing(tripId: string, driverId: string): Promise<"waiting" | "yours" | "gone"> {
    const { rows } = await this.#pool.query<{ waiting: boolean; yours: boolean }>({
      name: "trip-standing",
      text: `SELECT current_status = 'pending' AND driver_id IS NULL AS waiting,
               driver_id = $2 AND current_status IN ('accepted', 'arrived', 'ongoing', 'completed') AS yours
             FROM trip_requests WHERE id = $1`,
      values: [tripId, driverId],
    });
    const [row] = rows;
    return row?.yours === true ? "yours" : row?.waiting === true ? "waiting" : "gone";
  }
}
