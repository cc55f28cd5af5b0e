import type {
  GhostDriver,
  LockRow,
  LocksView,
  LockVerdict,
  ReleaseLockResult,
  TripLockState,
} from "#server/contracts/console.ts";
import { DomainError } from "#server/contracts/errors.ts";
import type { TripStatus } from "#server/contracts/trips.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { isLive } from "#server/domain/trips/trip-state.ts";
import type { Database, Queryable } from "#server/platform/db.ts";
import type { HeldLock, TripLock } from "#server/platform/locks/trip-lock.ts";

interface LockedTripRow {
  readonly id: string;
  readonly ref_id: string;
  readonly current_status: TripStatus;
  readonly driver_id: string | null;
  readonly driver_name: string | null;
  readonly accepted_seconds: number | null;
  readonly started: boolean;
}

export interface GhostRepair {
  readonly ok: boolean;
  readonly message: string;
}

const FREED = "The driver is free again.";
const NOT_A_GHOST = "The driver has a live trip or is free already; nothing was changed.";
const MAX_LOCKS = 2000;
/** An accept in progress holds its lock on a pending trip for milliseconds; longer than this, its holder has died. */
export const IN_FLIGHT_MS = 5000;
const OVERDUE_SECONDS = 3600;

/** What a lock is worth, by what the database says of its trip. The database is always right. */
export function verdictOf(
  lock: HeldLock,
  trip: LockedTripRow | null,
): { readonly verdict: LockVerdict; readonly why: string } {
  if (lock.ttlMs === null)
    return { verdict: "no_ttl", why: "The key never expires, so nothing but a release frees the trip." };
  if (trip === null) return { verdict: "unknown_trip", why: "The database has no such trip." };
  if (trip.current_status === "pending") {
    if (lock.ageMs !== null && lock.ageMs < IN_FLIGHT_MS)
      return { verdict: "in_flight", why: "An accept is being decided now." };
    return { verdict: "orphaned", why: "The trip is waiting, yet locked: the accept that took the lock died." };
  }
  if (!isLive(trip.current_status))
    return { verdict: "orphaned", why: `The trip is ${trip.current_status}; the lock serves nothing.` };
  if (trip.driver_id !== lock.ownerDriverId)
    return {
      verdict: "foreign",
      why: `The trip is ${trip.driver_name ?? "another driver"}'s, the lock somebody else's.`,
    };
  if (trip.current_status === "accepted" && !trip.started && (trip.accepted_seconds ?? 0) > OVERDUE_SECONDS) {
    return { verdict: "overdue", why: "Accepted over an hour ago and not started." };
  }
  return { verdict: "healthy", why: `Held by the trip's own driver; the trip is ${trip.current_status}.` };
}

