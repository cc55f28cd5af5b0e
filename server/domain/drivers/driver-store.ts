import type { Availability } from "#server/contracts/trips.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface LockedDriver {
  readonly is_online: boolean;
  readonly availability_status: Availability;
  readonly under_review: boolean;
}

export async function lockDriver(tx: Queryable, driverId: string): Promise<LockedDriver | null> {
  const { rows } = await tx.query<LockedDriver>({
    name: "driver-lock",
    text: "SELECT is_online, availability_status, under_review FROM driver_details WHERE user_id = $1 FOR UPDATE",
    values: [driverId],
  });
  return rows[0] ?? null;
}

/** The driver's live trip: there is at most one (one_live_trip_per_driver). */
export async function liveTripIdOf(db: Queryable, driverId: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>({
    name: "driver-live-trip",
    text: "SELECT id FROM trip_requests WHERE driver_id = $1 AND current_status IN ('accepted', 'arrived', 'ongoing')",
    values: [driverId],
  });
  return rows[0]?.id ?? null;
}

export async function setDriver(
  tx: Queryable,
  driverId: string,
  state: { readonly online: boolean; readonly availability: Availability },
): Promise<void> {
  await tx.query({
    name: "driver-set",
    // Heard of: whatever connection was lost before counts no more.
    text: `UPDATE driver_details SET is_online = $2, updated_at = now(), disconnected_at = NULL,
             availability_since = CASE WHEN availability_status = $3 THEN availability_since ELSE now() END, availability_status = $3
           WHERE user_id = $1`,
    values: [driverId, state.online, state.availability],
  });
}

/** Open offers of a driver who will not answer them any more. */
export async function revokeOpenOffersOf(tx: Queryable, driverId: string, reason: string): Promise<void> {
  await tx.query(
    "UPDATE trip_offers SET status = 'revoked', reason = $2, ended_at = now() WHERE driver_id = $1 AND status = 'open'",
    [driverId, reason],
  );
}
