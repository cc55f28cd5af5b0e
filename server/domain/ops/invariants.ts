import type { InvariantResult, InvariantsView } from "#server/contracts/console.ts";
import { IN_FLIGHT_MS, isUuid, nullIfUnseen } from "#server/domain/ops/lock-service.ts";
import type { Database } from "#server/platform/db.ts";
import type { TripLock } from "#server/platform/locks/trip-lock.ts";

interface Invariant {
  readonly name: string;
  readonly description: string;
  /** Rows `id, why` for every breach. */
  readonly sql: string;
}

const LIVE = "('accepted', 'arrived', 'ongoing')";

/** What must hold at any moment, whatever failed. The database's own constraints make the first ones impossible; asked all the same. */
const INVARIANTS: readonly Invariant[] = [
  {
    name: "one_driver_per_live_trip",
    description: "Every live trip has exactly one driver and one vehicle.",
    sql: `SELECT id, 'live (' || current_status || ') without a driver or vehicle' AS why FROM trip_requests
          WHERE current_status IN ${LIVE} AND (driver_id IS NULL OR vehicle_id IS NULL)`,
  },
  {
    name: "one_live_trip_per_driver",
    description: "No driver has two live trips.",
    sql: `SELECT driver_id AS id, count(*) || ' live trips: ' || string_agg(ref_id, ', ') AS why FROM trip_requests
          WHERE current_status IN ${LIVE} GROUP BY driver_id HAVING count(*) > 1`,
  },
  {
    name: "no_ghost_driver",
    description: "No driver is on_trip without a live trip.",
    sql: `SELECT d.user_id AS id, 'on_trip since ' || d.availability_since || ' without a live trip' AS why FROM driver_details d
          WHERE d.availability_status = 'on_trip' AND NOT EXISTS (SELECT 1 FROM trip_requests t WHERE t.driver_id = d.user_id AND t.current_status IN ${LIVE})`,
  },
  {
    name: "no_idle_driver_with_trip",
    description: "No driver with a live trip counts as free.",
    sql: `SELECT t.driver_id AS id, d.availability_status || ' with live trip ' || t.ref_id AS why FROM trip_requests t
          JOIN driver_details d ON d.user_id = t.driver_id WHERE t.current_status IN ${LIVE} AND d.availability_status <> 'on_trip'`,
  },
  {
    name: "accepted_trip_has_outbox_row",
    // The version that a live trip was accepted at: each of arrive and start adds one, and nothing else happens to it.
    // A driver's earlier acceptance of the same trip is at least two versions older, a release lying between.
    description: "Every acceptance left its outbox row, so its side effects cannot be lost.",
    sql: `SELECT t.id, 'accepted (' || t.ref_id || ') without an outbox row' AS why FROM trip_requests t
          WHERE t.current_status IN ${LIVE} AND NOT EXISTS (
            SELECT 1 FROM outbox o WHERE o.trip_id = t.id AND o.topic = 'process-trip-acceptance' AND o.payload->>'driverId' = t.driver_id::text
              AND (o.payload->>'version')::int = t.version - CASE t.current_status WHEN 'accepted' THEN 0 WHEN 'arrived' THEN 1 ELSE 2 END)
            AND t.locked_at > now() - interval '7 days'`,
  },
  {
    name: "one_accepted_offer_per_trip",
    description: "No trip has two accepted offers, nor an accepted offer of somebody else.",
    sql: `SELECT o.trip_request_id AS id, 'accepted offer of another driver' AS why FROM trip_offers o JOIN trip_requests t ON t.id = o.trip_request_id
          WHERE o.status = 'accepted' AND t.current_status IN ${LIVE} AND o.driver_id <> t.driver_id
          UNION ALL
          SELECT trip_request_id, count(*) || ' accepted offers' FROM trip_offers WHERE status = 'accepted' GROUP BY trip_request_id HAVING count(*) > 1`,
  },
  {
    name: "agreed_fare_is_of_the_bid",
    description:
      "A trip with an agreed fare has it from the one bid that was taken, which is its driver's; and the other way round.",
    sql: `SELECT t.id, 'agreed ' || coalesce(t.agreed_fare::text, 'nothing') || ', bid ' || coalesce(b.bid_fare::text, 'none') AS why
          FROM trip_requests t LEFT JOIN fare_biddings b ON b.trip_request_id = t.id AND b.status = 'accepted'
          WHERE t.current_status IN ${LIVE} AND t.bidding
            AND (t.agreed_fare, t.driver_id) IS DISTINCT FROM (b.bid_fare, coalesce(b.driver_id, t.driver_id))`,
  },
  {
    name: "effects_done_once",
    description: "Each acceptance has at most one effect of each kind, and each effect at most one message.",
    sql: `SELECT trip_id AS id, effect || ' ' || count(*) || ' times for ' || subject AS why FROM effects GROUP BY trip_id, effect, subject HAVING count(*) > 1
          UNION ALL
          SELECT trip_id, count(*) || ' messages under ' || dedupe_key FROM recorded_messages GROUP BY trip_id, dedupe_key HAVING count(*) > 1`,
  },
  {
    name: "no_search_without_end",
    description:
      "Every waiting trip's search has an end, and another look is due by then, or an offer's time (10 minutes) later.",
    sql: `SELECT id, 'waiting (' || ref_id || ') and never looked at again' AS why FROM trip_requests
          WHERE current_status = 'pending'
            AND (search_ends_at IS NULL OR next_dispatch_at IS NULL OR next_dispatch_at > search_ends_at + interval '10 minutes')`,
  },
];

