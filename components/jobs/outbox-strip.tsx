import { cx } from "#components/ui/class-names.ts";
import { formatSeconds } from "#components/ui/duration.ts";
import type { JobsView } from "#server/contracts/console.ts";

/** The relay polls every few seconds at worst: a row older than this means that it does not run. */
const LATE_S = 30;

export function OutboxStrip({ view }: { view: JobsView }) {
  const { outbox } = view;
  const late = (outbox.oldestSeconds ?? 0) > LATE_S;
  const figures = [
    { label: "Outbox, not yet queued", value: outbox.backlog.toLocaleString("en"), bad: late },
    {
      label: "Oldest of them",
      value: outbox.oldestSeconds === null ? "–" : formatSeconds(outbox.oldestSeconds),
      bad: late,
    },
    { label: "Queued, unfinished", value: outbox.unfinished.toLocaleString("en"), bad: false },
    { label: "Outbox failed", value: outbox.failed.toLocaleString("en"), bad: outbox.failed > 0 },
    { label: "Queues run on", value: view.backend === "redis" ? "Redis" : "PostgreSQL", bad: !view.reachable },
  ];
  return (
    <dl className="flex overflow-x-auto border-b" aria-label="Outbox">
      {figures.map((figure) => (
        <div key={figure.label} className="min-w-40 flex-1 border-l px-4 py-1.5 first:border-l-0">
          <dt className="whitespace-nowrap text-faint text-xs">{figure.label}</dt>
          <dd className={cx("whitespace-nowrap font-medium text-xl", figure.bad && "text-danger")}>{figure.value}</dd>
        </div>
      ))}
    </dl>
  );
}
