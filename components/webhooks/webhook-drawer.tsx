"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { Fact } from "#components/trips/trip-facts.tsx";
import { Button } from "#components/ui/button.tsx";
import { Code } from "#components/ui/code.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { Drawer } from "#components/ui/dialog.tsx";
import { Money } from "#components/ui/money.tsx";
import { ErrorState } from "#components/ui/notice.tsx";
import { Section } from "#components/ui/section.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import { StatePill } from "#components/ui/state-pill.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { WebhookDetail } from "#server/contracts/console.ts";
import { EVENT_VERDICT_LOOK, GATEWAY_NAME, KIND_NAME, STATUS_LOOK } from "./webhook-looks.ts";

const none = <span className="text-faint">–</span>;
const moment = (at: string | null) => (at ? <Moment at={at} show="full" /> : none);
const id = (value: string | null, what: string) => (value ? <Copyable value={value} what={what} /> : none);

interface WebhookDrawerProps {
  readonly id: string | null;
  readonly onClose: () => void;
  readonly onReprocess: (id: string) => void;
}

/** One event: what we read of it beside what the gateway wrote. */
export function WebhookDrawer({ id: eventId, onClose, onReprocess }: WebhookDrawerProps) {
  const trpc = useTRPC();
  const event = useQuery({ ...trpc.webhooks.detail.queryOptions({ id: eventId ?? "" }), enabled: eventId !== null });
  const { data } = event;
  return (
    <Drawer
      open={eventId !== null}
      onOpenChange={(open) => !open && onClose()}
      title={data ? `${GATEWAY_NAME[data.gateway]}: ${KIND_NAME[data.kind]}` : "Event"}
      description={data?.rawType}
      className="lg:w-240"
    >
      {event.isError && !data ? (
        <ErrorState what="This event" error={event.error} onRetry={() => void event.refetch()} />
      ) : data ? (
        <Event event={data} onReprocess={onReprocess} />
      ) : (
        <div role="status" aria-label="Loading the event" className="space-y-4 p-4">
          <Skeleton className="w-2/3" />
          <Skeleton className="h-32 w-full" />
        </div>
      )}
    </Drawer>
  );
}

function Event({ event, onReprocess }: { event: WebhookDetail; onReprocess: (id: string) => void }) {
  const canRetry = useCan("webhooks.retry");
  return (
    <>
      {canRetry && event.bytes !== null && (
        <div className="flex gap-2 border-b px-4 py-2">
          <Button variant="primary" onClick={() => onReprocess(event.id)}>
            Process again
          </Button>
        </div>
      )}
      <div className="lg:grid lg:grid-cols-2 lg:divide-x">
        <div className="min-w-0">
          <Facts event={event} />
          {event.lastError && (
            <Section title="What went wrong">
              <p className="break-words px-4 pb-3 text-danger">{event.lastError}</p>
            </Section>
          )}
        </div>
        <div className="min-w-0">
          <Section
            title="What the gateway wrote"
            note={
              event.bytes === null ? "Deleted after 90 days" : `${event.bytes} bytes; secrets and personal data masked`
            }
          >
            {event.bytes !== null && (
              <Code>{typeof event.body === "string" ? event.body : JSON.stringify(event.body, null, 2)}</Code>
            )}
          </Section>
          {Object.keys(event.headers).length > 0 && (
            <Section title="Headers" note="Signatures shortened">
              <Code>
                {Object.entries(event.headers)
                  .map(([name, value]) => `${name}: ${value}`)
                  .join("\n")}
              </Code>
            </Section>
          )}
        </div>
      </div>
    </>
  );
}

function Facts({ event }: { event: WebhookDetail }) {
  return (
    <dl className="border-b px-4 py-2">
      <Fact name="Status">
        <StatePill look={STATUS_LOOK[event.status]} />
      </Fact>
      <Fact name="Verdict">
        {event.verdict ? <StatePill look={EVENT_VERDICT_LOOK[event.verdict]} /> : none}
        {event.detail && <span className="mt-0.5 block text-muted">{event.detail}</span>}
      </Fact>
      <Fact name="Amount">
        {event.amount ? <Money value={event.amount} /> : none}
        {event.amount && (
          <span className="block text-faint text-xs">
            {event.amountIsSigned ? "signed or confirmed by the gateway" : "not signed: look it up before money moves"}
          </span>
        )}
      </Fact>
      <Fact name="Trip">
        {event.tripId ? (
          <Link href={`/trips/${event.tripId}`} className="text-accent-ink hover:underline">
            Open trip
          </Link>
        ) : (
          none
        )}
      </Fact>
      <Fact name="Payment">{id(event.paymentId, "payment id")}</Fact>
      <Fact name="Refund">{id(event.refundId, "refund id")}</Fact>
      <Fact name="Dispute">{id(event.disputeId, "dispute id")}</Fact>
      <Fact name="Reference">{id(event.reference, "reference")}</Fact>
      <Fact name="Event key">{id(event.eventKey, "event key")}</Fact>
      <Fact name="Happened">{moment(event.occurredAt)}</Fact>
      <Fact name="Received">{moment(event.receivedAt)}</Fact>
      <Fact name="Processed">{moment(event.processedAt)}</Fact>
      <Fact name="Tries">{event.attempts}</Fact>
      <Fact name="Deliveries">
        {event.deliveries}
        {event.deliveries > 1 && (
          <span className="text-muted">
            , last at <Moment at={event.lastDeliveryAt} />
          </span>
        )}
      </Fact>
      <Fact name="From">{event.ip ? <span className="font-mono text-xs">{event.ip}</span> : none}</Fact>
      <Fact name="Request">{id(event.requestId, "request id")}</Fact>
      <Fact name="Job">{id(event.jobId, "job id")}</Fact>
    </dl>
  );
}
