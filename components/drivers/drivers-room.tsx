"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useCallback } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { TripRef } from "#components/trips/trip-columns.tsx";
import { Button } from "#components/ui/button.tsx";
import { ColumnMenu, useColumns } from "#components/ui/column-menu.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Pager, useCursor, useFilterChange } from "#components/ui/pager.tsx";
import { Room } from "#components/ui/room.tsx";
import { SearchField } from "#components/ui/search-field.tsx";
import { Segmented } from "#components/ui/segmented.tsx";
import { AVAILABILITY_LOOK, type StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Ago } from "#components/ui/time.tsx";
import type { DriverRow } from "#server/contracts/console.ts";
import { useEndReview } from "./end-review.tsx";

const PAGE_SIZE = 50;
const REFRESH_MS = 5_000;
const STATES = ["online", "available", "on_trip", "offline", "under_review"] as const;
const STATE_OPTIONS = [
  { value: "all", label: "All" },
  { value: "online", label: "Online" },
  { value: "available", label: "Available" },
  { value: "on_trip", label: "On trip" },
  { value: "offline", label: "Offline" },
  { value: "under_review", label: "Under review" },
] as const;

const none = <span className="text-faint">–</span>;
const OFFLINE: StateLook = { label: "Offline", hue: "completed", hollow: true };
const UNDER_REVIEW: StateLook = { label: "Under review", hue: "cancelled" };
const lookOf = (driver: DriverRow): StateLook => {
  if (driver.reviewReason !== null) return UNDER_REVIEW;
  return driver.isOnline ? AVAILABILITY_LOOK[driver.availability] : OFFLINE;
};

const COLUMNS: readonly Column<DriverRow>[] = [
  {
    id: "name",
    header: "Driver",
    cell: (driver) => (
      <Link href={`/map?driver=${driver.id}`} className="font-medium hover:underline">
        {driver.name}
      </Link>
    ),
    className: "max-w-52",
  },
  { id: "state", header: "State", cell: (driver) => <StatePill look={lookOf(driver)} />, className: "w-32" },
  {
    id: "trip",
    header: "Live trip",
    cell: (driver) =>
      driver.liveTripId && driver.liveTripRef ? <TripRef id={driver.liveTripId} refId={driver.liveTripRef} /> : none,
    className: "w-28",
  },
  { id: "phone", header: "Phone", cell: (driver) => <Copyable value={driver.phone} what="phone" />, className: "w-40" },
  {
    id: "plate",
    header: "Plate",
    cell: (driver) => (driver.plate ? <span className="font-mono text-xs">{driver.plate}</span> : none),
    className: "w-28",
  },
  { id: "category", header: "Category", cell: (driver) => driver.category ?? none, className: "w-28" },
  { id: "zone", header: "Zone", cell: (driver) => driver.zoneName ?? none, className: "max-w-40" },
  {
    id: "seen",
    header: "Last seen",
    align: "right",
    cell: (driver) => (driver.lastSeenAt ? <Ago at={driver.lastSeenAt} className="text-muted" /> : none),
    className: "w-36",
  },
  { id: "id", header: "Id", cell: (driver) => <Copyable value={driver.id} what="driver id" />, optional: true },
];

function DriverCompact({ driver }: { driver: DriverRow }) {
  return (
    <>
      <p className="flex items-center gap-2">
        <span className="min-w-0 flex-1 truncate font-medium">{driver.name}</span>
        <StatePill look={lookOf(driver)} />
      </p>
      <p className="flex items-center gap-2 text-muted text-xs">
        <span className="font-mono">{driver.phone}</span>
        {driver.plate && <span className="font-mono">{driver.plate}</span>}
        <span className="ml-auto">
          {driver.liveTripId && driver.liveTripRef ? (
            <TripRef id={driver.liveTripId} refId={driver.liveTripRef} />
          ) : (
            driver.lastSeenAt && <Ago at={driver.lastSeenAt} />
          )}
        </span>
      </p>
    </>
  );
}

export function DriversRoom() {
  const router = useRouter();
  const trpc = useTRPC();
  const cursor = useCursor();
  const columns = useColumns(COLUMNS);
  const [filters, setFilters] = useQueryStates({
    q: parseAsString.withDefault(""),
    state: parseAsStringLiteral(STATES),
  });
  const drivers = useQuery({
    ...trpc.drivers.list.queryOptions({
      limit: PAGE_SIZE,
      ...(filters.q ? { q: filters.q } : {}),
      ...(filters.state ? { state: filters.state } : {}),
      ...(cursor.cursor ? { cursor: cursor.cursor } : {}),
    }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  const change = useFilterChange(cursor, setFilters);
  const onSearch = useCallback((q: string) => change({ q: q || null }), [change]);
  const any = filters.q !== "" || filters.state !== null;
  const review = useEndReview();
  const visible = review.column ? [...columns.visible, review.column] : columns.visible;

  return (
    <Room
      title="Drivers"
      age={<LiveAge at={drivers.dataUpdatedAt} live={false} />}
      actions={<ColumnMenu columns={columns} />}
      toolbar={
        <>
          <SearchField label="Name, phone, plate" value={filters.q} onChange={onSearch} className="w-56 shrink-0" />
          <Segmented
            label="Which drivers"
            value={filters.state ?? "all"}
            onChange={(state) => change({ state: state === "all" ? null : state })}
            options={STATE_OPTIONS}
          />
        </>
      }
      footer={
        <Pager
          cursor={cursor}
          nextCursor={drivers.data?.nextCursor}
          shown={drivers.data?.items.length}
          noun="drivers"
        />
      }
    >
      {drivers.isError && !drivers.data ? (
        <ErrorState what="The drivers" error={drivers.error} onRetry={() => void drivers.refetch()} />
      ) : (
        <DataTable
          caption="Drivers"
          columns={visible}
          rows={drivers.data?.items}
          rowKey={(driver) => driver.id}
          onOpen={(driver) => router.push(`/map?driver=${driver.id}`)}
          compact={(driver) => (
            <>
              <DriverCompact driver={driver} />
              {review.column?.cell(driver)}
            </>
          )}
          stale={drivers.isPlaceholderData}
          empty={
            <EmptyState
              title={any ? "No driver matches" : "No drivers yet"}
              action={any && <Button onClick={() => change({ q: null, state: null })}>Clear filters</Button>}
            >
              {any
                ? "Nothing fits these filters. Try the start of the name, the phone or the plate."
                : "Drivers appear here once their accounts are approved."}
            </EmptyState>
          }
        />
      )}
      {review.dialog}
    </Room>
  );
}
