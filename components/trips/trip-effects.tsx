import { Copyable } from "#components/ui/copyable.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { formatMillis } from "#components/ui/duration.ts";
import type { StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { RecordedMessage, TripEffect } from "#server/contracts/console.ts";

const none = <span className="text-faint">–</span>;

const EFFECT_LOOK = {
  claimed: { label: "Running", hue: "pending" },
  done: { label: "Done", hue: "ongoing" },
  failed: { label: "Failed", hue: "cancelled" },
} as const satisfies Record<TripEffect["status"], StateLook>;

const took = (effect: TripEffect) =>
  effect.doneAt ? (
    <span className="font-mono text-xs">{formatMillis(Date.parse(effect.doneAt) - Date.parse(effect.claimedAt))}</span>
  ) : (
    none
  );

const COLUMNS: readonly Column<TripEffect>[] = [
  {
    id: "effect",
    header: "Effect",
    cell: (effect) => <span className="font-mono text-xs">{effect.effect}</span>,
    className: "max-w-56",
  },
  {
    id: "status",
    header: "Status",
    cell: (effect) => <StatePill look={EFFECT_LOOK[effect.status]} />,
    className: "w-28",
  },
  { id: "claimed", header: "Claimed", cell: (effect) => <Moment at={effect.claimedAt} show="ms" />, className: "w-28" },
  { id: "took", header: "Took", align: "right", cell: took, className: "w-24" },
  { id: "attempts", header: "Attempts", align: "right", cell: (effect) => effect.attempts, className: "w-20" },
  {
    id: "job",
    header: "Job",
    cell: (effect) =>
      effect.jobId ? <Copyable value={effect.jobId} text={effect.jobId.slice(-8)} what="job id" /> : none,
    className: "w-24",
  },
  {
    id: "error",
    header: "Error",
    cell: (effect) =>
      effect.error ? (
        <span className="text-danger" title={effect.error}>
          {effect.error}
        </span>
      ) : (
        none
      ),
    className: "max-w-72",
  },
];

export function TripEffects({ effects }: { effects: readonly TripEffect[] }) {
  return (
    <div className="overflow-x-auto">
      <DataTable
        caption="Side effects"
        columns={COLUMNS}
        rows={effects}
        rowKey={(effect) => `${effect.effect} ${effect.subject}`}
        compact={(effect) => (
          <>
            <p className="flex items-center gap-2">
              <span className="min-w-0 flex-1 truncate font-mono text-xs">{effect.effect}</span>
              <StatePill look={EFFECT_LOOK[effect.status]} />
            </p>
            <p className="text-muted text-xs">
              <Moment at={effect.claimedAt} show="ms" /> · {took(effect)}
            </p>
            {effect.error && <p className="break-words text-danger text-xs">{effect.error}</p>}
          </>
        )}
        empty={
          <p className="px-4 pb-4 text-muted">
            No side effects yet. SMS, pushes and broadcasts appear here once the trip is committed.
          </p>
        }
      />
    </div>
  );
}

export function TripMessages({ messages }: { messages: readonly RecordedMessage[] }) {
  if (messages.length === 0) return <p className="px-4 pb-4 text-muted">No message was recorded for this trip.</p>;
  return (
    <ul className="divide-y border-t">
      {messages.map((message) => (
        <li key={message.id} className="flex gap-3 px-4 py-2">
          <Moment at={message.at} show="ms" className="pt-0.5 text-muted" />
          <div className="min-w-0 flex-1">
            <p className="flex flex-wrap gap-x-2">
              <span className="font-medium">{message.title ?? (message.channel === "sms" ? "SMS" : "Push")}</span>
              <span className="text-faint">
                {message.channel === "sms" ? "SMS" : "Push"} to <span className="font-mono text-xs">{message.to}</span>
              </span>
            </p>
            <p className="whitespace-pre-line break-words text-muted">{message.body}</p>
          </div>
        </li>
      ))}
    </ul>
  );
}
