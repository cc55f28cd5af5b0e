import { newId } from "#server/contracts/ids.ts";
import type { Queryable } from "#server/platform/db.ts";

export type ConductKind = "trip_cancelled" | "trip_dropped" | "payment_failed";

/** One at a time for a person: a count and what is decided by it are one, whatever else they do at the same moment. */
export async function lockConduct(tx: Queryable, userId: string): Promise<void> {
  await tx.query({
    name: "conduct-lock",
    text: "SELECT pg_advisory_xact_lock(hashtextextended('conduct:' || $1, 0))",
    values: [userId],
  });
}

export async function addConduct(
  tx: Queryable,
  event: { readonly userId: string; readonly kind: ConductKind; readonly tripId: string | null },
): Promise<void> {
  await tx.query({
    name: "conduct-add",
    text: "INSERT INTO conduct_events (id, user_id, kind, trip_id, at) VALUES ($1, $2, $3, $4, clock_timestamp())",
    values: [newId(), event.userId, event.kind, event.tripId],
  });
}

/** How often within the last `seconds`, and in how many seconds the oldest of them no longer counts. */
export async function countConduct(
  tx: Queryable,
  what: { readonly userId: string; readonly kind: ConductKind; readonly seconds: number; readonly since?: Date | null },
): Promise<{ readonly count: number; readonly freeInSeconds: number }> {
  const { rows } = await tx.query<{ count: number; free: number | null }>({
    name: "conduct-count",
    text: `SELECT count(*)::int AS count,
             ceil(EXTRACT(EPOCH FROM min(at) + make_interval(secs => $3) - clock_timestamp()))::int AS free
           FROM conduct_events
           WHERE user_id = $1 AND kind = $2 AND at > clock_timestamp() - make_interval(secs => $3)
             AND ($4::timestamptz IS NULL OR at > $4)`,
    values: [what.userId, what.kind, what.seconds, what.since ?? null],
  });
  return { count: rows[0]?.count ?? 0, freeInSeconds: Math.max(1, rows[0]?.free ?? 1) };
}

export interface Review {
  readonly name: string;
  readonly under_review: boolean;
  readonly review_reason: string | null;
  /** Since when it is as it is, when it was ever otherwise. */
  readonly review_since: Date | null;
}

/** Locks the driver's row. Trips are locked before drivers, as everywhere. */
export async function lockReview(tx: Queryable, driverId: string): Promise<Review | null> {
  const { rows } = await tx.query<Review>(
    `SELECT u.first_name || ' ' || u.last_name AS name, d.under_review, d.review_reason, d.review_since
     FROM driver_details d JOIN users u ON u.id = d.user_id WHERE d.user_id = $1 FOR UPDATE OF d`,
    [driverId],
  );
  return rows[0] ?? null;
}

export async function putUnderReview(tx: Queryable, driverId: string, reason: string): Promise<void> {
  await tx.query(
    `UPDATE driver_details SET under_review = true, review_reason = $2, review_since = clock_timestamp(), updated_at = now(),
       availability_status = CASE WHEN availability_status IN ('available', 'on_bidding') THEN 'unavailable' ELSE availability_status END
     WHERE user_id = $1`,
    [driverId, reason],
  );
}

export async function endReview(tx: Queryable, driverId: string): Promise<void> {
  await tx.query(
    `UPDATE driver_details SET under_review = false, review_reason = NULL, review_since = clock_timestamp(), updated_at = now()
     WHERE user_id = $1`,
    [driverId],
  );
}

export async function blockPayments(tx: Queryable, userId: string, minutes: number): Promise<Date> {
  const { rows } = await tx.query<{ until: Date }>(
    `UPDATE users SET payment_blocked_until = now() + make_interval(mins => $2) WHERE id = $1
     RETURNING payment_blocked_until AS until`,
    [userId, minutes],
  );
  return rows[0]?.until ?? new Date();
}

/** Seconds until the person may pay again; 0 when they may. */
export async function paymentBlockSeconds(db: Queryable, userId: string): Promise<number> {
  const { rows } = await db.query<{ seconds: number }>({
    name: "payment-block",
    text: `SELECT GREATEST(0, ceil(EXTRACT(EPOCH FROM payment_blocked_until - clock_timestamp())))::int AS seconds
           FROM users WHERE id = $1`,
    values: [userId],
  });
  return rows[0]?.seconds ?? 0;
}
