import { DataTable } from "#components/ui/data-table.tsx";
import { formatMeters, formatMillis } from "#components/ui/duration.ts";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { BatchRow } from "#server/contracts/matching.ts";
import { rulesInWords } from "./exclusion-words.ts";

const none = <span className="text-faint">–</span>;
const looks = ({ looks }: BatchRow) => (looks > 1 ? `looked ${looks} times` : null);

const COLUMNS: readonly Column<BatchRow>[] = [
  { id: "batch", header: "Batch", align: "right", cell: (row) => row.batch, className: "w-16" },
  { id: "at", header: "At", cell: (row) => <Moment at={row.at} show="ms" />, className: "w-28" },
  {
    id: "radius",
    header: "Radius",
    align: "right",
    cell: (row) => <span className="font-mono text-xs">{formatMeters(row.radiusMeters)}</span>,
    className: "w-20",
  },
  {
    id: "asked",
    header: "Asked",
    align: "right",
    cell: (row) =>
      row.asked > 0 ? <span className="font-medium">{row.asked}</span> : <span className="text-warn">nobody</span>,
    className: "w-18",
  },
  {
    id: "excluded",
    header: "Near, and not asked",
    cell: (row) => (
      <span className="whitespace-normal">
        {rulesInWords(row.rules) || none}
        {looks(row) && <span className="text-faint"> · {looks(row)}</span>}
      </span>
    ),
  },
  {
    id: "took",
    header: "Took",
    align: "right",
    cell: (row) => <span className="font-mono text-muted text-xs">{formatMillis(row.tookMs)}</span>,
    className: "w-20",
  },
];

/** How the search went, batch by batch: how far, who was asked, and by which rules the others were not. */
export function TripBatches({ batches }: { batches: readonly BatchRow[] }) {
  return (
    <div className="overflow-x-auto">
      <DataTable
        caption="Batches of the search"
        columns={COLUMNS}
        rows={batches}
        rowKey={(row) => row.id}
        compact={(row) => (
          <>
            <p className="flex items-center gap-2">
              <span className="flex-1 font-medium">
                Batch {row.batch} · {formatMeters(row.radiusMeters)}
              </span>
              <span className={row.asked > 0 ? "" : "text-warn"}>
                {row.asked > 0 ? `${row.asked} asked` : "nobody"}
              </span>
            </p>
            <p className="text-muted text-xs">{rulesInWords(row.rules) || "Nobody else was near."}</p>
            <p className="text-faint text-xs">
              <Moment at={row.at} show="ms" /> · {formatMillis(row.tookMs)}
              {looks(row) && ` · ${looks(row)}`}
            </p>
          </>
        )}
        empty={<p className="px-4 pb-3 text-muted">No batch has been made yet.</p>}
      />
    </div>
  );
}
