"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { formatMillis } from "#components/ui/duration.ts";
import { EmptyState } from "#components/ui/notice.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import type { StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import type { QueueRow } from "#server/contracts/console.ts";

const RUNNING: StateLook = { label: "Running", hue: "ongoing" };
const PAUSED: StateLook = { label: "Paused", hue: "pending" };

const count = (value: number, bad = false) => (
  <span className={bad && value > 0 ? "font-medium font-mono text-danger text-xs" : "font-mono text-xs"}>
    {value.toLocaleString("en")}
  </span>
);
const millis = (value: number | null) => (
  <span className="font-mono text-xs">{value === null ? "–" : formatMillis(value)}</span>
);

const COLUMNS: readonly Column<QueueRow>[] = [
  { id: "name", header: "Queue", cell: (queue) => <span className="font-medium">{queue.name}</span> },
  {
    id: "state",
    header: "State",
    cell: (queue) => <StatePill look={queue.paused ? PAUSED : RUNNING} />,
    className: "w-28",
  },
  { id: "waiting", header: "Waiting", align: "right", cell: (queue) => count(queue.waiting) },
  { id: "active", header: "Active", align: "right", cell: (queue) => count(queue.active) },
  { id: "delayed", header: "Delayed", align: "right", cell: (queue) => count(queue.delayed) },
  { id: "failed", header: "Failed", align: "right", cell: (queue) => count(queue.failed, true) },
  { id: "completed", header: "Completed", align: "right", cell: (queue) => count(queue.completed) },
  {
    id: "rate",
    header: "Rate, per s",
    align: "right",
    cell: (queue) => <span className="font-mono text-xs">{queue.ratePerSecond.toFixed(1)}</span>,
  },
  { id: "p50", header: "Latency p50", align: "right", cell: (queue) => millis(queue.p50Ms) },
  { id: "p95", header: "p95", align: "right", cell: (queue) => millis(queue.p95Ms) },
];

export function QueueTable({ queues }: { queues: readonly QueueRow[] | undefined }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const canAct = useCan("jobs.retry");
  const [asked, setAsked] = useState<QueueRow | null>(null);
  const onSettled = () => queryClient.invalidateQueries(trpc.jobs.pathFilter());
  const pause = useMutation(trpc.jobs.pause.mutationOptions({ onSettled }));
  const resume = useMutation(trpc.jobs.resume.mutationOptions({ onSettled }));
  const act: Column<QueueRow> = {
    id: "act",
    header: "Action",
    align: "right",
    className: "w-24",
    cell: (queue) => (
      <Button variant="ghost" className="h-6!" onClick={() => setAsked(queue)}>
        {queue.paused ? "Resume" : "Pause"}
        <span className="sr-only"> {queue.name}</span>
      </Button>
    ),
  };
  return (
    <div className="overflow-x-auto">
      <DataTable
        caption="Queues"
        columns={canAct ? [...COLUMNS, act] : COLUMNS}
        rows={queues}
        expectedRows={4}
        rowKey={(queue) => queue.name}
        compact={(queue) => (
          <>
            <p className="flex items-center gap-2">
              <span className="font-medium">{queue.name}</span>
              <StatePill look={queue.paused ? PAUSED : RUNNING} />
              {canAct && <span className="ml-auto">{act.cell(queue)}</span>}
            </p>
            <p className="text-muted text-xs">
              {queue.waiting} waiting · {queue.active} active · {queue.delayed} delayed ·{" "}
              <span className={queue.failed > 0 ? "text-danger" : ""}>{queue.failed} failed</span>
            </p>
            <p className="text-muted text-xs">
              {queue.ratePerSecond.toFixed(1)}/s · p50 {millis(queue.p50Ms)} · p95 {millis(queue.p95Ms)}
            </p>
          </>
        )}
        empty={<EmptyState title="No queues">The server knows no queue. Is a worker running?</EmptyState>}
      />
      <ReasonDialog
        open={asked !== null}
        onOpenChange={(open) => !open && setAsked(null)}
        title={`${asked?.paused ? "Resume" : "Pause"} the queue “${asked?.name ?? ""}”?`}
        effect={
          asked?.paused
            ? `Workers take jobs again; ${asked.waiting} wait.`
            : "Workers finish what they have begun and take no more. Jobs go on arriving and wait. Riders may get messages late."
        }
        verb={asked?.paused ? "Resume queue" : "Pause queue"}
        unchanged="The queue was not changed."
        onConfirm={async (reason) => {
          if (!asked) return;
          await (asked.paused ? resume : pause).mutateAsync({ queue: asked.name, reason });
          toast.success(`Queue “${asked.name}” is ${asked.paused ? "running" : "paused"}`);
        }}
      />
    </div>
  );
}
