import { TripRef } from "#components/trips/trip-columns.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { formatSeconds } from "#components/ui/duration.ts";
import { VERDICT_LOOK } from "#components/ui/state-hues.ts";
import { StatePill, TripPill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import type { LockRow } from "#server/contracts/console.ts";

const none = <span className="text-faint">–</span>;

export const lockName = (lock: LockRow): string => lock.refId ?? `${lock.tripId.slice(0, 8)}…`;

function LockTrip({ lock }: { lock: LockRow }) {
  if (lock.refId) return <TripRef id={lock.tripId} refId={lock.refId} />;
  return <Copyable value={lock.tripId} text={lockName(lock)} what="trip id" />;
}

const Ttl = ({ lock }: { lock: LockRow }) =>
  lock.ttlSeconds === null ? <span className="text-danger">never ends</span> : formatSeconds(lock.ttlSeconds);

export const LOCK_COLUMNS: readonly Column<LockRow>[] = [
  { id: "trip", header: "Trip", cell: (lock) => <LockTrip lock={lock} />, className: "w-28" },
  {
    id: "verdict",
    header: "Verdict",
    cell: (lock) => <StatePill look={VERDICT_LOOK[lock.verdict]} />,
    className: "w-32",
  },
  { id: "why", header: "Why", cell: (lock) => <span title={lock.why}>{lock.why}</span>, className: "max-w-96" },
  {
    id: "owner",
    header: "Owner",
    cell: (lock) =>
      lock.ownerName ?? (lock.ownerDriverId ? <Copyable value={lock.ownerDriverId} what="driver id" /> : none),
    className: "max-w-40",
  },
  {
    id: "state",
    header: "Trip state",
    cell: (lock) => (lock.tripStatus ? <TripPill status={lock.tripStatus} /> : none),
    className: "w-28",
  },
  { id: "driver", header: "Trip's driver", cell: (lock) => lock.tripDriverName ?? none, className: "max-w-40" },
  {
    id: "age",
    header: "Age",
    align: "right",
    cell: (lock) => (lock.ageSeconds === null ? none : formatSeconds(lock.ageSeconds)),
    className: "w-24",
  },
  { id: "ttl", header: "Ends in", align: "right", cell: (lock) => <Ttl lock={lock} />, className: "w-24" },
];

export function LockCompact({ lock }: { lock: LockRow }) {
  return (
    <>
      <p className="flex items-center gap-2">
        <LockTrip lock={lock} />
        <StatePill look={VERDICT_LOOK[lock.verdict]} />
        <span className="ml-auto text-muted text-xs">
          <Ttl lock={lock} />
        </span>
      </p>
      <p className="text-muted text-xs">{lock.why}</p>
    </>
  );
}
