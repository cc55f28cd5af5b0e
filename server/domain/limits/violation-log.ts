import { newId } from "#server/contracts/ids.ts";
import type { LimitScope } from "#server/contracts/limits.ts";
import type { LimitSubject } from "#server/domain/limits/limit-subject.ts";
import { storeViolations, type Violations } from "#server/domain/limits/violation-store.ts";
import type { Database } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";

const FLUSH_MS = 1000;
/** Subjects and minutes kept until they are written; what comes beyond is counted in the metrics alone. */
const MAX_WAITING = 5000;
/** Subjects whose window has been logged. */
const MAX_SAID = 20_000;
const MINUTE_MS = 60_000;

interface Violation {
  readonly scope: LimitScope;
  readonly subject: LimitSubject;
  readonly at: Date;
  /** When the subject may call again, in ms since the epoch. */
  readonly untilMs: number;
}

/** Refused calls, gathered by scope, subject and minute and written in batches, off the path of any answer. */
export class ViolationLog {
  readonly #db: Database;
  readonly #logger: Logger;
  #waiting = new Map<string, Violations>();
  readonly #said = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;

  constructor(options: { db: Database; logger: Logger }) {
    this.#db = options.db;
    this.#logger = options.logger;
  }

  note({ scope, subject, at, untilMs }: Violation): void {
    this.#say({ scope, subject, at, untilMs });
    const minute = Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS;
    const key = `${scope}|${subject.key}|${minute}`;
    const known = this.#waiting.get(key);
    if (known !== undefined) {
      known.count++;
      known.lastAt = at;
    } else if (this.#waiting.size < MAX_WAITING)
      this.#waiting.set(key, {
        id: newId(),
        scope,
        subject,
        minute: new Date(minute),
        count: 1,
        firstAt: at,
        lastAt: at,
      });
    this.#timer ??= setTimeout(() => void this.drain(), FLUSH_MS);
  }

  /** Writes all that waits; for shutdown and tests. */
  async drain(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#writing;
    if (this.#waiting.size === 0) return;
    const batch = [...this.#waiting.values()];
    this.#waiting = new Map();
    this.#writing = storeViolations(this.#db.pool, batch)
      // A record for people: it is not worth holding memory for a database that is away.
      .catch((error: unknown) => this.#logger.warn({ err: error, lost: batch.length }, "limit violations not kept"))
      .finally(() => {
        this.#writing = null;
      });
    await this.#writing;
  }

  /** Once for each subject and window: a flood of calls must not be a flood of lines. */
  #say({ scope, subject, at, untilMs }: Violation): void {
    const key = `${scope}|${subject.key}`;
    if ((this.#said.get(key) ?? 0) > at.getTime()) return;
    if (this.#said.size >= MAX_SAID) this.#said.clear();
    this.#said.set(key, untilMs);
    this.#logger.warn({ scope, subject: subject.shown, until: new Date(untilMs).toISOString() }, "Rate limit exceeded");
  }
}
