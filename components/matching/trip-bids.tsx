import { DataTable } from "#components/ui/data-table.tsx";
import { Money } from "#components/ui/money.tsx";
import type { StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { Bid } from "#server/contracts/matching.ts";

const BID_LOOK = {
  open: { label: "Open", hue: "pending" },
  accepted: { label: "Taken", hue: "accepted" },
  replaced: { label: "Replaced", hue: "completed", hollow: true },
  closed: { label: "Closed", hue: "completed" },
} as const satisfies Record<Bid["status"], StateLook>;

const COLUMNS: readonly Column<Bid>[] = [
  { id: "driver", header: "Driver", cell: (bid) => bid.driver.name, className: "max-w-44" },
  {
    id: "amount",
    header: "Fare",
    align: "right",
    cell: (bid) => <Money value={bid.amount} className="text-xs" />,
    className: "w-32",
  },
  { id: "status", header: "State", cell: (bid) => <StatePill look={BID_LOOK[bid.status]} />, className: "w-28" },
  { id: "at", header: "Named at", cell: (bid) => <Moment at={bid.createdAt} show="ms" /> },
];

/** Fares that drivers named for the trip. */
export function TripBids({ bids }: { bids: readonly Bid[] }) {
  return (
    <div className="overflow-x-auto">
      <DataTable
        caption="Bids"
        columns={COLUMNS}
        rows={bids}
        rowKey={(bid) => bid.id}
        compact={(bid) => (
          <>
            <p className="flex items-center gap-2">
              <span className="min-w-0 flex-1 truncate font-medium">{bid.driver.name}</span>
              <Money value={bid.amount} className="text-xs" />
            </p>
            <p className="flex items-center gap-2 text-muted text-xs">
              <StatePill look={BID_LOOK[bid.status]} /> <Moment at={bid.createdAt} show="ms" />
            </p>
          </>
        )}
        empty={<p className="px-4 pb-3 text-muted">No driver has named a fare yet.</p>}
      />
    </div>
  );
}
