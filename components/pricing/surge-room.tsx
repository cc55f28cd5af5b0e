"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { cx } from "#components/ui/class-names.ts";
import { DataTable } from "#components/ui/data-table.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Room } from "#components/ui/room.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { ZoneSurgeRow } from "#server/contracts/surge.ts";
import { SurgeDrawer } from "./surge-drawer.tsx";
import { timesText, trendText } from "./surge-words.ts";

const REFRESH_MS = 5000;

function Times({ zone }: { zone: ZoneSurgeRow }) {
  return (
    <span className={cx("font-mono", zone.multiplier > 1 ? "font-semibold text-ink" : "text-faint")}>
      {timesText(zone.multiplier)}
    </span>
  );
}

const COLUMNS: readonly Column<ZoneSurgeRow>[] = [
  {
    id: "zone",
    header: "Zone",
    cell: (zone) => (
      <>
        <span className="font-medium">{zone.zoneName}</span>
        {!zone.isActive && <span className="text-faint"> · closed</span>}
      </>
    ),
    className: "min-w-36",
  },
  { id: "multiplier", header: "Fares", align: "right", cell: (zone) => <Times zone={zone} />, className: "w-24" },
  { id: "demand", header: "Trips wanted", align: "right", cell: ({ demand }) => demand, className: "w-28" },
  { id: "supply", header: "Drivers free", align: "right", cell: ({ supply }) => supply, className: "w-28" },
  {
    id: "ratio",
    header: "Trips per driver",
    align: "right",
    cell: ({ ratio }) => (ratio === null ? <span className="text-muted">nobody free</span> : ratio.toFixed(2)),
    className: "w-32",
  },
  {
    id: "trend",
    header: "Trend",
    cell: (zone) => <span className="text-muted">{trendText(zone)}</span>,
    className: "w-32",
  },
  {
    id: "since",
    header: "Since",
    cell: ({ changedAt }) => (changedAt ? <Moment at={changedAt} /> : <span className="text-faint">–</span>),
    className: "w-36",
  },
  { id: "cap", header: "Cap", align: "right", cell: ({ cap }) => timesText(cap), className: "w-20" },
  {
    id: "table",
    header: "Table",
    cell: ({ ownSteps }) => (ownSteps ? "its own" : <span className="text-muted">platform's</span>),
    className: "w-28",
  },
];

/** What each zone's fares are multiplied by, and why. */
export function SurgeRoom() {
  const trpc = useTRPC();
  const view = useQuery(trpc.pricing.surge.queryOptions(undefined, { refetchInterval: REFRESH_MS }));
  const [opened, setOpened] = useState<string | null>(null);
  const zone = view.data?.find(({ zoneId }) => zoneId === opened) ?? null;
  return (
    <Room title="Surge" age={<LiveAge at={view.dataUpdatedAt} live={!view.isError} />}>
      {view.isError && !view.data ? (
        <ErrorState what="The zones" error={view.error} onRetry={() => void view.refetch()} />
      ) : (
        <DataTable
          caption="What each zone's fares are multiplied by"
          columns={COLUMNS}
          rows={view.data}
          rowKey={({ zoneId }) => zoneId}
          onOpen={({ zoneId }) => setOpened(zoneId)}
          activeKey={opened}
          expectedRows={8}
          compact={(row) => (
            <>
              <p className="flex items-center gap-2">
                <span className="min-w-0 flex-1 truncate font-medium">{row.zoneName}</span>
                <Times zone={row} />
              </p>
              <p className="text-muted text-xs">
                {row.demand} wanted · {row.supply} free · {trendText(row)}
              </p>
            </>
          )}
          empty={<EmptyState title="No zones yet">Fares can surge once there are zones.</EmptyState>}
        />
      )}
      {zone && <SurgeDrawer key={`${zone.zoneId}:${zone.version}`} zone={zone} onClose={() => setOpened(null)} />}
    </Room>
  );
}
