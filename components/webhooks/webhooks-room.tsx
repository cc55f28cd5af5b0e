"use client";

import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import { parseAsArrayOf, parseAsString, parseAsStringLiteral, useQueryState, useQueryStates } from "nuqs";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useRefetchOnTick } from "#components/data/use-refetch-on-tick.ts";
import { useTabVisible } from "#components/data/use-tab-visible.ts";
import { useCan } from "#components/session/operator.tsx";
import { type ActionResult, ActionResults } from "#components/ui/action-results.tsx";
import { Button } from "#components/ui/button.tsx";
import { Code } from "#components/ui/code.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { FilterMany } from "#components/ui/filter-menu.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Pager, useCursor, useFilterChange } from "#components/ui/pager.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Room } from "#components/ui/room.tsx";
import { StateDot } from "#components/ui/state-pill.tsx";
import { GATEWAYS, PAYMENT_EVENT_VERDICTS, WEBHOOK_STATUSES } from "#server/contracts/payments.ts";
import { WEBHOOK_COLUMNS, WebhookCompact } from "./webhook-columns.tsx";
import { WebhookDrawer } from "./webhook-drawer.tsx";
import { EVENT_VERDICT_LOOK, GATEWAY_NAME, REPROCESS_LOOK, STATUS_LOOK } from "./webhook-looks.ts";

const PAGE_SIZE = 50;
const many = <V extends string>(values: readonly V[]) => parseAsArrayOf(parseAsStringLiteral(values)).withDefault([]);
const FILTERS = {
  gateway: many(GATEWAYS),
  status: many(WEBHOOK_STATUSES),
  verdict: many(PAYMENT_EVENT_VERDICTS),
};
const GATEWAY_OPTIONS = GATEWAYS.map((value) => ({ value, label: GATEWAY_NAME[value] }));
const STATUS_OPTIONS = WEBHOOK_STATUSES.map((value) => ({
  value,
  label: STATUS_LOOK[value].label,
  mark: <StateDot look={STATUS_LOOK[value]} />,
}));
const VERDICT_OPTIONS = PAYMENT_EVENT_VERDICTS.map((value) => ({
  value,
  label: EVENT_VERDICT_LOOK[value].label,
  mark: <StateDot look={EVENT_VERDICT_LOOK[value]} />,
}));

export function WebhooksRoom() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const canRetry = useCan("webhooks.retry");
  const cursor = useCursor();
  const [filters, setFilters] = useQueryStates(FILTERS);
  const [open, setOpen] = useQueryState("event", parseAsString);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<readonly string[] | null>(null);
  const [results, setResults] = useState<readonly ActionResult[] | null>(null);
  const events = useQuery({
    ...trpc.webhooks.list.queryOptions({
      gateways: filters.gateway,
      statuses: filters.status,
      verdicts: filters.verdict,
      limit: PAGE_SIZE,
      ...(cursor.cursor ? { cursor: cursor.cursor } : {}),
    }),
    placeholderData: keepPreviousData,
  });
  const refetch = useRefetchOnTick(trpc.webhooks.pathFilter());
  useSubscription(
    trpc.webhooks.feed.subscriptionOptions(undefined, {
      enabled: useTabVisible(),
      onStarted: refetch,
      onData: refetch,
    }),
  );
  const reprocess = useMutation(
    trpc.webhooks.reprocess.mutationOptions({
      onSettled: () => queryClient.invalidateQueries(trpc.webhooks.pathFilter()),
    }),
  );
  const change = useFilterChange(cursor, setFilters);
  const any = filters.gateway.length + filters.status.length + filters.verdict.length > 0;
  const picked = events.data?.items.filter((event) => chosen.has(event.id)).map((event) => event.id) ?? [];

  const confirm = async (reason: string) => {
    if (!asked) return;
    const answers = await reprocess.mutateAsync({ ids: [...asked], reason });
    setResults(
      answers.map(({ id, outcome, message }) => ({ key: id, name: id, look: REPROCESS_LOOK[outcome], message })),
    );
    setChosen(new Set());
    void setOpen(null);
  };

  return (
    <Room
      title="Webhooks"
      age={<LiveAge at={events.dataUpdatedAt} />}
      actions={
        canRetry && (
          <Button
            variant={picked.length > 0 ? "primary" : "secondary"}
            disabled={picked.length === 0}
            onClick={() => setAsked(picked)}
          >
            {picked.length > 1 ? `Process ${picked.length} again` : "Process again"}
          </Button>
        )
      }
      toolbar={
        <>
          <FilterMany
            label="Gateway"
            options={GATEWAY_OPTIONS}
            value={filters.gateway}
            onChange={(gateway) => change({ gateway })}
          />
          <FilterMany
            label="Status"
            options={STATUS_OPTIONS}
            value={filters.status}
            onChange={(status) => change({ status })}
          />
          <FilterMany
            label="Verdict"
            options={VERDICT_OPTIONS}
            value={filters.verdict}
            onChange={(verdict) => change({ verdict })}
          />
          {any && (
            <Button variant="ghost" onClick={() => change({ gateway: null, status: null, verdict: null })}>
              Clear filters
            </Button>
          )}
          <p className="text-faint text-xs max-sm:shrink-0">
            Verified deliveries only; what was forged is refused and in the security log.
          </p>
        </>
      }
      footer={
        <Pager cursor={cursor} nextCursor={events.data?.nextCursor} shown={events.data?.items.length} noun="events" />
      }
    >
      {results && (
        <ActionResults title="Result of processing again" results={results} onClose={() => setResults(null)} />
      )}
      {events.isError && !events.data ? (
        <ErrorState what="The webhooks" error={events.error} onRetry={() => void events.refetch()} />
      ) : (
        <DataTable
          caption="Events of the payment gateways"
          columns={WEBHOOK_COLUMNS}
          rows={events.data?.items}
          rowKey={(event) => event.id}
          onOpen={(event) => void setOpen(event.id)}
          activeKey={open}
          compact={(event) => <WebhookCompact event={event} />}
          stale={events.isPlaceholderData}
          {...(canRetry
            ? { selection: { keys: chosen, onChange: setChosen, label: (key: string) => `event ${key}` } }
            : {})}
          empty={any ? <EmptyState title="No event matches" /> : <NoEvents />}
        />
      )}
      <WebhookDrawer id={open} onClose={() => void setOpen(null)} onReprocess={(id) => setAsked([id])} />
      <ReasonDialog
        open={asked !== null}
        onOpenChange={(isOpen) => !isOpen && setAsked(null)}
        title={asked && asked.length > 1 ? `Process ${asked.length} events again?` : "Process this event again?"}
        effect="Each is read anew from the bytes the gateway sent, confirmed where its gateway must be asked, and judged against the trip as it is now. What was recorded before is not recorded twice."
        verb="Process again"
        unchanged="Nothing was processed."
        onConfirm={confirm}
      />
    </Room>
  );
}

const NoEvents = () => (
  <>
    <EmptyState title="No gateway has sent anything yet">
      Gateways post their events to /api/webhooks/&lt;gateway&gt;. Send a signed test event of the sandbox gateway:
    </EmptyState>
    <div className="mx-auto -mt-6 max-w-160">
      <Code>npm run webhook:send -- --trip TRIP_ID --amount 4150 --currency egp</Code>
    </div>
  </>
);