async function readTrips(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, LockedTripRow>> {
  const { rows } = await db.query<LockedTripRow>({
    name: "ops-locked-trips",
    text: `SELECT t.id, t.ref_id, t.current_status, t.driver_id, u.first_name || ' ' || u.last_name AS driver_name,
             EXTRACT(EPOCH FROM now() - t.locked_at)::float8 AS accepted_seconds, t.trip_start_time IS NOT NULL AS started
           FROM trip_requests t LEFT JOIN users u ON u.id = t.driver_id WHERE t.id = ANY($1::uuid[])`,
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

export const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** For `catch`: null when the locks cannot be seen; throws any other error again. */
export function nullIfUnseen(error: unknown): null {
  if (error instanceof DomainError && error.code === "SERVICE_UNAVAILABLE") return null;
  throw error;
}

export class LockService {
  readonly #db: Database;
  readonly #lock: TripLock;

  constructor(options: { db: Database; lock: TripLock }) {
    this.#db = options.db;
    this.#lock = options.lock;
  }

  /** Every held lock with its verdict, the worst first; and drivers the database calls busy without a trip. */
  async view(): Promise<LocksView> {
    const [held, ghosts] = await Promise.all([this.#lock.list(MAX_LOCKS), this.#ghosts()]);
    const locks = await this.#describe(held);
    const rank = (row: LockRow) => (row.verdict === "healthy" ? 2 : row.verdict === "in_flight" ? 1 : 0);
    return {
      backend: this.#lock.backend,
      locks: locks.sort((a, b) => rank(a) - rank(b) || (b.ageSeconds ?? 0) - (a.ageSeconds ?? 0)),
      ghosts,
    };
  }

  /** `unknown` when the locks cannot be seen: a trip's page must not depend on Redis, nor take that for free. */
  async ofTrip(tripId: string): Promise<TripLockState> {
    let held: HeldLock | null;
    try {
      held = await this.#lock.get(tripId);
    } catch (error) {
      nullIfUnseen(error);
      return { state: "unknown" };
    }
    const [lock] = held === null ? [] : await this.#describe([held]);
    return lock === undefined ? { state: "free" } : { state: "held", lock };
  }

  /** Compare-and-delete: only the lock that the operator saw goes. The database is not touched. */
  async release(tripId: string, value: string): Promise<ReleaseLockResult> {
    try {
      if (await this.#lock.release(tripId, value))
        return { tripId, outcome: "released", message: "Released. The trip can be accepted again if it is waiting." };
      if ((await this.#lock.get(tripId)) === null)
        return { tripId, outcome: "gone", message: "The lock was gone already." };
      return { tripId, outcome: "changed", message: "Somebody else holds the lock now; it was left alone." };
    } catch (error) {
      nullIfUnseen(error);
      // Of many, one that fails must not hide what became of the others.
      const message = "Redis did not answer, so it is not known whether the lock went. Look again in a moment.";
      return { tripId, outcome: "failed", message };
    }
  }

  /** Frees a driver who is `on_trip` without a live trip. Not `ok` when the driver has one, or is free already. */
  async repairGhost(driverId: string, record: Recorder, claim: OpenClaim | null = null): Promise<GhostRepair> {
    return this.#db.transaction(async (tx) => {
      // Locked first: a statement that waits for a row looks for the trip as of before it waited, and an accept that
      // was committed meanwhile would not be there. The next statement sees it, and no other can begin.
      await tx.query("SELECT 1 FROM driver_details WHERE user_id = $1 FOR UPDATE", [driverId]);
      const { rowCount } = await tx.query(
        `UPDATE driver_details d SET availability_status = CASE WHEN is_online AND NOT under_review THEN 'available' ELSE 'unavailable' END, availability_since = now(), updated_at = now()
         WHERE d.user_id = $1 AND d.availability_status = 'on_trip'
           AND NOT EXISTS (SELECT 1 FROM trip_requests t WHERE t.driver_id = d.user_id AND t.current_status IN ('accepted', 'arrived', 'ongoing'))`,
        [driverId],
      );
      const ok = (rowCount ?? 0) > 0;
      await record(tx, { type: "driver", id: driverId }, { after: { freed: ok } });
      const repair = { ok, message: ok ? FREED : NOT_A_GHOST };
      await remember(tx, claim, repair);
      return repair;
    });
  }

  async #describe(held: readonly HeldLock[]): Promise<LockRow[]> {
    const trips = await readTrips(this.#db.pool, held.map((lock) => lock.tripId).filter(isUuid));
    const owners = [
      ...new Set(
        held.flatMap((lock) => (lock.ownerDriverId !== null && isUuid(lock.ownerDriverId) ? [lock.ownerDriverId] : [])),
      ),
    ];
    const people = await this.#db.prisma.user.findMany({
      where: { id: { in: owners } },
      select: { id: true, firstName: true, lastName: true },
    });
    const names = new Map(people.map((person) => [person.id, `${person.firstName} ${person.lastName}`]));
    const seconds = (ms: number | null) => (ms === null ? null : Math.round(ms / 100) / 10);
    return held.map((lock): LockRow => {
      const trip = trips.get(lock.tripId) ?? null;
      return {
        key: lock.key,
        tripId: lock.tripId,
        refId: trip?.ref_id ?? null,
        ownerDriverId: lock.ownerDriverId,
        ownerName: names.get(lock.ownerDriverId ?? "") ?? null,
        value: lock.value,
        ageSeconds: seconds(lock.ageMs),
        ttlSeconds: seconds(lock.ttlMs),
        tripStatus: trip?.current_status ?? null,
        tripDriverId: trip?.driver_id ?? null,
        tripDriverName: trip?.driver_name ?? null,
        ...verdictOf(lock, trip),
      };
    });
  }

  async #ghosts(): Promise<GhostDriver[]> {
    const { rows } = await this.#db.pool.query<{ id: string; name: string; since: Date }>(
      `SELECT d.user_id AS id, u.first_name || ' ' || u.last_name AS name, d.availability_since AS since
       FROM driver_details d JOIN users u ON u.id = d.user_id
       WHERE d.availability_status = 'on_trip'
         AND NOT EXISTS (SELECT 1 FROM trip_requests t WHERE t.driver_id = d.user_id AND t.current_status IN ('accepted', 'arrived', 'ongoing'))
       ORDER BY d.availability_since LIMIT 200`,
    );
    return rows.map((row) => ({ driverId: row.id, name: row.name, since: row.since.toISOString() }));
  }
}
