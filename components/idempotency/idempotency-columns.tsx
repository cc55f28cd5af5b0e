import { Copyable } from "#components/ui/copyable.tsx";
import { formatSeconds } from "#components/ui/duration.ts";
import type { StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { IdempotencyRow, IdempotencyState } from "#server/contracts/console.ts";

export const KEY_LOOK = {
  running: { label: "Running", hue: "accepted" },
  abandoned: { label: "Lease ended", hue: "attention" },
  finished: { label: "Finished", hue: "completed" },
} as const satisfies Record<IdempotencyState, StateLook>;

/** How long the request that holds the key may still take. */
export function leaseText(row: IdempotencyRow): string {
  if (row.state === "abandoned") return "the next retry does the work";
  return row.leaseSeconds === null ? "" : `${formatSeconds(row.leaseSeconds)} left`;
}

export function KeyActor({ row }: { row: IdempotencyRow }) {
  if (row.actorName === null) return <Copyable value={row.actorId} what="actor id" />;
  return (
    <>
      {row.actorName} <span className="text-faint text-xs">{row.actorType}</span>
    </>
  );
}

const conflicts = (row: IdempotencyRow) =>
  row.conflicts === 0 ? 0 : <span className="font-medium text-warn">{row.conflicts}</span>;

export const KEY_COLUMNS: readonly Column<IdempotencyRow>[] = [
  { id: "at", header: "First sent", cell: (row) => <Moment at={row.createdAt} />, className: "w-28" },
  { id: "key", header: "Key", cell: (row) => <Copyable value={row.key} what="key" />, className: "w-48 max-w-48" },
  {
    id: "operation",
    header: "Operation",
    cell: (row) => <span className="font-mono text-xs">{row.operation}</span>,
    className: "max-w-48",
  },
  { id: "actor", header: "Sent by", cell: (row) => <KeyActor row={row} />, className: "max-w-56" },
  { id: "state", header: "State", cell: (row) => <StatePill look={KEY_LOOK[row.state]} />, className: "w-28" },
  {
    id: "lease",
    header: "Lease",
    cell: (row) => <span className="text-muted">{leaseText(row)}</span>,
    className: "w-44",
  },
  { id: "status", header: "HTTP", align: "right", cell: (row) => row.statusCode ?? "–", className: "w-16" },
  { id: "replays", header: "Replays", align: "right", cell: (row) => row.replays, className: "w-20" },
  { id: "conflicts", header: "Conflicts", align: "right", cell: conflicts, className: "w-24" },
];

export function KeyCompact({ row }: { row: IdempotencyRow }) {
  return (
    <>
      <p className="flex items-center gap-2">
        <span className="truncate font-mono text-xs">{row.operation}</span>
        <StatePill look={KEY_LOOK[row.state]} />
        <Moment at={row.createdAt} className="ml-auto text-muted text-xs" />
      </p>
      <p className="truncate text-muted text-xs">
        {row.actorName ?? row.actorId} · {row.replays} replays · {row.conflicts} conflicts
      </p>
    </>
  );
}
