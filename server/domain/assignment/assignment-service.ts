import { DomainError, type ErrorCode } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import type { Trip } from "#server/contracts/trips.ts";
import type { AcceptRequest, AssignmentStore, Decision } from "#server/domain/assignment/assignment-store.ts";
import type { OpenClaim } from "#server/domain/idempotency/open-claim.ts";
import type { TripEventLog } from "#server/domain/trips/trip-event-log.ts";
import { toTrip } from "#server/domain/trips/trip-row.ts";
import type { Clock } from "#server/platform/clock.ts";
import { type LockClaim, ownerOf, type TripLock } from "#server/platform/locks/trip-lock.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { Metrics } from "#server/platform/metrics.ts";
import type { Grouped, StatementGroup } from "#server/platform/statement-group.ts";

/** Accepts of one moment, decided in one statement; no two of one trip or one driver. */
export type AcceptGroup = StatementGroup<AcceptRequest, Decision>;

export interface AcceptInput {
  readonly tripId: string;
  readonly driverId: string;
  readonly expectedVersion: number | null;
  readonly requestId: string | null;
  /** The Idempotency-Key's, if one was sent: the statement that wins stores the answer under it. */
  readonly claim?: OpenClaim | null;
  /** Who gives the driver the trip, when it is not the driver: the rider by taking a bid, or an operator. */
  readonly by?: { readonly type: "customer" | "operator"; readonly id: string };
  /** The bid that the rider takes. */
  readonly bidId?: string;
  readonly record?: AcceptRequest["record"];
}

/** A lost or refused accept is no fault: it is one of the answers. */
export type AcceptOutcome =
  | { readonly accepted: true; readonly alreadyAccepted: boolean; readonly trip: Trip }
  | { readonly accepted: false; readonly code: ErrorCode; readonly detail: string };

/**
 * A lock older than this on a trip that the database still has waiting was left by a process that died between its
 * lock and its statement (whose time-out is shorter than the lock's life, longer than this only under great trouble).
 */
const SUSPECT_LOCK_MS = 5000;

const TAKEN: AcceptOutcome = {
  accepted: false,
  code: "TRIP_ALREADY_ASSIGNED",
  detail: "Another driver has this trip.",
};

export function outcomeOf(decision: Decision): AcceptOutcome {
  switch (decision.kind) {
    case "won":
      return { accepted: true, alreadyAccepted: false, trip: toTrip(decision.trip) };
    case "already_yours":
      return { accepted: true, alreadyAccepted: true, trip: toTrip(decision.trip) };
    case "trip_not_found":
      return { accepted: false, code: "NOT_FOUND", detail: "There is no such trip." };
    case "taken":
      return TAKEN;
    case "not_pending":
      return { accepted: false, code: "INVALID_TRANSITION", detail: `The trip is ${decision.status}.` };
    case "version_conflict":
      return {
        accepted: false,
        code: "VERSION_CONFLICT",
        detail: `The trip changed meanwhile; its version is ${decision.version} now.`,
      };
    case "driver_unavailable":
      return { accepted: false, code: "DRIVER_NOT_AVAILABLE", detail: decision.why };
    case "too_early":
      return {
        accepted: false,
        code: "INVALID_TRANSITION",
        detail: "The trip is scheduled for later: it cannot be taken before its search begins.",
      };
    case "no_bid":
      return {
        accepted: false,
        code: "INVALID_TRANSITION",
        detail: "The rider chooses among bids here: name your fare first.",
      };
    case "bid_gone":
      return {
        accepted: false,
        code: "VERSION_CONFLICT",
        detail: "The bid is no longer open. Look at the bids again.",
      };
  }
}

/**
 * The assignment engine: lock → one statement → answer → outbox. The lock is a courtesy to the database, the statement
 * the decision; nothing else (message, routing, broadcast) happens before the answer.
 */
export class AssignmentService {
  readonly #lock: TripLock;
  readonly #group: AcceptGroup;
  readonly #store: Pick<AssignmentStore, "standing">;
  readonly #events: TripEventLog;
  readonly #onCommitted: () => void;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  #turn: Promise<void> | null = null;

  constructor(options: {
    lock: TripLock;
    group: AcceptGroup;
    store: Pick<AssignmentStore, "standing">;
    events: TripEventLog;
    /** Wakes the outbox relay. */
    onCommitted: () => void;
    clock: Clock;
    metrics: Metrics;
    logger: Logger;
  }) {
    this.#lock = options.lock;
    this.#group = options.group;
    this.#store = options.store;
    this.#events = options.events;
    this.#onCommitted = options.onCommitted;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#logger = options.logger;
  }

