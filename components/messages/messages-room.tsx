"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useCallback } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Pager, useCursor, useFilterChange } from "#components/ui/pager.tsx";
import { Room } from "#components/ui/room.tsx";
import { SearchField } from "#components/ui/search-field.tsx";
import { Segmented } from "#components/ui/segmented.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { RecordedMessage } from "#server/contracts/console.ts";

const PAGE_SIZE = 50;
const REFRESH_MS = 5_000;
const CHANNEL = { sms: "SMS", push: "Push" } as const satisfies Record<RecordedMessage["channel"], string>;
const CHANNEL_OPTIONS = [
  { value: "all", label: "All" },
  { value: "sms", label: "SMS" },
  { value: "push", label: "Push" },
] as const;

const TripLink = ({ tripId }: { tripId: string }) => (
  <Link href={`/trips/${tripId}`} className="text-accent-ink hover:underline">
    Open trip
  </Link>
);

const COLUMNS: readonly Column<RecordedMessage>[] = [
  { id: "at", header: "At", cell: (message) => <Moment at={message.at} />, className: "w-28" },
  { id: "channel", header: "By", cell: (message) => CHANNEL[message.channel], className: "w-14" },
  {
    id: "to",
    header: "To",
    cell: (message) => <Copyable value={message.to} what="recipient" />,
    className: "w-40 max-w-40",
  },
  {
    id: "text",
    header: "Message",
    cell: (message) => (
      <span title={message.body}>
        {message.title && <span className="font-medium">{message.title} </span>}
        <span className="text-muted">{message.body}</span>
      </span>
    ),
    className: "max-w-160",
  },
  {
    id: "trip",
    header: "Trip",
    cell: (message) => (message.tripId ? <TripLink tripId={message.tripId} /> : <span className="text-faint">–</span>),
    className: "w-24",
  },
];

export function MessagesRoom() {
  const trpc = useTRPC();
  const cursor = useCursor();
  const [filters, setFilters] = useQueryStates({
    channel: parseAsStringLiteral(["sms", "push"]),
    q: parseAsString.withDefault(""),
  });
  const messages = useQuery({
    ...trpc.messages.list.queryOptions({
      limit: PAGE_SIZE,
      ...(filters.channel ? { channel: filters.channel } : {}),
      ...(filters.q ? { q: filters.q } : {}),
      ...(cursor.cursor ? { cursor: cursor.cursor } : {}),
    }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  const change = useFilterChange(cursor, setFilters);
  const onSearch = useCallback((q: string) => change({ q: q || null }), [change]);
  const any = filters.channel !== null || filters.q !== "";

  return (
    <Room
      title="Messages"
      age={<LiveAge at={messages.dataUpdatedAt} live={false} />}
      toolbar={
        <>
          <SearchField label="Recipient or text" value={filters.q} onChange={onSearch} className="w-56 shrink-0" />
          <Segmented
            label="Which messages"
            value={filters.channel ?? "all"}
            onChange={(channel) => change({ channel: channel === "all" ? null : channel })}
            options={CHANNEL_OPTIONS}
          />
          <p className="text-faint text-xs max-sm:shrink-0">
            Recorded instead of sent: this server has no SMS or push provider.
          </p>
        </>
      }
      footer={
        <Pager
          cursor={cursor}
          nextCursor={messages.data?.nextCursor}
          shown={messages.data?.items.length}
          noun="messages"
        />
      }
    >
      {messages.isError && !messages.data ? (
        <ErrorState what="The messages" error={messages.error} onRetry={() => void messages.refetch()} />
      ) : (
        <DataTable
          caption="Recorded messages"
          columns={COLUMNS}
          rows={messages.data?.items}
          rowKey={(message) => message.id}
          compact={(message) => (
            <>
              <p className="flex items-center gap-2 text-muted text-xs">
                <span>{CHANNEL[message.channel]}</span>
                <span className="font-mono">{message.to}</span>
                <Moment at={message.at} className="ml-auto" />
              </p>
              <p className="break-words">
                {message.title && <span className="font-medium">{message.title} </span>}
                {message.body}
              </p>
              {message.tripId && <TripLink tripId={message.tripId} />}
            </>
          )}
          stale={messages.isPlaceholderData}
          empty={
            <EmptyState
              title={any ? "No message matches" : "No messages yet"}
              action={any && <Button onClick={() => change({ channel: null, q: null })}>Clear filters</Button>}
            >
              {any
                ? "Try a part of the number or of the text."
                : "What the platform would send to riders and drivers appears here."}
            </EmptyState>
          }
        />
      )}
    </Room>
  );
}
