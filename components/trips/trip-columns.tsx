"use client";

import Link from "next/link";
import { useNow } from "#components/data/use-now.ts";
import { formatSeconds } from "#components/ui/duration.ts";
import type { CsvColumn } from "#components/ui/export-csv.ts";
import { formatAmount, Money } from "#components/ui/money.tsx";
import { TripPill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment, Since } from "#components/ui/time.tsx";
import type { TripRow } from "#server/contracts/console.ts";

const none = <span className="text-faint">–</span>;

/** Seconds from the request (of a scheduled trip: from the search) to the driver; null while the rider waits or never got one. */
const secondsToMatch = (trip: TripRow): number | null => {
  const from = trip.scheduledAt ? trip.searchBeganAt : trip.createdAt;
  return trip.acceptedAt ? (Date.parse(trip.acceptedAt) - Date.parse(from)) / 1000 : null;
};

export function TripRef({ id, refId }: { id: string; refId: string }) {
  return (
    <Link href={`/trips/${id}`} className="font-mono text-accent-ink text-xs hover:underline">
      {refId}
    </Link>
  );
}

/** A rider who wants to be picked up later does not wait before the search begins: the time of the pick-up instead. */
function PendingWait({ trip }: { trip: TripRow }) {
  const now = useNow();
  const waits = now === null || Date.parse(trip.searchBeganAt) <= now;
  if (trip.scheduledAt && !waits)
    return (
      <span className="text-muted">
        at <Moment at={trip.scheduledAt} />
      </span>
    );
  return (
    <span className="font-medium text-warn">
      <Since from={trip.searchBeganAt} />
    </span>
  );
}

/** How long the rider waits, counting, or waited. */
function Wait({ trip }: { trip: TripRow }) {
  const matched = secondsToMatch(trip);
  if (matched !== null) return <span className="text-muted">{formatSeconds(matched)}</span>;
  if (trip.status !== "pending") return none;
  return <PendingWait trip={trip} />;
}

export const TRIP_COLUMNS: readonly Column<TripRow>[] = [
  { id: "ref", header: "Trip", cell: (trip) => <TripRef id={trip.id} refId={trip.refId} />, className: "w-28" },
  { id: "status", header: "State", cell: (trip) => <TripPill status={trip.status} />, className: "w-28" },
  { id: "created", header: "Requested", cell: (trip) => <Moment at={trip.createdAt} />, className: "w-28" },
  { id: "wait", header: "Wait", align: "right", cell: (trip) => <Wait trip={trip} />, className: "w-24" },
  { id: "rider", header: "Rider", cell: (trip) => trip.customerName, className: "max-w-40" },
  { id: "driver", header: "Driver", cell: (trip) => trip.driverName ?? none, className: "max-w-40" },
  { id: "from", header: "From", cell: (trip) => trip.pickupLabel, className: "max-w-56" },
  { id: "to", header: "To", cell: (trip) => trip.destinationLabel, className: "max-w-56" },
  { id: "zone", header: "Zone", cell: (trip) => trip.zoneName ?? none, className: "max-w-32" },
  {
    id: "scheduled",
    header: "Pick-up at",
    cell: (trip) => (trip.scheduledAt ? <Moment at={trip.scheduledAt} /> : none),
    optional: true,
  },
  { id: "category", header: "Category", cell: (trip) => trip.vehicleCategory, optional: true },
  {
    id: "accepted",
    header: "Accepted",
    cell: (trip) => (trip.acceptedAt ? <Moment at={trip.acceptedAt} /> : none),
    optional: true,
  },
  { id: "version", header: "Version", align: "right", cell: (trip) => trip.version, optional: true },
  {
    id: "fare",
    header: "Fare, estimated",
    align: "right",
    cell: (trip) => <Money value={trip.estimatedFare} className="text-xs" />,
    className: "w-32",
  },
];

export const TRIP_CSV: readonly CsvColumn<TripRow>[] = [
  { header: "Trip", value: (trip) => trip.refId },
  { header: "Trip id", value: (trip) => trip.id },
  { header: "State", value: (trip) => trip.status },
  { header: "Requested (UTC)", value: (trip) => trip.createdAt },
  { header: "Accepted (UTC)", value: (trip) => trip.acceptedAt },
  { header: "Pick-up at (UTC)", value: (trip) => trip.scheduledAt },
  { header: "Wait (s)", value: secondsToMatch },
  { header: "Rider", value: (trip) => trip.customerName },
  { header: "Driver", value: (trip) => trip.driverName },
  { header: "From", value: (trip) => trip.pickupLabel },
  { header: "To", value: (trip) => trip.destinationLabel },
  { header: "Zone", value: (trip) => trip.zoneName },
  { header: "Category", value: (trip) => trip.vehicleCategory },
  { header: "Fare, estimated", value: (trip) => formatAmount(trip.estimatedFare).replaceAll(",", "") },
  { header: "Currency", value: (trip) => trip.estimatedFare.currency },
];

/** A trip on a phone: what and how long, then from where to where. */
export function TripCompact({ trip }: { trip: TripRow }) {
  return (
    <>
      <p className="flex items-center gap-2">
        <TripRef id={trip.id} refId={trip.refId} />
        <TripPill status={trip.status} />
        <span className="ml-auto text-xs">
          <Wait trip={trip} />
        </span>
      </p>
      <p className="truncate pt-0.5">
        {trip.pickupLabel} <span className="text-faint">→</span> {trip.destinationLabel}
      </p>
      <p className="flex items-center gap-2 text-muted text-xs">
        <span className="min-w-0 flex-1 truncate">
          {trip.customerName}
          {trip.driverName && ` · ${trip.driverName}`}
        </span>
        <Money value={trip.estimatedFare} />
      </p>
    </>
  );
}
