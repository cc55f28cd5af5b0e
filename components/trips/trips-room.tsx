"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import { ArrowDownWideNarrow, ArrowUpWideNarrow, Download } from "lucide-react";
import { useRouter } from "next/navigation";
import { useCallback } from "react";
import { useTRPC, useTRPCClient } from "#components/data/trpc.ts";
import { useRefetchOnTick } from "#components/data/use-refetch-on-tick.ts";
import { useTabVisible } from "#components/data/use-tab-visible.ts";
import { Button } from "#components/ui/button.tsx";
import { ColumnMenu, useColumns } from "#components/ui/column-menu.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { exportCsv } from "#components/ui/export-csv.ts";
import { FilterMany, FilterOne } from "#components/ui/filter-menu.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Pager, useCursor, useFilterChange } from "#components/ui/pager.tsx";
import { Room } from "#components/ui/room.tsx";
import { SearchField } from "#components/ui/search-field.tsx";
import { Segmented } from "#components/ui/segmented.tsx";
import { TRIP_LOOK, TRIP_STATES } from "#components/ui/state-hues.ts";
import { StateDot } from "#components/ui/state-pill.tsx";
import { TRIP_COLUMNS, TRIP_CSV, TripCompact } from "./trip-columns.tsx";
import { TRIP_VIEWS, useTripFilters } from "./trip-filters.ts";

const PAGE_SIZE = 50;
const EXPORT_PAGE_SIZE = 200;
const STATE_OPTIONS = TRIP_STATES.map((status) => ({
  value: status,
  label: TRIP_LOOK[status].label,
  mark: <StateDot look={TRIP_LOOK[status]} />,
}));

export function TripsRoom() {
  const router = useRouter();
  const trpc = useTRPC();
  const client = useTRPCClient();
  const { filters, setFilters, input, view, any } = useTripFilters();
  const cursor = useCursor();
  const columns = useColumns(TRIP_COLUMNS);
  const trips = useQuery({
    ...trpc.trips.list.queryOptions({
      ...input,
      limit: PAGE_SIZE,
      ...(cursor.cursor ? { cursor: cursor.cursor } : {}),
    }),
    placeholderData: keepPreviousData,
  });
  const zones = useQuery({ ...trpc.map.zones.queryOptions(), staleTime: 300_000 });
  const refetch = useRefetchOnTick(trpc.trips.list.pathFilter());
  useSubscription(
    trpc.trips.feed.subscriptionOptions(undefined, { enabled: useTabVisible(), onStarted: refetch, onData: refetch }),
  );

  const change = useFilterChange(cursor, setFilters);
  const onSearch = useCallback((q: string) => change({ q: q || null }), [change]);
  const SortIcon = filters.sort === "newest" ? ArrowDownWideNarrow : ArrowUpWideNarrow;

  return (
    <Room
      title="Trips"
      age={<LiveAge at={trips.dataUpdatedAt} />}
      actions={
        <>
          <ColumnMenu columns={columns} />
          <Button
            onClick={() =>
              void exportCsv({
                name: "trips",
                columns: TRIP_CSV,
                page: (after, signal) =>
                  client.trips.list.query(
                    { ...input, limit: EXPORT_PAGE_SIZE, ...(after ? { cursor: after } : {}) },
                    { signal },
                  ),
              })
            }
          >
            <Download aria-hidden />
            Export CSV
          </Button>
        </>
      }
      toolbar={
        <>
          <SearchField
            label="Ref, rider, driver, phone"
            value={filters.q}
            onChange={onSearch}
            className="w-56 shrink-0"
          />
          <Segmented
            label="Which trips"
            value={view}
            onChange={(next) => change({ status: [...(TRIP_VIEWS.find((each) => each.value === next)?.states ?? [])] })}
            options={TRIP_VIEWS}
          />
          <FilterMany
            label="State"
            options={STATE_OPTIONS}
            value={filters.status}
            onChange={(status) => change({ status })}
          />
          <FilterOne
            label="Zone"
            anyLabel="Any zone"
            options={(zones.data ?? []).map((zone) => ({ value: zone.id, label: zone.name }))}
            value={filters.zone}
            onChange={(zone) => change({ zone })}
          />
          <Button onClick={() => change({ sort: filters.sort === "newest" ? "oldest" : "newest" })}>
            <SortIcon aria-hidden />
            {filters.sort === "newest" ? "Newest first" : "Oldest first"}
          </Button>
          {any && (
            <Button variant="ghost" onClick={() => change({ status: null, q: null, zone: null })}>
              Clear filters
            </Button>
          )}
        </>
      }
      footer={
        <Pager cursor={cursor} nextCursor={trips.data?.nextCursor} shown={trips.data?.items.length} noun="trips" />
      }
    >
      {trips.isError && !trips.data ? (
        <ErrorState what="The trips" error={trips.error} onRetry={() => void trips.refetch()} />
      ) : (
        <DataTable
          caption="Trips"
          columns={columns.visible}
          rows={trips.data?.items}
          rowKey={(trip) => trip.id}
          onOpen={(trip) => router.push(`/trips/${trip.id}`)}
          compact={(trip) => <TripCompact trip={trip} />}
          stale={trips.isPlaceholderData}
          empty={
            any ? (
              <EmptyState
                title="No trip matches"
                action={<Button onClick={() => change({ status: null, q: null, zone: null })}>Clear filters</Button>}
              >
                Nothing fits these filters. Widen them, or search by the start of the number, the name or the phone.
              </EmptyState>
            ) : (
              <EmptyState title="No trips yet">The first request from a rider will appear here by itself.</EmptyState>
            )
          }
        />
      )}
    </Room>
  );
}
