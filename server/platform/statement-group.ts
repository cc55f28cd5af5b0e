import { DomainError } from "#server/contracts/errors.ts";
import { databaseOutage, isTimeout, withRetries } from "#server/platform/db.ts";

/** An answer, and how it came about: for a trip's events and the metrics. Milliseconds. */
export interface Grouped<Answer> {
  readonly answer: Answer;
  /** From asking to the statement's start. */
  readonly waitMs: number;
  readonly statementMs: number;
  readonly groupSize: number;
}

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly keys: readonly string[];
  readonly since: number;
  readonly resolve: (answer: Grouped<Answer>) => void;
  readonly reject: (error: unknown) => void;
}

export interface StatementGroupOptions<Request, Answer> {
  /** The one statement: an answer for each request, in their order. */
  readonly run: (group: readonly Request[]) => Promise<Answer[]>;
  /** What no two requests of a statement, and of those in flight, may have in common. */
  readonly keysOf: (request: Request) => readonly string[];
  /** Rows in one statement at the most. */
  readonly maxRows: number;
  /** Statements at once. More than a few only fight each other for the database's cores. */
  readonly maxInFlight: number;
  /** What has not had its turn by then is refused undone: its caller gives up soon. */
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
 * Puts what waits at the same moment into one statement: round trips and commits are the cost of a small change.
 * A group holds at most one request of each key (a trip, a driver); the second waits for the next group, where the
 * database sees what the first one did. So grouping changes no answer. When a group's statement fails (one bad row
 * fails all), each of its requests is run alone, and only the bad one gets the error; unless the database is away.
 */
export class StatementGroup<Request, Answer> {
  readonly #options: StatementGroupOptions<Request, Answer>;
  #waiting: Waiting<Request, Answer>[] = [];
  /** Keys of the groups in flight: another of theirs would only wait for their row, and hold up its whole group. */
  readonly #busy = new Set<string>();
  #inFlight = 0;
  #flushPlanned = false;
  #sweep: NodeJS.Timeout | null = null;

  constructor(options: StatementGroupOptions<Request, Answer>) {
    this.#options = options;
  }

  ask(request: Request): Promise<Grouped<Answer>> {
    return new Promise((resolve, reject) => {
      const { keysOf, monotonicMs } = this.#options;
      this.#waiting.push({ request, keys: keysOf(request), since: monotonicMs(), resolve, reject });
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
        const late = (one: Waiting<Request, Answer>) => monotonicMs() - one.since >= maxWaitMs;
        for (const one of this.#waiting.filter(late)) one.reject(overdue());
        this.#waiting = this.#waiting.filter((one) => !late(one));
        this.#planSweep();
      },
      Math.max(1, due()),
    );
  }

  /** After this turn of the event loop, so that all that arrived in it share a statement. */
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
      // All that wait are of keys in flight: their group's end flushes again.
      if (group.length === 0) return;
      this.#inFlight++;
      this.#run(group).finally(() => {
        this.#inFlight--;
        for (const { keys } of group) for (const key of keys) this.#busy.delete(key);
        if (this.#waiting.length > 0) this.#planFlush();
      });
    }
  }

  #takeGroup(): Waiting<Request, Answer>[] {
    const group: Waiting<Request, Answer>[] = [];
    const rest: Waiting<Request, Answer>[] = [];
    for (const one of this.#waiting) {
      if (group.length >= this.#options.maxRows || one.keys.some((key) => this.#busy.has(key))) {
        rest.push(one);
        continue;
      }
      for (const key of one.keys) this.#busy.add(key);
      group.push(one);
    }
    this.#waiting = rest;
    return group;
  }

  /** True when the database turned out to be away. */
  async #run(group: readonly Waiting<Request, Answer>[]): Promise<boolean> {
    const { monotonicMs, onGroup, onRetry } = this.#options;
    const started = monotonicMs();
    onGroup?.(group.length);
    try {
      const answers = await withRetries(() => this.#options.run(group.map((one) => one.request)), onRetry);
      const statementMs = monotonicMs() - started;
      group.forEach((one, i) => {
        const answer = answers[i];
        if (answer === undefined) one.reject(new Error("the statement answered for fewer than it was given"));
        else one.resolve({ answer, waitMs: started - one.since, statementMs, groupSize: group.length });
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
