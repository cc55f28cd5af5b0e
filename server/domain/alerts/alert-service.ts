import type { Alert, Page } from "#server/contracts/console.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { topics } from "#server/contracts/realtime.ts";
import * as store from "#server/domain/alerts/alert-store.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Database, Queryable } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";

/** What `raiseSoon` gathers before it writes. */
const GATHER_MS = 1000;

const keyOf = ({ kind, subject }: store.NewAlert) => `${kind}:${subject.type}:${subject.id}`;

/** What somebody should look at, kept until somebody has. */
export class AlertService {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #logger: Logger;
  #waiting = new Map<string, store.NewAlert>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: { db: Database; bus: EventBus; logger: Logger }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#logger = options.logger;
  }

  /** In the transaction of what it tells of; `announce` after its commit. */
  async raiseWith(tx: Queryable, alert: store.NewAlert): Promise<void> {
    await store.raiseAlerts(tx, [alert]);
  }

  /** Tells all consoles that there is something new. */
  announce(): void {
    this.#bus.publish(topics.alerts, "changed", { ids: [] });
  }

  /** At once and without waiting: written within a second, off the path of whoever noticed. */
  raiseSoon(alert: store.NewAlert): void {
    this.#waiting.set(keyOf(alert), alert);
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  /** Writes all that waits; for shutdown and tests. */
  async drain(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#flush();
    await this.#writing;
  }

  list(filter: {
    readonly open: boolean;
    readonly cursor: string | null;
    readonly limit: number;
  }): Promise<Page<Alert>> {
    return store.listAlerts(this.#db.pool, filter);
  }

  count(): Promise<{ open: number; critical: number }> {
    return store.countOpen(this.#db.pool);
  }

  /** VERSION_CONFLICT when somebody resolved it already. */
  async resolve(
    actor: { readonly id: string; readonly name: string },
    change: { readonly id: string; readonly reason: string },
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<void> {
    await this.#db.transaction(async (tx) => {
      const resolved = await store.resolveAlert(tx, change.id, { ...actor, resolution: change.reason });
      if (resolved === null)
        throw new DomainError("VERSION_CONFLICT", "There is no such open alert: somebody resolved it already.");
      const about = { kind: resolved.kind, subject: `${resolved.subject_type} ${resolved.subject_id}` };
      await record(tx, { type: "alert", id: change.id }, { before: { ...about, open: true }, after: { open: false } });
      await remember(tx, claim, undefined);
    });
    this.announce();
  }

  #flush(): void {
    this.#timer = null;
    const alerts = [...this.#waiting.values()];
    if (alerts.length === 0) return;
    this.#waiting = new Map();
    this.#writing = this.#writing.then(async () => {
      try {
        await store.raiseAlerts(this.#db.pool, alerts);
        this.announce();
      } catch (error) {
        // The log has them; who raised them has gone on.
        this.#logger.error({ err: error, alerts }, "alerts not stored");
      }
    });
  }
}
