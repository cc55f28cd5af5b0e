import { DomainError } from "#server/contracts/errors.ts";
import type { Bid } from "#server/contracts/matching.ts";
import type { AcceptOutcome, AssignmentService } from "#server/domain/assignment/assignment-service.ts";
import * as store from "#server/domain/bidding/bid-store.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import { FREE_AVAILABILITIES } from "#server/domain/matching/exclusion.ts";
import { type DispatchLimits, defaultsOf, effectiveSettings } from "#server/domain/matching/matching-settings.ts";
import { addToOutbox } from "#server/domain/outbox/outbox-store.ts";
import { findTrip } from "#server/domain/trips/trip-store.ts";
import type { Database } from "#server/platform/db.ts";

const notFound = () => new DomainError("NOT_FOUND", "There is no such trip.");

/**
 * Where a zone has bidding on, drivers who are asked name their fare and the rider takes one of them. Taking a bid is an
 * accept like any other, decided by the same statement, which sets the fare as well.
 */
export class BidService {
  readonly #db: Database;
  readonly #assignment: Pick<AssignmentService, "accept">;
  readonly #limits: DispatchLimits;
  readonly #onCommitted: () => void;

  constructor(options: {
    db: Database;
    assignment: Pick<AssignmentService, "accept">;
    limits: DispatchLimits;
    onCommitted: () => void;
  }) {
    this.#db = options.db;
    this.#assignment = options.assignment;
    this.#limits = options.limits;
    this.#onCommitted = options.onCommitted;
  }

  /**
   * Names a fare, in minor units of the trip's currency; the driver's last one for this trip is replaced. NOT_FOUND for who
   * was not asked; INVALID_TRANSITION where bidding is off or the trip no longer waits; VALIDATION_FAILED out of bounds.
   */
  async place(
    driverId: string,
    wish: { readonly id: string; readonly tripId: string; readonly amount: number },
    claim: OpenClaim | null = null,
  ): Promise<Bid> {
    const { id, tripId, amount } = wish;
    const bid = await this.#db.transaction(async (tx) => {
      const trip = await store.holdTrip(tx, tripId, driverId);
      if (trip?.asked !== true) throw notFound();
      if (trip.current_status !== "pending")
        throw new DomainError("INVALID_TRANSITION", `The trip is ${trip.current_status}. No bid was made.`);
      if (!trip.bidding)
        throw new DomainError("INVALID_TRANSITION", "There is no bidding for this trip: accept it at its fare.");
      this.#checkBounds(trip, amount);
      this.#checkBidder(await store.lockBidder(tx, driverId), trip.vehicle_category_id);
      await store.putBid(tx, { id, tripId, driverId, fare: amount });
      const bid = await store.findBid(tx, tripId, id);
      if (bid === null) throw notFound();
      await addToOutbox(tx, "bid-placed", { tripId, bidId: id }, { tripId });
      await remember(tx, claim, bid);
      return bid;
    });
    this.#onCommitted();
    return bid;
  }

  /** The rider's own trip's bids; another's trip does not exist. Those that can be taken first, the lowest first. */
  async list(customerId: string, tripId: string): Promise<Bid[]> {
    const trip = await findTrip(this.#db.pool, tripId);
    if (trip?.customer_id !== customerId) throw notFound();
    return store.listBids(this.#db.pool, tripId);
  }

  /** The rider takes a bid: its driver has the trip, at its fare, or nothing has changed. */
  async accept(
    customerId: string,
    wish: { readonly tripId: string; readonly bidId: string; readonly requestId: string | null },
    claim: OpenClaim | null = null,
  ): Promise<AcceptOutcome> {
    const trip = await findTrip(this.#db.pool, wish.tripId);
    const bid = trip?.customer_id === customerId ? await store.findBid(this.#db.pool, wish.tripId, wish.bidId) : null;
    if (bid === null) throw new DomainError("NOT_FOUND", "There is no such bid.");
    const outcome = await this.#assignment.accept({
      ...wish,
      ...{ driverId: bid.driver.id, expectedVersion: null, claim, by: { type: "customer", id: customerId } },
    });
    if (!outcome.accepted || !outcome.alreadyAccepted) return outcome;
    // They have the trip already: by this bid (a retry), or at another fare, which must not look as if it were this one.
    const now = await store.findBid(this.#db.pool, wish.tripId, wish.bidId);
    if (now?.status === "accepted") return outcome;
    return {
      accepted: false,
      code: "VERSION_CONFLICT",
      detail: "The driver has the trip already, and not by this bid. Its fare is as it was.",
    };
  }

  #checkBounds(trip: store.TripToBidFor, amount: number): void {
    const { bidMinPercent, bidMaxPercent } = effectiveSettings(defaultsOf(this.#limits), trip.settings);
    const least = Math.max(1, Math.ceil((trip.estimated_fare * bidMinPercent) / 100));
    const most = Math.floor((trip.estimated_fare * bidMaxPercent) / 100);
    if (amount >= least && amount <= most) return;
    const message = `from ${least} to ${most} (${trip.currency}, minor units)`;
    throw new DomainError("VALIDATION_FAILED", `The bid must be ${message}. No bid was made.`, {
      fields: [{ path: "amount", message }],
    });
  }

  /** The conditions under which the driver could be given the trip; asked again when the bid is taken. */
  #checkBidder(driver: store.Bidder | null, categoryId: string): void {
    const refused = (why: string) => new DomainError("DRIVER_NOT_AVAILABLE", why);
    if (driver?.is_active !== true) throw refused("The driver's account is not active.");
    if (!driver.is_online) throw refused("The driver is offline.");
    if (!(FREE_AVAILABILITIES as readonly string[]).includes(driver.availability_status))
      throw refused(
        driver.availability_status === "on_trip" ? "The driver has another trip." : "The driver is not taking trips.",
      );
    if (driver.category_id !== categoryId) throw refused("The driver's vehicle is not of the category asked for.");
  }
}
