"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { Fact } from "#components/trips/trip-facts.tsx";
import { Button } from "#components/ui/button.tsx";
import { Code } from "#components/ui/code.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { Drawer } from "#components/ui/dialog.tsx";
import { ErrorState } from "#components/ui/notice.tsx";
import { Section } from "#components/ui/section.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { JobRow } from "#server/contracts/console.ts";
import type { QueueName } from "#server/contracts/jobs.ts";
import type { JobDecision } from "./job-actions.ts";

interface JobDrawerProps {
  readonly job: { readonly queue: QueueName; readonly id: string } | null;
  readonly onClose: () => void;
  readonly onDecide: (decision: JobDecision) => void;
}

/** One job, whole: what it was given, what went wrong, where, and how often it was tried. */
export function JobDrawer({ job, onClose, onDecide }: JobDrawerProps) {
  return (
    <Drawer
      open={job !== null}
      onOpenChange={(open) => !open && onClose()}
      title={job ? `Job ${job.id}` : "Job"}
      description={job && `Queue ${job.queue}`}
    >
      {job && <JobDetail queue={job.queue} id={job.id} onDecide={onDecide} />}
    </Drawer>
  );
}

const moment = (at: string | null) => (at ? <Moment at={at} show="full" /> : <span className="text-faint">–</span>);

function JobDetail({
  queue,
  id,
  onDecide,
}: {
  queue: QueueName;
  id: string;
  onDecide: (decision: JobDecision) => void;
}) {
  const trpc = useTRPC();
  const job = useQuery(trpc.jobs.detail.queryOptions({ queue, id }));
  if (job.isError) return <ErrorState what="This job" error={job.error} onRetry={() => void job.refetch()} />;
  if (!job.data) {
    return (
      <div role="status" aria-label="Loading the job" className="space-y-4 p-4">
        <Skeleton className="w-2/3" />
        <Skeleton className="w-1/2" />
        <Skeleton className="h-32 w-full" />
      </div>
    );
  }
  return <JobFacts job={job.data} onDecide={onDecide} />;
}

function JobFacts({ job, onDecide }: { job: JobRow; onDecide: (decision: JobDecision) => void }) {
  const canAct = useCan("jobs.retry") && job.state === "failed";
  const decide = (verb: JobDecision["verb"]) => onDecide({ verb, queue: job.queue, jobIds: [job.id], name: job.name });
  return (
    <>
      {canAct && (
        <div className="flex gap-2 border-b px-4 py-2">
          <Button variant="primary" onClick={() => decide("retry")}>
            Retry job
          </Button>
          <Button variant="danger" onClick={() => decide("discard")}>
            Discard job
          </Button>
        </div>
      )}
      <dl className="border-b px-4 py-2">
        <Fact name="Job">
          <span className="font-mono text-xs">{job.name}</span>
        </Fact>
        <Fact name="Id">
          <Copyable value={job.id} what="job id" />
        </Fact>
        <Fact name="State">{job.state}</Fact>
        <Fact name="Attempts">
          {job.attemptsMade} of {job.maxAttempts}
        </Fact>
        <Fact name="Created">{moment(job.createdAt)}</Fact>
        <Fact name="Last started">{moment(job.processedAt)}</Fact>
        <Fact name="Finished">{moment(job.finishedAt)}</Fact>
        {job.tripId && (
          <Fact name="Trip">
            <Link href={`/trips/${job.tripId}`} className="text-accent-ink hover:underline">
              Open trip
            </Link>
          </Fact>
        )}
      </dl>
      {job.failedReason && (
        <Section title="What went wrong">
          <p className="break-words px-4 pb-3 text-danger">{job.failedReason}</p>
        </Section>
      )}
      <Section title="Payload" note="Phones, codes and tokens are masked">
        <Code>{JSON.stringify(job.payload, null, 2)}</Code>
      </Section>
      {job.stack.length > 0 && (
        <Section title="Stack, by attempt" count={job.stack.length}>
          {job.stack.map((trace, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: attempts only ever append, and traces may be equal
            <Code key={index}>{trace}</Code>
          ))}
        </Section>
      )}
    </>
  );
}
