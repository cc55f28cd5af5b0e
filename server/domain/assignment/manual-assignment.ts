import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import type { Trip } from "#server/contracts/trips.ts";
import { type AssignmentService, outcomeOf } from "#server/domain/assignment/assignment-service.ts";
import { decideOn } from "#server/domain/assignment/assignment-store.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import type { TripEventLog } from "#server/domain/trips/trip-event-log.ts";
import { toTrip } from "#server/domain/trips/trip-row.ts";
import type { TripService } from "#server/domain/trips/trip-service.ts";
import { freeDriver, type LockedTrip, lockTrip } from "#server/domain/trips/trip-store.ts";
import type { Database, Queryable } from "#server/platform/db.ts";
import type { TripLock } from "#server/platform/locks/trip-lock.ts";

export interface ManualAssignmentInput {
  readonly tripId: string;
  readonly driverId: string;
  readonly reason: string;
  /** What the operator saw. */
  readonly expectedVersion: number;
  readonly requestId: string | null;
}

const brief = ({ status, version, driverId }: Trip) => ({ status, version, driverId });
const before = ({ current_status, version, driver_id }: LockedTrip) => ({
  status: current_status,
  version,
  driverId: driver_id,
});

/**
 * An operator gives a trip to a driver, or takes it from one and gives it to another: decided by the engine's own
 * statement, under its own conditions. Everything that follows (code, offers ended, rider told) is the accept's.
 */
export class ManualAssignment {
  readonly #db: Database;
  readonly #assignment: Pick<AssignmentService, "accept">;
  readonly #trips: Pick<TripService, "get" | "releaseLocked" | "afterRelease">;
  readonly #lock: TripLock;
  readonly #events: TripEventLog;

  constructor(options: {
    db: Database;
    assignment: Pick<AssignmentService, "accept">;
    trips: Pick<TripService, "get" | "releaseLocked" | "afterRelease">;
    lock: TripLock;
    events: TripEventLog;
  }) {
    this.#db = options.db;
    this.#assignment = options.assignment;
    this.#trips = options.trips;
    this.#lock = options.lock;
    this.#events = options.events;
  }

  /**
   * VERSION_CONFLICT when the trip moved on; INVALID_TRANSITION when it is not waiting or has begun; DRIVER_NOT_AVAILABLE
   * with the reason. Refused, nothing has changed: a reassignment is one transaction, so a trip whose new driver cannot
   * take it stays with its old one.
   */
  async assign(
    actor: { readonly id: string },
    input: ManualAssignmentInput,
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<Trip> {
    const seen = await this.#trips.get({ type: "operator", id: actor.id }, input.tripId);
    if (seen.driverId === input.driverId && seen.status !== "cancelled")
      throw new DomainError("INVALID_TRANSITION", "The driver has this trip already. Nothing was changed.");
    if (seen.status === "arrived" || seen.status === "ongoing")
      throw new DomainError("INVALID_TRANSITION", `The trip is ${seen.status}: it cannot change its driver any more.`);
    if (seen.status === "accepted") return this.#reassign(actor, input, record, claim);
    const outcome = await this.#assignment.accept({
      ...input,
      claim: null,
      by: { type: "operator", id: actor.id },
      record: async (tx, won) => {
        const trip = toTrip(won);
        const was = { status: "pending", version: trip.version - 1, driverId: null };
        await record(tx, { type: "trip", id: trip.id }, { before: was, after: brief(trip) });
        await remember(tx, claim, trip);
      },
    });
    if (!outcome.accepted) throw new DomainError(outcome.code, outcome.detail);
    this.#tell(actor, input);
    return outcome.trip;
  }

  async #reassign(
    actor: { readonly id: string },
    input: ManualAssignmentInput,
    record: Recorder,
    claim: OpenClaim | null,
  ): Promise<Trip> {
    const { tripId, driverId } = input;
    const { from, trip } = await this.#db.transaction(async (tx) => {
      const locked = await this.#lockAsSeen(tx, input);
      if (locked.current_status !== "accepted" || locked.driver_id === null)
        throw new DomainError(
          "INVALID_TRANSITION",
          `The trip is ${locked.current_status}: it cannot change its driver.`,
        );
      await this.#trips.releaseLocked(tx, locked, input.reason, driverId);
      await freeDriver(tx, locked.driver_id);
      const attempt = { attemptId: newId(), tripId, driverId, expectedVersion: locked.version + 1, byOperator: true };
      const [decision] = await decideOn(tx, [attempt]);
      if (decision === undefined) throw new Error("no verdict");
      const outcome = outcomeOf(decision);
      if (!outcome.accepted)
        throw new DomainError(outcome.code, `${outcome.detail} The trip stays with its driver; nothing was changed.`);
      await record(tx, { type: "trip", id: tripId }, { before: before(locked), after: brief(outcome.trip) });
      await remember(tx, claim, outcome.trip);
      return { from: locked.driver_id, trip: outcome.trip };
    });
    const by = { type: "operator", id: actor.id } as const;
    await this.#trips.afterRelease(tripId, from, by, input.reason);
    // A courtesy to the database, as after any accept; it decides nothing, so it may fail.
    await this.#lock.acquire(tripId, driverId).catch(() => undefined);
    this.#tell(actor, input);
    return trip;
  }

  async #lockAsSeen(tx: Queryable, { tripId, expectedVersion }: ManualAssignmentInput): Promise<LockedTrip> {
    const trip = await lockTrip(tx, tripId);
    if (trip === null) throw new DomainError("NOT_FOUND", "There is no such trip.");
    if (trip.version !== expectedVersion)
      throw new DomainError(
        "VERSION_CONFLICT",
        `The trip changed meanwhile: it is ${trip.current_status}, version ${trip.version}. Nothing was changed; look again.`,
      );
    return trip;
  }

  #tell(actor: { readonly id: string }, { tripId, driverId, reason }: ManualAssignmentInput): void {
    const by = { type: "operator", id: actor.id } as const;
    this.#events.record({ tripId, kind: "trip.assigned", actor: by, data: { driverId, reason } });
  }
}
