"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import {
  parseAsArrayOf,
  parseAsBoolean,
  parseAsString,
  parseAsStringLiteral,
  useQueryState,
  useQueryStates,
} from "nuqs";
import { useCallback } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { FilterMany } from "#components/ui/filter-menu.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Pager, useCursor, useFilterChange } from "#components/ui/pager.tsx";
import { Room } from "#components/ui/room.tsx";
import { SearchField } from "#components/ui/search-field.tsx";
import { Segmented } from "#components/ui/segmented.tsx";
import { StateDot } from "#components/ui/state-pill.tsx";
import { IDEMPOTENCY_STATES } from "#server/contracts/console.ts";
import { KEY_COLUMNS, KEY_LOOK, KeyCompact } from "./idempotency-columns.tsx";
import { IdempotencyDrawer } from "./idempotency-drawer.tsx";

const PAGE_SIZE = 50;
const REFRESH_MS = 5_000;
const STATE_OPTIONS = IDEMPOTENCY_STATES.map((value) => ({
  value,
  label: KEY_LOOK[value].label,
  mark: <StateDot look={KEY_LOOK[value]} />,
}));
const WHICH = [
  { value: "all", label: "All" },
  { value: "conflicts", label: "With conflicts" },
] as const;

export function IdempotencyRoom() {
  const trpc = useTRPC();
  const cursor = useCursor();
  const [filters, setFilters] = useQueryStates({
    state: parseAsArrayOf(parseAsStringLiteral(IDEMPOTENCY_STATES)).withDefault([]),
    q: parseAsString.withDefault(""),
    conflicts: parseAsBoolean.withDefault(false),
  });
  const [open, setOpen] = useQueryState("key", parseAsString);
  const keys = useQuery({
    ...trpc.idempotency.list.queryOptions({
      states: filters.state,
      q: filters.q,
      conflicts: filters.conflicts,
      limit: PAGE_SIZE,
      ...(cursor.cursor ? { cursor: cursor.cursor } : {}),
    }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  const change = useFilterChange(cursor, setFilters);
  const onSearch = useCallback((q: string) => change({ q: q || null }), [change]);
  const any = filters.state.length > 0 || filters.q !== "" || filters.conflicts;
  const clear = () => change({ state: null, q: null, conflicts: null });

  return (
    <Room
      title="Idempotency"
      age={<LiveAge at={keys.dataUpdatedAt} live={false} />}
      toolbar={
        <>
          <SearchField
            label="Whole key or actor's id"
            value={filters.q}
            onChange={onSearch}
            className="w-56 shrink-0"
          />
          <Segmented
            label="Which keys"
            value={filters.conflicts ? "conflicts" : "all"}
            onChange={(which) => change({ conflicts: which === "conflicts" || null })}
            options={WHICH}
          />
          <FilterMany
            label="State"
            options={STATE_OPTIONS}
            value={filters.state}
            onChange={(state) => change({ state })}
          />
          {any && (
            <Button variant="ghost" onClick={clear}>
              Clear filters
            </Button>
          )}
          <p className="text-faint text-xs max-sm:shrink-0">
            A key's retries get its first answer. A conflict is another body (422), or a retry while the first ran
            (409).
          </p>
        </>
      }
      footer={<Pager cursor={cursor} nextCursor={keys.data?.nextCursor} shown={keys.data?.items.length} noun="keys" />}
    >
      {keys.isError && !keys.data ? (
        <ErrorState what="The keys" error={keys.error} onRetry={() => void keys.refetch()} />
      ) : (
        <DataTable
          caption="Idempotency keys of the last 24 hours"
          columns={KEY_COLUMNS}
          rows={keys.data?.items}
          rowKey={(row) => row.id}
          onOpen={(row) => void setOpen(row.id)}
          activeKey={open}
          compact={(row) => <KeyCompact row={row} />}
          stale={keys.isPlaceholderData}
          empty={
            any ? (
              <EmptyState title="No key matches" action={<Button onClick={clear}>Clear filters</Button>}>
                A key or an id is searched whole.
              </EmptyState>
            ) : (
              <EmptyState title="No keys in the last 24 hours">
                Requests that carry an Idempotency-Key appear here, with how often they were repeated.
              </EmptyState>
            )
          }
        />
      )}
      <IdempotencyDrawer id={open} onClose={() => void setOpen(null)} />
    </Room>
  );
}
