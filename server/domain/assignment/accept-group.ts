import { DomainError } from "#server/contracts/errors.ts";
import type { AcceptRequest, Decision } from "#server/domain/assignment/assignment-store.ts";
import { databaseOutage, isTimeout, withRetries } from "#server/platform/db.ts";

/** A decision, and how it came about: for the trip's events and the metrics. Milliseconds. */
export interface GroupedDecision {
  readonly decision: Decision;
  /** From asking to the statement's start. */
  readonly waitMs: number;
  readonly statementMs: number;
  readonly groupSize: number;
}

interface Waiting {
  readonly request: AcceptRequest;
  readonly since: number;
  readonly resolve: (decision: GroupedDecision) => void;
  readonly reject: (error: unknown) => void;
}

export interface AcceptGroupOptions {
  readonly decide: (group: readonly AcceptRequest[]) => Promise<Decision[]>;
  /** Rows in one statement at the most. */
  readonly maxRows: number;
  /** Statements at once. More than a few only fight each other for the database's cores. */
  readonly maxInFlight: number;
  /** An accept whose turn has not come by then is refused undone: its app gives up soon. */
  readonly maxWaitMs: number;
  readonly monotonicMs: () => number;
  readonly onGroup?: (rows: number) => void;
  readonly onRetry?: () => void;
}

const overdue = () =>
  new DomainError("SERVICE_UNAVAILABLE", "The database is busy. Nothing was done; try again.", {
    retryAfterSeconds: 1,
  });

/**
 * Puts the accepts that wait at the same moment into one statement: round trips and commits are the cost of an accept.
 * A group holds at most one accept of each trip and of each driver; the second waits for the next group, where the
 * database sees what the first one did. So grouping changes no verdict. When a group's statement fails (one bad row
 * fails all), each of its accepts is decided alone, and only the bad one gets the error; unless the database is away.
 */
export class AcceptGroup {
  readonly #options: AcceptGroupOptions;
  #waiting: Waiting[] = [];
  /** Trips and drivers of the groups in flight: another accept of theirs would only wait for their row, and hold up its whole group. */
  readonly #busy = new Set<string>();
  #inFlight = 0;
  #flushPlanned = false;
  #sweep: NodeJS.Timeout | null = null;

  constructor(options: AcceptGroupOptions) {
    this.#options = options;
  }

  decide(request: AcceptRequest): Promise<GroupedDecision> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, since: this.#options.monotonicMs(), resolve, reject });
      this.#planFlush();
      this.#planSweep();
    });
  }

  /** Refuses those that have waited too long: the statements in flight do not come back. */
  #planSweep(): void {
    const [oldest] = this.#waiting;
    if (this.#sweep !== null || oldest === undefined) return;
    const { maxWaitMs, monotonicMs } = this.#options;
    const due = () => oldest.since + maxWaitMs - monotonicMs();
    this.#sweep = setTimeout(
      () => {
        this.#sweep = null;
        const late = (one: Waiting) => monotonicMs() - one.since >= maxWaitMs;
        for (const one of this.#waiting.filter(late)) one.reject(overdue());
        this.#waiting = this.#waiting.filter((one) => !late(one));
        this.#planSweep();
      },
      Math.max(1, due()),
    );
  }

  /** After this turn of the event loop, so that all accepts that arrived in it share a statement. */
  #planFlush(): void {
    if (this.#flushPlanned || this.#inFlight >= this.#options.maxInFlight) return;
    this.#flushPlanned = true;
    setImmediate(() => {
      this.#flushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.#options.maxInFlight) {
      const group = this.#takeGroup();
      // All that wait are of trips or drivers in flight: their group's end flushes again.
      if (group.length === 0) return;
      this.#inFlight++;
      this.#run(group).finally(() => {
        this.#inFlight--;
        for (const { request } of group) {
          this.#busy.delete(request.tripId);
          this.#busy.delete(request.driverId);
        }
        if (this.#waiting.length > 0) this.#planFlush();
      });
    }
  }

  #takeGroup(): Waiting[] {
    const group: Waiting[] = [];
    const rest: Waiting[] = [];
    for (const one of this.#waiting) {
      const { tripId, driverId } = one.request;
      if (group.length >= this.#options.maxRows || this.#busy.has(tripId) || this.#busy.has(driverId)) {
        rest.push(one);
        continue;
      }
      this.#busy.add(tripId).add(driverId);
      group.push(one);
    }
    this.#waiting = rest;
    return group;
  }

  /** True when the database turned out to be away. */
  async #run(group: readonly Waiting[]): Promise<boolean> {
    const { monotonicMs, onGroup, onRetry } = this.#options;
    const started = monotonicMs();
    onGroup?.(group.length);
    try {
      const decisions = await withRetries(() => this.#options.decide(group.map((one) => one.request)), onRetry);
      const statementMs = monotonicMs() - started;
      group.forEach((one, i) => {
        const decision = decisions[i];
        if (decision === undefined) one.reject(new Error("the statement answered for fewer accepts than it was given"));
        else one.resolve({ decision, waitMs: started - one.since, statementMs, groupSize: group.length });
      });
      return false;
    } catch (error) {
      const isAway = databaseOutage(error) !== null;
      if (group.length === 1 || isTimeout(error)) {
        for (const one of group) one.reject(error);
        return isAway;
      }
      for (const [n, one] of group.entries()) {
        if (!(await this.#run([one])) || !isAway) continue;
        // The others would each wait for the same connection time-out, one after another.
        for (const other of group.slice(n + 1)) other.reject(error);
        return true;
      }
      return false;
    }
  }
}
