import type { QueueName } from "#server/contracts/jobs.ts";

/** The queues, most urgent first. Named here once more because the contract's list would bring its validator along. */
const QUEUES = { critical: true, high: true, default: true, low: true } as const satisfies Record<QueueName, true>;
export const QUEUE_NAMES = Object.keys(QUEUES) as QueueName[];

/** A name from a view or an address as the API takes it. */
export function queueName(name: string): QueueName {
  const found = QUEUE_NAMES.find((queue) => queue === name);
  if (!found) throw new Error(`There is no queue “${name}”.`);
  return found;
}
