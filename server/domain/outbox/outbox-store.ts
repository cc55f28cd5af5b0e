import { newId } from "#server/contracts/ids.ts";
import type { JobName, JobPayload } from "#server/contracts/jobs.ts";
import type { Queryable } from "#server/platform/db.ts";

/** Adds a row in the caller's transaction: the job exists if and only if the change is committed. Returns the job's id. */
export async function addToOutbox<N extends JobName>(
  tx: Queryable,
  topic: N,
  payload: JobPayload<N>,
  options: { readonly tripId?: string; readonly id?: string } = {},
): Promise<string> {
  const id = options.id ?? newId();
  await tx.query({
    name: "outbox-add",
    text: "INSERT INTO outbox (id, topic, trip_id, payload) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
    values: [id, topic, options.tripId ?? null, JSON.stringify(payload)],
  });
  return id;
}
