import type { Pool } from "pg";
import type { AppContext } from "#server/context.ts";
import { type AcceptGroup, AssignmentService } from "#server/domain/assignment/assignment-service.ts";
import { type AcceptRequest, AssignmentStore, type Decision } from "#server/domain/assignment/assignment-store.ts";
import type { TripLock } from "#server/platform/locks/trip-lock.ts";
import { StatementGroup } from "#server/platform/statement-group.ts";

export type Decide = (group: readonly AcceptRequest[]) => Promise<Decision[]>;

/** The engine of an app with parts of it replaced: for mutations, which must turn a test red. */
export function engineWith(
  app: AppContext,
  parts: { readonly lock?: TripLock; readonly decide?: Decide; readonly group?: Pick<AcceptGroup, "ask"> },
): AssignmentService {
  const store = new AssignmentStore(app.db.pool);
  const group =
    parts.group ??
    new StatementGroup({
      run: parts.decide ?? ((requests: readonly AcceptRequest[]) => store.decide(requests)),
      keysOf: (request) => [request.tripId, request.driverId],
      maxRows: app.config.assignment.groupRows,
      maxInFlight: app.config.assignment.groupsInFlight,
      maxWaitMs: 2500,
      monotonicMs: () => app.clock.monotonicMs(),
    });
  return new AssignmentService({
    lock: parts.lock ?? app.lock,
    group: group as AcceptGroup,
    store,
    events: app.events,
    onCommitted: app.wakeOutbox,
    clock: app.clock,
    metrics: app.metrics,
    logger: app.logger,
  });
}

/** The store with its SQL changed. Fails when the change changes nothing: a mutation that is none proves nothing. */
export function storeWithSql(pool: Pool, change: (sql: string) => string): AssignmentStore {
  const query = (config: { text: string; values: unknown[] }) => {
    const text = change(config.text);
    if (text === config.text && config.text.includes("verdict"))
      throw new Error("the mutation does not apply any more");
    return pool.query({ text, values: config.values });
  };
  return new AssignmentStore({ query } as unknown as Pool);
}

/** The conditional update without its conditions: whoever asks gets the trip. */
export function withoutConditions(sql: string): string {
  return sql
    .replace(/WHEN t\.driver_id IS NOT NULL AND t\.current_status <> 'cancelled' THEN 'taken'\s+/, "")
    .replace(/WHEN t\.current_status <> 'pending' THEN 'not_pending'\s+/, "")
    .replace(" AND (SELECT count(*) FROM trip WHERE current_status = 'pending') > 0", "")
    .replace(" AND t.current_status = 'pending' AND t.driver_id IS NULL\n  RETURNING", "\n  RETURNING");
}

/** A lock that anybody gets: what is left when Redis forgets everything all the time. */
export const noLock: TripLock = {
  backend: "memory",
  acquire: async (_trip, driver) => ({ outcome: "acquired", value: `${driver}:none` }),
  release: async () => true,
  takeOver: async (_trip, _seen, driver) => ({ outcome: "acquired", value: `${driver}:none` }),
  releaseOwnedBy: async () => true,
  get: async () => null,
  list: async () => [],
};
