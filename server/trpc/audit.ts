import type { Actor } from "#server/domain/identity/tokens.ts";
import { type Activity, logActivity } from "#server/domain/ops/activity-log.ts";
import type { RequestContext } from "#server/trpc/init.ts";

type OperatorContext = RequestContext & { readonly actor: Extract<Actor, { type: "operator" }> };

/** Writes what the operator of this request did, and why, to the audit log. */
export function audit(
  ctx: OperatorContext,
  action: string,
  subject: Activity["subject"],
  what: Pick<Activity, "before" | "after" | "reason">,
): Promise<void> {
  return logActivity(ctx.app.db.pool, {
    actor: ctx.actor,
    action,
    subject,
    ...what,
    ip: ctx.ip,
    requestId: ctx.requestId,
  });
}