const MAX_EXAMPLES = 20;
const MAX_LOCKS = 10_000;

/** Runs them all on one snapshot, then holds the locks against the database. */
export async function checkInvariants(db: Database, lock: TripLock): Promise<InvariantsView> {
  const started = performance.now();
  const results: InvariantResult[] = [];
  await db.transaction(async (tx) => {
    results.length = 0;
    await tx.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
    for (const { name, description, sql } of INVARIANTS) {
      const { rows } = await tx.query<Breach>(sql);
      results.push(checked({ name, description }, rows));
    }
  });
  results.push(await checkLocks(db, lock));
  const ok = results.every((result) => result.violations === 0 && result.unchecked === null);
  return { checkedAt: new Date().toISOString(), tookMs: Math.round(performance.now() - started), ok, results };
}

type Breach = InvariantResult["examples"][number];

const checked = (invariant: Pick<Invariant, "name" | "description">, breaches: readonly Breach[]): InvariantResult => ({
  ...invariant,
  unchecked: null,
  violations: breaches.length,
  examples: breaches.slice(0, MAX_EXAMPLES),
});

const LOCK_OWNER = { name: "lock_owner_is_driver", description: "A lock on a live trip belongs to the trip's driver." };

async function checkLocks(db: Database, lock: TripLock): Promise<InvariantResult> {
  const breaches = await findForeignLocks(db, lock).catch(nullIfUnseen);
  if (breaches !== null) return checked(LOCK_OWNER, breaches);
  return { ...LOCK_OWNER, unchecked: "Not checked now: Redis does not answer.", violations: 0, examples: [] };
}

/**
 * A lock on a live trip is the trip's driver's. Locks on waiting trips are accepts in progress, or orphans that heal
 * themselves; a young one on a live trip is of an accept that is about to lose.
 */
async function findForeignLocks(db: Database, lock: TripLock): Promise<Breach[]> {
  const held = await lock.list(MAX_LOCKS);
  const settled = held.filter((one) => isUuid(one.tripId) && (one.ageMs === null || one.ageMs >= IN_FLIGHT_MS));
  const owned = settled.filter((one) => one.ownerDriverId !== null);
  const { rows } = await db.pool.query<Breach>(
    `SELECT t.id, 'locked by ' || l.owner || ', driven by ' || t.driver_id AS why
     FROM unnest($1::uuid[], $2::text[]) AS l(trip_id, owner) JOIN trip_requests t ON t.id = l.trip_id
     WHERE t.current_status IN ${LIVE} AND t.driver_id::text <> l.owner`,
    [owned.map((one) => one.tripId), owned.map((one) => one.ownerDriverId)],
  );
  // The locks were read before the database: only one that is still there was there as the trip was somebody else's.
  const seen = new Map(owned.map((one) => [one.tripId, one.value]));
  const breaches: Breach[] = [];
  for (const row of rows) {
    const now = await lock.get(row.id);
    if (now !== null && now.value === seen.get(row.id)) breaches.push(row);
  }
  return breaches;
}
