import Link from "next/link";
import { ScoreText } from "#components/matching/score-text.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { formatMeters, formatSeconds } from "#components/ui/duration.ts";
import type { StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { TripOfferRow } from "#server/contracts/console.ts";

const none = <span className="text-faint">–</span>;

const OFFER_LOOK = {
  open: { label: "Open", hue: "pending" },
  accepted: { label: "Accepted", hue: "accepted" },
  rejected: { label: "Rejected", hue: "cancelled" },
  expired: { label: "Expired", hue: "completed", hollow: true },
  revoked: { label: "Revoked", hue: "completed" },
} as const satisfies Record<TripOfferRow["status"], StateLook>;

const open = (offer: TripOfferRow): string =>
  offer.endedAt ? formatSeconds((Date.parse(offer.endedAt) - Date.parse(offer.offeredAt)) / 1000) : "still open";

const COLUMNS: readonly Column<TripOfferRow>[] = [
  { id: "batch", header: "Batch", align: "right", cell: (offer) => offer.batch, className: "w-16" },
  {
    id: "driver",
    header: "Driver",
    cell: (offer) => (
      <Link href={`/map?driver=${offer.driverId}`} className="hover:underline">
        {offer.driverName}
      </Link>
    ),
    className: "max-w-44",
  },
  {
    id: "distance",
    header: "Distance",
    align: "right",
    cell: (offer) => <span className="font-mono text-xs">{formatMeters(offer.distanceMeters)}</span>,
    className: "w-24",
  },
  {
    id: "eta",
    header: "Pick-up in",
    align: "right",
    cell: (offer) =>
      offer.etaSeconds === null ? none : <span className="font-mono text-xs">{formatSeconds(offer.etaSeconds)}</span>,
    className: "w-24",
  },
  {
    id: "score",
    header: "Score, s",
    align: "right",
    cell: (offer) => <ScoreText score={offer.scoreSeconds} parts={offer.parts} />,
    className: "w-20",
  },
  { id: "status", header: "Answer", cell: (offer) => <StatePill look={OFFER_LOOK[offer.status]} />, className: "w-28" },
  { id: "sent", header: "Sent", cell: (offer) => <Moment at={offer.offeredAt} show="ms" />, className: "w-28" },
  { id: "open", header: "Open for", align: "right", cell: open, className: "w-24" },
  { id: "why", header: "Why it ended", cell: (offer) => offer.reason ?? none },
];

export function TripOffers({ offers }: { offers: readonly TripOfferRow[] }) {
  return (
    <div className="overflow-x-auto">
      <DataTable
        caption="Offers"
        columns={COLUMNS}
        rows={offers}
        rowKey={(offer) => offer.id}
        compact={(offer) => (
          <>
            <p className="flex items-center gap-2">
              <span className="min-w-0 flex-1 truncate font-medium">{offer.driverName}</span>
              <StatePill look={OFFER_LOOK[offer.status]} />
            </p>
            {offer.etaSeconds !== null && (
              <p className="text-muted text-xs">
                Pick-up in {formatSeconds(offer.etaSeconds)} · score{" "}
                <ScoreText score={offer.scoreSeconds} parts={offer.parts} />
              </p>
            )}
            <p className="text-muted text-xs">
              Batch {offer.batch} · {formatMeters(offer.distanceMeters)} · <Moment at={offer.offeredAt} show="ms" /> ·{" "}
              {open(offer)}
            </p>
            {offer.reason && <p className="text-muted text-xs">{offer.reason}</p>}
          </>
        )}
        empty={
          <p className="px-4 pb-4 text-muted">
            Offered to nobody yet. The search for drivers starts right after the request.
          </p>
        }
      />
    </div>
  );
}
