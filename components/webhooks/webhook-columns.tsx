import Link from "next/link";
import { Copyable } from "#components/ui/copyable.tsx";
import { Money } from "#components/ui/money.tsx";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { WebhookRow } from "#server/contracts/console.ts";
import { EVENT_VERDICT_LOOK, GATEWAY_NAME, KIND_NAME, STATUS_LOOK } from "./webhook-looks.ts";

const none = <span className="text-faint">–</span>;

const TripLink = ({ tripId }: { tripId: string | null }) =>
  tripId === null ? (
    none
  ) : (
    <Link href={`/trips/${tripId}`} className="text-accent-ink hover:underline">
      Open trip
    </Link>
  );

export const WEBHOOK_COLUMNS: readonly Column<WebhookRow>[] = [
  { id: "at", header: "Received", cell: (event) => <Moment at={event.receivedAt} />, className: "w-28" },
  { id: "gateway", header: "Gateway", cell: (event) => GATEWAY_NAME[event.gateway], className: "w-28" },
  {
    id: "event",
    header: "Event",
    cell: (event) => (
      <span title={event.rawType}>
        {KIND_NAME[event.kind]} <span className="font-mono text-faint text-xs">{event.rawType}</span>
      </span>
    ),
    className: "max-w-72",
  },
  {
    id: "amount",
    header: "Amount",
    align: "right",
    cell: (event) => (event.amount === null ? none : <Money value={event.amount} />),
    className: "w-32",
  },
  {
    id: "status",
    header: "Status",
    cell: (event) => <StatePill look={STATUS_LOOK[event.status]} />,
    className: "w-28",
  },
  {
    id: "verdict",
    header: "Verdict",
    cell: (event) => (event.verdict === null ? none : <StatePill look={EVENT_VERDICT_LOOK[event.verdict]} />),
    className: "w-36",
  },
  { id: "trip", header: "Trip", cell: (event) => <TripLink tripId={event.tripId} />, className: "w-24" },
  {
    id: "payment",
    header: "Payment",
    cell: (event) => (event.paymentId === null ? none : <Copyable value={event.paymentId} what="payment id" />),
    className: "w-40 max-w-40",
  },
  { id: "tries", header: "Tries", align: "right", cell: (event) => event.attempts, className: "w-16" },
  { id: "deliveries", header: "Deliveries", align: "right", cell: (event) => event.deliveries, className: "w-24" },
];

export function WebhookCompact({ event }: { event: WebhookRow }) {
  return (
    <>
      <p className="flex items-center gap-2">
        <span className="truncate font-medium">
          {GATEWAY_NAME[event.gateway]}: {KIND_NAME[event.kind]}
        </span>
        <span className="ml-auto shrink-0">{event.amount && <Money value={event.amount} />}</span>
      </p>
      <p className="flex flex-wrap items-center gap-2 text-muted text-xs">
        <StatePill look={STATUS_LOOK[event.status]} />
        {event.verdict && <StatePill look={EVENT_VERDICT_LOOK[event.verdict]} />}
        <Moment at={event.receivedAt} className="ml-auto" />
      </p>
    </>
  );
}
