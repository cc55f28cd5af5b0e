import type { Actor } from "#server/domain/identity/tokens.ts";
import { type Activity, logActivity, type Recorder } from "#server/domain/ops/activity-log.ts";
import type { RequestContext } from "#server/trpc/init.ts";

export type OperatorContext = RequestContext & {
  readonly actor: Extract<Actor, { type: "operator" }>;
  /** As the procedure declares it. */
  readonly auditAction: string;
};

const activityOf = (
  ctx: OperatorContext,
  subject: Activity["subject"],
  what: Pick<Activity, "before" | "after" | "reason">,
): Activity => ({
  actor: { id: ctx.actor.id, name: ctx.actor.name },
  action: ctx.auditAction,
  subject,
  ...what,
  ip: ctx.ip,
  requestId: ctx.requestId,
});

/** For a change of the database: the row is written in its transaction, so neither is there without the other. */
export const recorder =
  (ctx: OperatorContext, reason: string | null): Recorder =>
  (tx, subject, what) =>
    logActivity(tx, activityOf(ctx, subject, { ...what, reason }));

/**
 * For what is done outside the database (locks, queues): writes what the operator of this request did, and why, before
 * they are answered. It is done by then, so a row that cannot be written makes no failure of it: all its fields go to the
 * process's log, as an error.
 */
export async function audit(
  ctx: OperatorContext,
  subject: Activity["subject"],
  what: Pick<Activity, "before" | "after" | "reason">,
): Promise<void> {
  const activity = activityOf(ctx, subject, what);
  try {
    await logActivity(ctx.app.db.pool, activity);
  } catch (error) {
    ctx.app.logger.error({ err: error, activity }, "done, and not in the audit log");
  }
}
