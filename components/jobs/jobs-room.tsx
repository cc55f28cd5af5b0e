"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useTabVisible } from "#components/data/use-tab-visible.ts";
import { type ActionResult, ActionResults } from "#components/ui/action-results.tsx";
import { FilterOne } from "#components/ui/filter-menu.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Room } from "#components/ui/room.tsx";
import { Section } from "#components/ui/section.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import type { JobsView } from "#server/contracts/console.ts";
import { FailedGroups } from "./failed-groups.tsx";
import { type JobDecision, useJobActions } from "./job-actions.ts";
import { JobDrawer } from "./job-drawer.tsx";
import { OutboxStrip } from "./outbox-strip.tsx";
import { QueueCharts } from "./queue-charts.tsx";
import { QUEUE_NAMES, queueName } from "./queue-names.ts";
import { QueueTable } from "./queue-table.tsx";

const GROUPS_REFRESH_MS = 10_000;

/** 30 minutes of samples: a frame brings those since the one before, the first one all. */
const SAMPLES_MS = 30 * 60_000;

function withSamplesOf(seen: JobsView | undefined, frame: JobsView): JobsView {
  const known = new Set(frame.samples.map((sample) => `${sample.at} ${sample.queue}`));
  const oldest = new Date(Date.now() - SAMPLES_MS).toISOString();
  const kept = (seen?.samples ?? []).filter(
    (sample) => sample.at > oldest && !known.has(`${sample.at} ${sample.queue}`),
  );
  return { ...frame, samples: [...kept, ...frame.samples] };
}

export function JobsRoom() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [at, setAt] = useQueryStates({
    queue: parseAsStringLiteral(QUEUE_NAMES),
    jobQueue: parseAsStringLiteral(QUEUE_NAMES),
    job: parseAsString,
  });
  const [decision, setDecision] = useState<JobDecision | null>(null);
  const [done, setDone] = useState<{ title: string; results: readonly ActionResult[] } | null>(null);
  const act = useJobActions();
  const view = useQuery({ ...trpc.jobs.view.queryOptions(), staleTime: 30_000 });
  useSubscription(
    trpc.jobs.live.subscriptionOptions(undefined, {
      enabled: useTabVisible(),
      onData: ({ data }) => queryClient.setQueryData(trpc.jobs.view.queryKey(), (seen) => withSamplesOf(seen, data)),
    }),
  );
  const groups = useQuery({
    ...trpc.jobs.failedGroups.queryOptions(at.queue ? { queue: at.queue } : {}),
    refetchInterval: GROUPS_REFRESH_MS,
  });
  const failed = groups.data?.reduce((sum, group) => sum + group.count, 0) ?? 0;
  const many = (decision?.jobIds.length ?? 0) > 1;
  const what = many ? `${decision?.jobIds.length} jobs` : "job";

  if (view.isError && !view.data) {
    return (
      <Room title="Jobs">
        <ErrorState what="The queues" error={view.error} onRetry={() => void view.refetch()} />
      </Room>
    );
  }
  return (
    <Room title="Jobs" age={<LiveAge at={view.dataUpdatedAt} />}>
      {done && <ActionResults {...done} onClose={() => setDone(null)} />}
      {view.data && !view.data.reachable && (
        <p role="alert" className="border-b bg-danger-soft px-4 py-2 text-danger">
          <span className="font-medium">The queues cannot be reached.</span> Trips are still taken: their side effects
          wait in the outbox and run once the queues are back.
        </p>
      )}
      {view.data ? <OutboxStrip view={view.data} /> : <StripSkeleton />}
      <Section id="queues" title="Queues" note="Latency from enqueued to finished, last 5 minutes">
        <QueueTable queues={view.data?.queues} />
      </Section>
      {view.data && <QueueCharts samples={view.data.samples} />}
      <Section
        id="failed"
        title="Failed jobs"
        {...(groups.data ? { count: failed } : {})}
        note="Grouped by exception"
        actions={
          <FilterOne
            label="Queue"
            anyLabel="Any queue"
            options={QUEUE_NAMES.map((name) => ({ value: name, label: name }))}
            value={at.queue}
            onChange={(queue) => void setAt({ queue })}
          />
        }
      >
        {groups.isError && !groups.data ? (
          <ErrorState what="The failed jobs" error={groups.error} onRetry={() => void groups.refetch()} />
        ) : !groups.data ? (
          <StripSkeleton />
        ) : groups.data.length === 0 ? (
          <EmptyState title="No failed jobs">
            A job that fails its last attempt appears here until someone retries or discards it.
          </EmptyState>
        ) : (
          <FailedGroups
            groups={groups.data}
            onOpen={(queue, job) => void setAt({ jobQueue: queueName(queue), job })}
            onDecide={setDecision}
          />
        )}
      </Section>
      <JobDrawer
        job={at.jobQueue && at.job ? { queue: at.jobQueue, id: at.job } : null}
        onClose={() => void setAt({ jobQueue: null, job: null })}
        onDecide={setDecision}
      />
      <ReasonDialog
        open={decision !== null}
        onOpenChange={(open) => !open && setDecision(null)}
        title={`${decision?.verb === "discard" ? "Discard" : "Retry"} ${many ? what : "this job"}?`}
        effect={
          decision?.verb === "discard"
            ? `${decision.name}: removed for good, and what it should have done does not happen.`
            : `${decision?.name}: put back in its queue, with all its attempts. An effect that was done before is not done twice.`
        }
        verb={`${decision?.verb === "discard" ? "Discard" : "Retry"} ${what}`}
        dangerous={decision?.verb === "discard"}
        unchanged="No job was changed."
        onConfirm={async (reason) => {
          if (decision) {
            const results = await act(decision, reason);
            setDone({ title: `Result of the ${decision.verb}: ${decision.name}`, results });
          }
          void setAt({ jobQueue: null, job: null });
        }}
      />
    </Room>
  );
}

const StripSkeleton = () => (
  <div role="status" aria-label="Loading" className="flex gap-12 border-b px-4 py-4">
    <Skeleton className="w-24" />
    <Skeleton className="w-24" />
    <Skeleton className="w-24" />
  </div>
);
