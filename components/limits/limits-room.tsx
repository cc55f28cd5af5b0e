"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { parseAsArrayOf, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useCallback } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { FilterMany } from "#components/ui/filter-menu.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Pager, useCursor, useFilterChange } from "#components/ui/pager.tsx";
import { Room } from "#components/ui/room.tsx";
import { SearchField } from "#components/ui/search-field.tsx";
import { Section } from "#components/ui/section.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { LimitViolation } from "#server/contracts/console.ts";
import { LIMIT_SCOPES } from "#server/contracts/limits.ts";
import { LimitTable } from "./limit-table.tsx";
import { limitWords } from "./limit-words.ts";

const PAGE_SIZE = 50;
const REFRESH_MS = 5_000;
const SCOPE_OPTIONS = LIMIT_SCOPES.map((value) => ({ value, label: value }));

/** Where a person is found: drivers have a room of their own, customers are known by their trips. */
function roomOf({ name, type }: NonNullable<LimitViolation["person"]>): string | null {
  if (type === "operator") return null;
  return `/${type === "driver" ? "drivers" : "trips"}?q=${encodeURIComponent(name)}`;
}

function Who({ violation: { person, subject } }: { violation: LimitViolation }) {
  if (person === null) return <Copyable value={subject} what="who was refused" />;
  const room = roomOf(person);
  return (
    <span title={person.id}>
      {room === null ? (
        person.name
      ) : (
        <Link href={room} className="text-accent-ink hover:underline">
          {person.name}
        </Link>
      )}{" "}
      <span className="text-faint">{person.type}</span>
    </span>
  );
}

const COLUMNS: readonly Column<LimitViolation>[] = [
  { id: "at", header: "Last refused", cell: ({ lastAt }) => <Moment at={lastAt} />, className: "w-28" },
  {
    id: "scope",
    header: "Scope",
    cell: ({ scope }) => <span className="font-mono text-xs">{scope}</span>,
    className: "w-36",
  },
  { id: "who", header: "Who", cell: (violation) => <Who violation={violation} />, className: "max-w-80" },
  {
    id: "count",
    header: "Refused in the minute",
    cell: ({ count }) => <span className="font-mono">{count}</span>,
    align: "right",
    className: "w-36",
  },
  {
    id: "limit",
    header: "Limit",
    cell: ({ scope }) => <span className="text-muted">{limitWords(scope)}</span>,
    className: "w-48",
  },
];

export function LimitsRoom() {
  const trpc = useTRPC();
  const cursor = useCursor();
  const [filters, setFilters] = useQueryStates({
    scope: parseAsArrayOf(parseAsStringLiteral(LIMIT_SCOPES)).withDefault([]),
    q: parseAsString.withDefault(""),
  });
  const violations = useQuery({
    ...trpc.limits.violations.queryOptions({
      limit: PAGE_SIZE,
      ...(filters.scope.length > 0 ? { scopes: filters.scope } : {}),
      ...(filters.q ? { q: filters.q } : {}),
      ...(cursor.cursor ? { cursor: cursor.cursor } : {}),
    }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  const change = useFilterChange(cursor, setFilters);
  const onSearch = useCallback((q: string) => change({ q: q || null }), [change]);
  const any = filters.scope.length > 0 || filters.q !== "";

  return (
    <Room
      title="Limits"
      age={<LiveAge at={violations.dataUpdatedAt} live={false} />}
      toolbar={
        <>
          <SearchField label="Name, phone, address" value={filters.q} onChange={onSearch} className="w-56 shrink-0" />
          <FilterMany
            label="Scope"
            options={SCOPE_OPTIONS}
            value={filters.scope}
            onChange={(scope) => change({ scope })}
          />
          <p className="text-faint text-xs max-sm:shrink-0">Kept for 30 days. Phones and addresses of mail are cut.</p>
        </>
      }
      footer={
        <Pager
          cursor={cursor}
          nextCursor={violations.data?.nextCursor}
          shown={violations.data?.items.length}
          noun="rows"
        />
      }
    >
      <div className="flex min-h-full max-xl:flex-col">
        <div className="min-w-0 flex-1">
          <Section id="refused" title="Refused calls" note="One row for each scope, caller and minute">
            {violations.isError && !violations.data ? (
              <ErrorState what="The refused calls" error={violations.error} onRetry={() => void violations.refetch()} />
            ) : (
              <div className="overflow-x-auto">
                <DataTable
                  caption="Refused calls"
                  columns={COLUMNS}
                  rows={violations.data?.items}
                  rowKey={({ id }) => id}
                  compact={(violation) => (
                    <>
                      <p className="flex items-center gap-2 text-muted text-xs">
                        <span className="font-mono">{violation.scope}</span>
                        <span>{limitWords(violation.scope)}</span>
                        <Moment at={violation.lastAt} className="ml-auto" />
                      </p>
                      <p className="flex items-center gap-2">
                        <span className="min-w-0 truncate">
                          <Who violation={violation} />
                        </span>
                        <span className="ml-auto shrink-0">{violation.count} refused</span>
                      </p>
                    </>
                  )}
                  stale={violations.isPlaceholderData}
                  empty={
                    <EmptyState
                      title={any ? "No refused call matches" : "Nobody was refused"}
                      action={any && <Button onClick={() => change({ scope: null, q: null })}>Clear filters</Button>}
                    >
                      {any
                        ? "Search by the start of a name, a phone or an address."
                        : "Calls beyond a limit appear here, with who made them and how often."}
                    </EmptyState>
                  }
                />
              </div>
            )}
          </Section>
        </div>
        <aside className="shrink-0 xl:w-108 xl:border-l max-xl:border-t" aria-label="Limits in force">
          <Section id="table" title="Limits in force" note="A refused call uses up none of them">
            <LimitTable />
          </Section>
        </aside>
      </div>
    </Room>
  );
}
