"use client";

import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import Link from "next/link";
import { parseAsStringLiteral, useQueryState } from "nuqs";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useRefetchOnTick } from "#components/data/use-refetch-on-tick.ts";
import { useTabVisible } from "#components/data/use-tab-visible.ts";
import { useCan } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Pager, useCursor } from "#components/ui/pager.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Room } from "#components/ui/room.tsx";
import { Segmented } from "#components/ui/segmented.tsx";
import type { StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Ago, Moment } from "#components/ui/time.tsx";
import type { Alert, AlertSeverity } from "#server/contracts/console.ts";

const PAGE_SIZE = 50;
const SHOW = [
  { value: "open", label: "Open" },
  { value: "resolved", label: "Resolved" },
] as const;
const LOOK: Readonly<Record<AlertSeverity, StateLook>> = {
  critical: { label: "Critical", hue: "cancelled" },
  warning: { label: "Warning", hue: "pending" },
  info: { label: "Note", hue: "completed" },
};
const KINDS: Readonly<Record<string, string>> = {
  "driver.under_review": "Driver under review",
  "driver.teleported": "Position jumped",
  "driver.impossible_speed": "Impossible speed",
  "payments.blocked": "Payments blocked",
  "job.gave_up": "Job given up",
  "job.stalled_twice": "Job stalled twice",
};
const titleOf = (alert: Alert) => KINDS[alert.kind] ?? alert.kind;

function Subject({ alert }: { alert: Alert }) {
  const { type, id, name } = alert.subject;
  const href =
    alert.kind === "driver.under_review"
      ? "/drivers?state=under_review"
      : type === "driver"
        ? `/map?driver=${id}`
        : type === "job"
          ? "/ops/jobs"
          : null;
  const text = name ?? (type === "job" ? "Job" : type);
  if (href === null) return <span>{text}</span>;
  return (
    <Link href={href} className="text-accent-ink hover:underline" title={id}>
      {text}
    </Link>
  );
}

/** What somebody should look at, kept until somebody has. */
export function AlertsRoom() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const canResolve = useCan("alerts.resolve");
  const cursor = useCursor();
  const [show, setShow] = useQueryState("show", parseAsStringLiteral(["open", "resolved"]).withDefault("open"));
  const [asked, setAsked] = useState<Alert | null>(null);
  const alerts = useQuery({
    ...trpc.alerts.list.queryOptions({
      open: show === "open",
      limit: PAGE_SIZE,
      ...(cursor.cursor ? { cursor: cursor.cursor } : {}),
    }),
    placeholderData: keepPreviousData,
  });
  const refetch = useRefetchOnTick(trpc.alerts.pathFilter());
  useSubscription(
    trpc.alerts.live.subscriptionOptions(undefined, { enabled: useTabVisible(), onStarted: refetch, onData: refetch }),
  );
  const resolve = useMutation(
    trpc.alerts.resolve.mutationOptions({ onSettled: () => queryClient.invalidateQueries(trpc.alerts.pathFilter()) }),
  );

  const times = (alert: Alert) => (alert.occurrences > 1 ? `${alert.occurrences} ×` : "once");
  const columns: readonly Column<Alert>[] = [
    {
      id: "severity",
      header: "How bad",
      cell: (alert) => <StatePill look={LOOK[alert.severity]} />,
      className: "w-28",
    },
    {
      id: "kind",
      header: "What",
      cell: (alert) => <span className="font-medium">{titleOf(alert)}</span>,
      className: "w-44",
    },
    { id: "about", header: "About", cell: (alert) => <Subject alert={alert} />, className: "w-40 max-w-40" },
    {
      id: "summary",
      header: "Detail",
      cell: (alert) => (
        <span className="text-muted" title={alert.summary}>
          {alert.summary}
        </span>
      ),
      className: "max-w-120",
    },
    { id: "times", header: "Times", align: "right", cell: times, className: "w-20" },
    {
      id: "last",
      header: show === "open" ? "Last" : "Resolved",
      align: "right",
      cell: (alert) =>
        alert.resolvedAt ? (
          <span title={alert.resolution ?? ""}>
            <Moment at={alert.resolvedAt} /> <span className="text-muted">by {alert.resolvedBy}</span>
          </span>
        ) : (
          <Ago at={alert.lastAt} className="text-muted" />
        ),
      className: show === "open" ? "w-36" : "w-56",
    },
    ...(canResolve && show === "open"
      ? [
          {
            id: "do",
            header: "",
            cell: (alert: Alert) => (
              <Button variant="ghost" onClick={() => setAsked(alert)}>
                Resolve
              </Button>
            ),
            className: "w-24",
          },
        ]
      : []),
  ];

  return (
    <Room
      title="Alerts"
      age={<LiveAge at={alerts.dataUpdatedAt} />}
      toolbar={
        <Segmented
          label="Which alerts"
          value={show}
          onChange={(next) => {
            cursor.reset();
            void setShow(next);
          }}
          options={SHOW}
        />
      }
      footer={
        <Pager cursor={cursor} nextCursor={alerts.data?.nextCursor} shown={alerts.data?.items.length} noun="alerts" />
      }
    >
      {alerts.isError && !alerts.data ? (
        <ErrorState what="The alerts" error={alerts.error} onRetry={() => void alerts.refetch()} />
      ) : (
        <DataTable
          caption="Alerts"
          columns={columns}
          rows={alerts.data?.items}
          rowKey={(alert) => alert.id}
          expectedRows={6}
          stale={alerts.isPlaceholderData}
          compact={(alert) => (
            <>
              <p className="flex items-center gap-2">
                <span className="min-w-0 flex-1 truncate font-medium">{titleOf(alert)}</span>
                <StatePill look={LOOK[alert.severity]} />
              </p>
              <p className="text-muted text-xs">{alert.summary}</p>
              <p className="flex items-center gap-2 text-xs">
                <Subject alert={alert} />
                <span className="text-faint">{times(alert)}</span>
                <Ago at={alert.lastAt} className="ml-auto text-muted" />
              </p>
              {canResolve && show === "open" && (
                <Button variant="ghost" className="-ml-2.5 pointer-coarse:-ml-3.5" onClick={() => setAsked(alert)}>
                  Resolve
                </Button>
              )}
            </>
          )}
          empty={
            <EmptyState title={show === "open" ? "No open alerts" : "No alert has been resolved yet"}>
              {show === "open"
                ? "Drivers under review, impossible positions, blocked payments and jobs that were given up appear here."
                : "Resolved alerts are kept for 90 days."}
            </EmptyState>
          }
        />
      )}
      <ReasonDialog
        open={asked !== null}
        onOpenChange={(open) => !open && setAsked(null)}
        title={`Resolve: ${asked ? titleOf(asked) : ""}?`}
        effect={
          <>
            <p>{asked?.summary}</p>
            <p className="mt-1">
              The alert is put away. It changes nothing about what it tells of; if that happens again, a new alert is
              raised.
            </p>
          </>
        }
        verb="Resolve alert"
        unchanged="The alert is still open."
        onConfirm={async (reason) => {
          if (asked) await resolve.mutateAsync({ id: asked.id, reason });
        }}
      />
    </Room>
  );
}
