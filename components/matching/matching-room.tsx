"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { DataTable } from "#components/ui/data-table.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Room } from "#components/ui/room.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { MatchingKey, ZoneMatchingRow } from "#server/contracts/matching.ts";
import { MatchingDrawer } from "./matching-drawer.tsx";
import { settingNumber, settingText } from "./setting-words.ts";

/** What the zone set itself stands out; what it has from the defaults does not. */
function Value({ zone, name, unit = false }: { zone: ZoneMatchingRow; name: MatchingKey; unit?: boolean }) {
  const text = (unit ? settingText : settingNumber)(name, zone.effective[name]);
  return zone.own[name] === undefined ? (
    <span className="text-muted">{text}</span>
  ) : (
    <span className="font-semibold">{text}</span>
  );
}

const column = (name: MatchingKey, header: string, className: string): Column<ZoneMatchingRow> => ({
  id: name,
  header,
  align: "right",
  cell: (zone) => <Value zone={zone} name={name} />,
  className,
});

const COLUMNS: readonly Column<ZoneMatchingRow>[] = [
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
  column("driversPerBatch", "Asked at once", "w-28"),
  column("offerSeconds", "Time to answer, s", "w-32"),
  {
    id: "radius",
    header: "Radius, m",
    align: "right",
    cell: (zone) => (
      <>
        <Value zone={zone} name="startRadiusMeters" /> <span className="text-faint">→</span>{" "}
        <Value zone={zone} name="maxRadiusMeters" />
      </>
    ),
    className: "w-40",
  },
  column("maxBatches", "Batches", "w-24"),
  column("searchSeconds", "Search, s", "w-24"),
  column("offersPerDriver", "Offers on screen", "w-32"),
  column("bidding", "Bidding", "w-20"),
  column("scheduleLeadMinutes", "Scheduled: before, min", "w-40"),
  {
    id: "changed",
    header: "Changed",
    cell: ({ updatedAt, updatedBy }) =>
      updatedAt ? (
        <>
          <Moment at={updatedAt} /> <span className="text-muted">by {updatedBy}</span>
        </>
      ) : (
        <span className="text-faint">never</span>
      ),
    className: "w-56 max-w-56",
  },
];

/** How each zone looks for drivers. */
export function MatchingRoom() {
  const trpc = useTRPC();
  const view = useQuery(trpc.matching.zones.queryOptions());
  const [opened, setOpened] = useState<string | null>(null);
  const zone = view.data?.zones.find(({ zoneId }) => zoneId === opened) ?? null;
  return (
    <Room title="Matching" age={<LiveAge at={view.dataUpdatedAt} live={false} />}>
      {view.isError && !view.data ? (
        <ErrorState what="The zones" error={view.error} onRetry={() => void view.refetch()} />
      ) : (
        <DataTable
          caption="How each zone looks for drivers"
          columns={COLUMNS}
          rows={view.data?.zones}
          rowKey={({ zoneId }) => zoneId}
          onOpen={({ zoneId }) => setOpened(zoneId)}
          activeKey={opened}
          expectedRows={8}
          compact={(row) => (
            <>
              <p className="flex items-center gap-2">
                <span className="min-w-0 flex-1 truncate font-medium">{row.zoneName}</span>
                <span className="text-muted text-xs">
                  {Object.keys(row.own).length === 0 ? "defaults" : `${Object.keys(row.own).length} of its own`}
                </span>
              </p>
              <p className="text-muted text-xs">
                <Value zone={row} name="driversPerBatch" /> asked for <Value zone={row} name="offerSeconds" unit />,{" "}
                <Value zone={row} name="startRadiusMeters" unit /> → <Value zone={row} name="maxRadiusMeters" unit />
              </p>
              <p className="text-muted text-xs">
                Search <Value zone={row} name="searchSeconds" unit /> · bidding <Value zone={row} name="bidding" />
              </p>
            </>
          )}
          empty={
            <EmptyState title="No zones yet">Zones come first: then each can look for drivers its own way.</EmptyState>
          }
        />
      )}
      {zone && view.data && (
        <MatchingDrawer
          key={`${zone.zoneId}:${zone.version}`}
          zone={zone}
          defaults={view.data.defaults}
          onClose={() => setOpened(null)}
        />
      )}
    </Room>
  );
}
