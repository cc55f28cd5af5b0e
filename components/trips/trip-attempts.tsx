import type { ReactNode } from "react";
import { cx } from "#components/ui/class-names.ts";
import { Copyable } from "#components/ui/copyable.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { formatMillis } from "#components/ui/duration.ts";
import type { StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { AcceptAttempt } from "#server/contracts/console.ts";

const ATTEMPT_LOOK = {
  won: { label: "Won", hue: "ongoing" },
  already_yours: { label: "Already theirs", hue: "accepted" },
  lost: { label: "Lost", hue: "completed" },
  refused: { label: "Refused", hue: "cancelled" },
} as const satisfies Record<AcceptAttempt["verdict"], StateLook>;

/** The steps of an accept in order, and the grey each is drawn in: they are no states, so they take no hue. */
const STEPS = [
  { id: "lock", label: "Lock", ms: (attempt: AcceptAttempt) => attempt.lockMs ?? 0, className: "bg-ink" },
  {
    id: "wait",
    label: "Wait for its turn and group",
    ms: (attempt: AcceptAttempt) => attempt.waitMs ?? 0,
    className: "bg-line-strong",
  },
  {
    id: "statement",
    label: "Statement",
    ms: (attempt: AcceptAttempt) => attempt.statementMs ?? 0,
    className: "bg-control",
  },
] as const;

const none = <span className="text-faint">–</span>;
const short = (ms: number) => (ms < 100 ? ms.toFixed(1) : String(Math.round(ms)));
/** `0.4 + 1.8 + 6.2`; an accept that lost at the lock got no further, and has one number. */
const parts = ({ lockMs, waitMs, statementMs }: AcceptAttempt) =>
  [lockMs, waitMs, statementMs]
    .filter((ms) => ms !== null)
    .map(short)
    .join(" + ") || "–";
const mono = (text: ReactNode) => <span className="font-mono text-xs">{text}</span>;

/** One accept's time on the scale of the slowest one. What no step accounts for stays empty, inside the outline. */
function StepBar({ attempt, longestMs }: { attempt: AcceptAttempt; longestMs: number }) {
  const share = (ms: number, of: number) => `${of > 0 ? (ms / of) * 100 : 0}%`;
  const text = STEPS.map((step) => `${step.label} ${formatMillis(step.ms(attempt))}`).join(", ");
  return (
    <span
      role="img"
      aria-label={`${text}, in all ${formatMillis(attempt.totalMs)}`}
      className="block h-3 w-full min-w-32"
    >
      <span
        className="flex h-full min-w-1 overflow-hidden rounded-xs outline outline-line-strong -outline-offset-1"
        style={{ width: share(attempt.totalMs, longestMs) }}
      >
        {STEPS.map((step) => (
          <span key={step.id} className={step.className} style={{ width: share(step.ms(attempt), attempt.totalMs) }} />
        ))}
      </span>
    </span>
  );
}

export function StepLegend() {
  return (
    <ul className="flex flex-wrap gap-x-3 text-faint text-xs">
      {STEPS.map((step) => (
        <li key={step.id} className="flex items-center gap-1.5">
          <span aria-hidden className={cx("size-2 rounded-xs", step.className)} />
          {step.label}
        </li>
      ))}
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="size-2 rounded-xs outline outline-line-strong -outline-offset-1" />
        Rest
      </li>
    </ul>
  );
}

const columnsFor = (longestMs: number): readonly Column<AcceptAttempt>[] => [
  { id: "at", header: "At", cell: (attempt) => <Moment at={attempt.at} show="ms" />, className: "w-28" },
  { id: "driver", header: "Driver", cell: (attempt) => attempt.driverName, className: "max-w-36" },
  {
    id: "verdict",
    header: "Verdict",
    cell: (attempt) => <StatePill look={ATTEMPT_LOOK[attempt.verdict]} />,
    className: "w-30",
  },
  {
    id: "why",
    header: "Why",
    cell: (attempt) => {
      const why = attempt.detail ?? attempt.code;
      return why ? <span title={`${why} ${attempt.code ?? ""}`}>{why}</span> : none;
    },
    className: "max-w-40",
  },
  {
    id: "bar",
    header: "Steps",
    cell: (attempt) => <StepBar attempt={attempt} longestMs={longestMs} />,
    className: "w-28",
  },
  {
    id: "steps",
    header: "Lock + wait + stmt, ms",
    align: "right",
    cell: (attempt) => mono(parts(attempt)),
    className: "w-36",
  },
  {
    id: "total",
    header: "Total, ms",
    align: "right",
    cell: (attempt) => mono(short(attempt.totalMs)),
    className: "w-18",
  },
  { id: "group", header: "Group", align: "right", cell: (attempt) => attempt.groupSize ?? none, className: "w-16" },
  {
    id: "request",
    header: "Request",
    cell: (attempt) =>
      attempt.requestId ? (
        <Copyable value={attempt.requestId} text={attempt.requestId.slice(-6)} what="request id" />
      ) : (
        none
      ),
    className: "w-24",
  },
];

export function TripAttempts({ attempts }: { attempts: readonly AcceptAttempt[] }) {
  const longestMs = Math.max(0, ...attempts.map((attempt) => attempt.totalMs));
  return (
    <div className="overflow-x-auto">
      <DataTable
        caption="Accept attempts"
        columns={columnsFor(longestMs)}
        rows={attempts}
        rowKey={(attempt) => attempt.id}
        compact={(attempt) => (
          <>
            <p className="flex items-center gap-2">
              <span className="min-w-0 flex-1 truncate font-medium">{attempt.driverName}</span>
              <StatePill look={ATTEMPT_LOOK[attempt.verdict]} />
            </p>
            <p className="flex items-center gap-2 py-1 text-muted text-xs">
              <Moment at={attempt.at} show="ms" />
              <StepBar attempt={attempt} longestMs={longestMs} />
              <span className="whitespace-nowrap font-mono">{formatMillis(attempt.totalMs)}</span>
            </p>
            {attempt.detail && <p className="text-muted text-xs">{attempt.detail}</p>}
          </>
        )}
        empty={
          <p className="px-4 pb-4 text-muted">
            Nobody has tried to accept yet. Every try appears here, won or lost, to the millisecond.
          </p>
        }
      />
    </div>
  );
}
