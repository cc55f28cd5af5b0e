"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTRPC } from "#components/data/trpc.ts";
import type { ActionResult } from "#components/ui/action-results.tsx";
import type { StateLook } from "#components/ui/state-hues.ts";
import type { JobActionResult } from "#server/contracts/console.ts";
import { queueName } from "./queue-names.ts";

const OUTCOME_LOOK = {
  retried: { label: "Retried", hue: "ongoing" },
  discarded: { label: "Discarded", hue: "completed" },
  gone: { label: "Gone", hue: "completed", hollow: true },
  changed: { label: "Kept: changed", hue: "pending" },
  unknown: { label: "Unknown", hue: "attention", hollow: true },
} as const satisfies Record<JobActionResult["outcome"], StateLook>;

/** What an operator decided to do with some failed jobs of one queue. */
export interface JobDecision {
  readonly verb: "retry" | "discard";
  readonly queue: string;
  readonly jobIds: readonly string[];
  /** What they have in common, for the dialog's title. */
  readonly name: string;
}

export function useJobActions() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const onSettled = () => queryClient.invalidateQueries(trpc.jobs.pathFilter());
  const retry = useMutation(trpc.jobs.retry.mutationOptions({ onSettled }));
  const discard = useMutation(trpc.jobs.discard.mutationOptions({ onSettled }));
  return async ({ verb, queue, jobIds }: JobDecision, reason: string): Promise<ActionResult[]> => {
    const answers = await (verb === "retry" ? retry : discard).mutateAsync({
      queue: queueName(queue),
      ids: [...jobIds],
      reason,
    });
    return answers.map(({ jobId, outcome, message }) => ({
      key: jobId,
      name: jobId,
      look: OUTCOME_LOOK[outcome],
      message,
    }));
  };
}