  /** Throws only when the database is away or refuses the statement; the lock is then given back. */
  async accept(input: AcceptInput): Promise<AcceptOutcome> {
    const started = this.#clock.monotonicMs();
    const attemptId = newId();
    await this.#turnEnd();
    const turnMs = this.#clock.monotonicMs() - started;
    const claim = await this.#claim(input);
    const lockMs = this.#clock.monotonicMs() - started - turnMs;
    this.#metrics.tripLock.observe({ backend: this.#lock.backend, outcome: claim.outcome }, lockMs / 1000);
    if (claim.outcome === "held") {
      this.#report(input, attemptId, TAKEN, { started, turnMs, lockMs, grouped: null });
      return TAKEN;
    }
    let grouped: Grouped<Decision>;
    try {
      grouped = await this.#group.ask({
        attemptId,
        tripId: input.tripId,
        driverId: input.driverId,
        expectedVersion: input.expectedVersion,
        claim: input.claim ?? null,
        bidId: input.bidId ?? null,
        byOperator: input.by?.type === "operator",
        ...(input.record === undefined ? {} : { record: input.record }),
      });
    } catch (error) {
      await this.#giveBack(input, claim.value);
      const outcome: AcceptOutcome = {
        accepted: false,
        code: error instanceof DomainError ? error.code : "INTERNAL",
        detail: "The database did not decide.",
      };
      this.#report(input, attemptId, outcome, { started, turnMs, lockMs, grouped: null });
      throw error;
    }
    const outcome = outcomeOf(grouped.answer);
    // The lock survives nothing that the database denies; nor is one taken anew for a trip that was won before.
    if (!outcome.accepted || (outcome.alreadyAccepted && claim.outcome === "acquired"))
      await this.#giveBack(input, claim.value);
    if (grouped.answer.kind === "won") this.#onCommitted();
    this.#report(input, attemptId, outcome, { started, turnMs, lockMs, grouped });
    return outcome;
  }

  /**
   * Accepts that arrive in one turn of the event loop go on together, when all of them have been read. What an accept
   * waits for its neighbours to be read is told as waiting, not as the lock's time: it says nothing about Redis.
   */
  #turnEnd(): Promise<void> {
    this.#turn ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#turn = null;
        resolve();
      }),
    );
    return this.#turn;
  }

  async #claim({ tripId, driverId }: AcceptInput): Promise<LockClaim> {
    const claim = await this.#lock.acquire(tripId, driverId);
    if (claim.outcome !== "held") return claim;
    // The lock can be a stranger's on a trip that this driver has: one that was not given back as Redis went, or that
    // of a late accept while the driver's own was lost. Their retry is a success all the same.
    const standing = await this.#store.standing(tripId, driverId);
    if (standing === "yours") {
      const taken = await this.#lock.takeOver(tripId, claim.value, driverId);
      return { outcome: "own", value: taken.value };
    }
    if (standing !== "waiting" || claim.ageMs === null || claim.ageMs < SUSPECT_LOCK_MS) return claim;
    this.#logger.warn(
      { tripId, driverId, ownerDriverId: claim.ownerDriverId, ageMs: claim.ageMs },
      "taking over an orphaned trip lock",
    );
    return this.#lock.takeOver(tripId, claim.value, driverId);
  }

  /** Only what is this driver's: a stranger's lock is the stranger's to release. */
  async #giveBack({ tripId, driverId }: AcceptInput, value: string): Promise<void> {
    if (ownerOf(value) !== driverId) return;
    try {
      await this.#lock.release(tripId, value);
    } catch (error) {
      this.#logger.warn({ err: error, tripId }, "trip lock not released; it expires by itself");
    }
  }

  #report(
    input: AcceptInput,
    attemptId: string,
    outcome: AcceptOutcome,
    timing: { started: number; turnMs: number; lockMs: number; grouped: Grouped<Decision> | null },
  ): void {
    const totalMs = this.#clock.monotonicMs() - timing.started;
    const verdict = !outcome.accepted
      ? outcome.code === "TRIP_ALREADY_ASSIGNED"
        ? "lost"
        : "refused"
      : outcome.alreadyAccepted
        ? "already_yours"
        : "won";
    this.#metrics.tripAccept.observe({ verdict }, totalMs / 1000);
    const line = {
      requestId: input.requestId,
      tripId: input.tripId,
      driverId: input.driverId,
      verdict,
      lock_time_ms: round(timing.lockMs),
      total_time_ms: round(totalMs),
    };
    if (verdict === "lost") this.#logger.debug(line, "accept");
    else this.#logger.info(outcome.accepted ? line : { ...line, code: outcome.code }, "accept");
    if (!outcome.accepted && outcome.code === "NOT_FOUND") return;
    this.#events.record({
      tripId: input.tripId,
      kind: "accept.attempt",
      actor: input.by ?? { type: "driver", id: input.driverId },
      data: {
        attemptId,
        ...(input.by === undefined ? {} : { driverId: input.driverId, by: input.by.type }),
        verdict,
        code: outcome.accepted ? null : outcome.code,
        detail: outcome.accepted ? null : outcome.detail,
        lockMs: round(timing.lockMs),
        waitMs: round(timing.turnMs + (timing.grouped?.waitMs ?? 0)),
        statementMs: round(timing.grouped?.statementMs ?? null),
        totalMs: round(totalMs),
        groupSize: timing.grouped?.groupSize ?? null,
        requestId: input.requestId,
      },
    });
  }
}

/** Hundredths of a millisecond. */
function round(ms: number): number;
function round(ms: number | null): number | null;
function round(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100;
}
