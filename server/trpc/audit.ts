import type { Actor } from "#server/domain/identity/tokens.ts";
import { type Activity, logActivity } from "#server/domain/ops/activity-log.ts";
import type { RequestContext } from "#server/trpc/init.ts";

export type OperatorContext = RequestContext & {
  readonly actor: Extract<Actor, { type: "operator" }>;
  /** As the procedure declares it. */
  readonly auditAction: string;
};

/**
 * Writes what the operator of this request did, and why, to the audit log, before they are answered. It is done by
 * then, so a row that cannot be written makes no failure of it: all its fields go to the process's log, as an error.
 */
export async function audit(
  ctx: OperatorContext,
  subject: Activity["subject"],
  what: Pick<Activity, "before" | "after" | "reason">,
): Promise<void> {
  const { id, name } = ctx.actor;
  const action = ctx.auditAction;
  const activity: Activity = { actor: { id, name }, action, subject, ...what, ip: ctx.ip, requestId: ctx.requestId };
  try {
    await logActivity(ctx.app.db.pool, activity);
  } catch (error) {
    ctx.app.logger.error({ err: error, activity }, "done, and not in the audit log");
  }
}
