import type { Queryable } from "#server/platform/db.ts";

export interface ReviewRow {
  readonly id: string;
  readonly trip_request_id: string;
  readonly received_by: string;
  readonly rating: number;
  readonly feedback: string | null;
  readonly created_at: Date;
}

/** Of the customer's own completed trip; null when it is none, or was reviewed before. With the same id again it is the same review. */
export async function insertReview(
  db: Queryable,
  review: { id: string; tripId: string; customerId: string; rating: number; comment: string | null },
): Promise<ReviewRow | null> {
  const { rows } = await db.query<ReviewRow>({
    name: "review-insert",
    text: `INSERT INTO reviews (id, trip_request_id, given_by, received_by, rating, feedback)
           SELECT $1, id, customer_id, driver_id, $4, $5 FROM trip_requests
           WHERE id = $2 AND customer_id = $3 AND current_status = 'completed' AND driver_id IS NOT NULL
           ON CONFLICT (trip_request_id, given_by) DO UPDATE SET rating = reviews.rating WHERE reviews.id = EXCLUDED.id
           RETURNING id, trip_request_id, received_by, rating, feedback, created_at`,
    values: [review.id, review.tripId, review.customerId, review.rating, review.comment],
  });
  return rows[0] ?? null;
}

/** Why there was nothing to insert. */
export async function ownTripStatus(db: Queryable, tripId: string, customerId: string): Promise<string | null> {
  const { rows } = await db.query<{ current_status: string }>({
    name: "review-trip-status",
    text: "SELECT current_status FROM trip_requests WHERE id = $1 AND customer_id = $2",
    values: [tripId, customerId],
  });
  return rows[0]?.current_status ?? null;
}
