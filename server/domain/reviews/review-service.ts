import { DomainError } from "#server/contracts/errors.ts";
import type { Database } from "#server/platform/db.ts";
import { insertReview, ownTripStatus } from "./review-store.ts";

export interface Review {
  readonly id: string;
  readonly tripId: string;
  readonly driverId: string;
  /** 1 to 5. */
  readonly rating: number;
  readonly comment: string | null;
  readonly createdAt: string;
}

export class ReviewService {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * What a customer says of their own completed trip, once. NOT_FOUND for another's; INVALID_TRANSITION before it has been
   * completed; ALREADY_REVIEWED.
   */
  async add(
    customerId: string,
    review: { id: string; tripId: string; rating: number; comment: string | null },
  ): Promise<Review> {
    const row = await insertReview(this.#db.pool, { ...review, customerId });
    if (row !== null)
      return {
        id: row.id,
        tripId: row.trip_request_id,
        driverId: row.received_by,
        rating: row.rating,
        comment: row.feedback,
        createdAt: row.created_at.toISOString(),
      };
    const status = await ownTripStatus(this.#db.pool, review.tripId, customerId);
    if (status === null) throw new DomainError("NOT_FOUND", "There is no such trip.");
    if (status !== "completed")
      throw new DomainError(
        "INVALID_TRANSITION",
        `A trip can be reviewed once it is completed; this one is ${status}.`,
      );
    throw new DomainError("ALREADY_REVIEWED", "You have reviewed this trip. Thank you.");
  }
}
