import { newId } from "#server/contracts/ids.ts";
import type { Queryable } from "#server/platform/db.ts";

/** Who did what to what, and why: one row for each thing an operator changes, and for each sign-in. */
export interface Activity {
  /** No id: nobody we know, as at a failed sign-in. */
  readonly actor: { readonly id: string | null; readonly name: string };
  readonly action: string;
  readonly subject: { readonly type: string; readonly id: string };
  readonly before?: unknown;
  readonly after?: unknown;
  readonly reason: string | null;
  readonly ip: string | null;
  readonly requestId: string | null;
}

/**
 * What a service is given to put its change in the audit log, inside the transaction of the change: without the row there
 * is no change. Who, which action, why and from where are known to the caller.
 */
export type Recorder = (
  tx: Queryable,
  subject: Activity["subject"],
  what: Pick<Activity, "before" | "after">,
) => Promise<void>;

const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));

export async function logActivity(db: Queryable, activity: Activity): Promise<void> {
  await db.query({
    name: "activity-log",
    text: `INSERT INTO activity_logs (id, actor_id, actor_name, action, subject_type, subject_id, before, after, reason, ip, request_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      newId(),
      activity.actor.id,
      activity.actor.name,
      activity.action,
      activity.subject.type,
      activity.subject.id,
      json(activity.before),
      json(activity.after),
      activity.reason,
      activity.ip,
      activity.requestId,
    ],
  });
}
