"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { parseAsString, useQueryStates } from "nuqs";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { FilterOne } from "#components/ui/filter-menu.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { Menu, MenuContent, MenuItem, MenuTrigger } from "#components/ui/menu.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Pager, useCursor, useFilterChange } from "#components/ui/pager.tsx";
import { Room } from "#components/ui/room.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { AuditRow } from "#server/contracts/console.ts";
import { AuditDrawer } from "./audit-drawer.tsx";
import { AuditSubject } from "./audit-subject.tsx";

const PAGE_SIZE = 50;
const REFRESH_MS = 10_000;
const DAY_MS = 86_400_000;
const PERIODS = [
  { value: "1", label: "Last 24 hours" },
  { value: "7", label: "Last 7 days" },
  { value: "30", label: "Last 30 days" },
] as const;
const SUBJECTS = ["trip", "driver", "customer", "operator", "role", "setting", "alert", "lock", "queue"] as const;
const SUBJECT_OPTIONS = SUBJECTS.map((value) => ({ value, label: value }));

const COLUMNS: readonly Column<AuditRow>[] = [
  { id: "at", header: "At", cell: (row) => <Moment at={row.at} />, className: "w-28" },
  {
    id: "who",
    header: "Who",
    cell: (row) => <span className="font-medium">{row.actor.name}</span>,
    className: "w-40 max-w-40",
  },
  {
    id: "what",
    header: "What",
    cell: (row) => <span className="font-mono text-xs">{row.action}</span>,
    className: "w-40",
  },
  {
    id: "subject",
    header: "To what",
    cell: (row) => <AuditSubject subject={row.subject} />,
    className: "w-56 max-w-56",
  },
  {
    id: "why",
    header: "Why",
    cell: (row) => <span className="text-muted">{row.reason ?? "–"}</span>,
    className: "max-w-120",
  },
];

/** Beginning of the hour, so that the answer is not asked for anew at each render. */
const since = (days: string) => {
  const hour = 3_600_000;
  return new Date(Math.floor((Date.now() - Number(days) * DAY_MS) / hour) * hour).toISOString();
};

/** Who did what to what, and why. The database lets nobody change or delete a row. */
export function AuditRoom() {
  const trpc = useTRPC();
  const cursor = useCursor();
  const [opened, setOpened] = useState<AuditRow | null>(null);
  const [filters, setFilters] = useQueryStates({
    who: parseAsString,
    action: parseAsString,
    subject: parseAsString,
    id: parseAsString,
    days: parseAsString,
  });
  const filter = {
    ...(filters.who ? { actorId: filters.who } : {}),
    ...(filters.action ? { action: filters.action } : {}),
    ...(filters.subject ? { subjectType: filters.subject } : {}),
    ...(filters.id ? { subjectId: filters.id } : {}),
    ...(filters.days ? { from: since(filters.days) } : {}),
  };
  const names = useQuery({ ...trpc.audit.names.queryOptions(), staleTime: 60_000 });
  const log = useQuery({
    ...trpc.audit.list.queryOptions({
      ...filter,
      limit: PAGE_SIZE,
      ...(cursor.cursor ? { cursor: cursor.cursor } : {}),
    }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  const change = useFilterChange(cursor, setFilters);
  const clear = () => change({ who: null, action: null, subject: null, id: null, days: null });
  const any = Object.keys(filter).length > 0;
  const exportUrl = (format: string) => `/api/ops/audit/export?${new URLSearchParams({ ...filter, format })}`;

  return (
    <Room
      title="Audit log"
      age={<LiveAge at={log.dataUpdatedAt} live={false} />}
      actions={
        <Menu>
          <MenuTrigger asChild>
            <Button>
              <Download aria-hidden />
              Export
            </Button>
          </MenuTrigger>
          <MenuContent align="end">
            <MenuItem asChild>
              <a href={exportUrl("csv")} download>
                CSV, for a spreadsheet
              </a>
            </MenuItem>
            <MenuItem asChild>
              <a href={exportUrl("jsonl")} download>
                JSON Lines, whole rows
              </a>
            </MenuItem>
          </MenuContent>
        </Menu>
      }
      toolbar={
        <>
          <FilterOne
            label="Person"
            anyLabel="Anyone"
            options={(names.data?.people ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            value={filters.who}
            onChange={(who) => change({ who })}
          />
          <FilterOne
            label="Action"
            anyLabel="Any action"
            options={(names.data?.actions ?? []).map((value) => ({ value, label: value }))}
            value={filters.action}
            onChange={(action) => change({ action })}
          />
          <FilterOne
            label="Subject"
            anyLabel="Any subject"
            options={SUBJECT_OPTIONS}
            value={SUBJECTS.find((subject) => subject === filters.subject) ?? null}
            onChange={(subject) => change({ subject, id: null })}
          />
          <FilterOne
            label="Time"
            anyLabel="Any time"
            options={PERIODS}
            value={PERIODS.find(({ value }) => value === filters.days)?.value ?? null}
            onChange={(days) => change({ days })}
          />
          {any && (
            <Button variant="ghost" onClick={clear}>
              Clear
            </Button>
          )}
        </>
      }
      footer={<Pager cursor={cursor} nextCursor={log.data?.nextCursor} shown={log.data?.items.length} noun="entries" />}
    >
      {log.isError && !log.data ? (
        <ErrorState what="The audit log" error={log.error} onRetry={() => void log.refetch()} />
      ) : (
        <DataTable
          caption="Audit log"
          columns={COLUMNS}
          rows={log.data?.items}
          rowKey={(row) => row.id}
          onOpen={setOpened}
          activeKey={opened?.id ?? null}
          stale={log.isPlaceholderData}
          compact={(row) => (
            <>
              <p className="flex items-center gap-2">
                <span className="min-w-0 flex-1 truncate font-medium">{row.actor.name}</span>
                <Moment at={row.at} className="text-muted" />
              </p>
              <p className="font-mono text-xs">{row.action}</p>
              <p className="truncate text-muted text-xs">{row.reason}</p>
            </>
          )}
          empty={
            <EmptyState title={any ? "Nothing fits these filters" : "Nothing has been changed yet"}>
              {any ? "Take one of them away." : "What operators change appears here, with what it was before."}
            </EmptyState>
          }
        />
      )}
      <AuditDrawer row={opened} onClose={() => setOpened(null)} />
    </Room>
  );
}
