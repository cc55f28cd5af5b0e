"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import type { ReactNode } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { cx } from "#components/ui/class-names.ts";
import { formatSeconds } from "#components/ui/duration.ts";
import { Skeleton } from "#components/ui/skeleton.tsx";
import type { ShiftSummary } from "#server/contracts/console.ts";

const REFRESH_MS = 5_000;
/** The search for a driver ends at 3 min: a rider who waits longer than this is about to be lost. */
const LONG_WAIT_S = 120;

interface Figure {
  readonly label: string;
  readonly href: string;
  readonly value: (summary: ShiftSummary) => ReactNode;
  readonly alarming?: (summary: ShiftSummary) => boolean;
}

const FIGURES: readonly Figure[] = [
  { label: "Riders waiting", href: "/trips?status=pending&sort=oldest", value: (summary) => summary.pendingTrips },
  {
    label: "Longest wait",
    href: "/trips?status=pending&sort=oldest",
    value: (summary) => (summary.oldestPendingSeconds === null ? "–" : formatSeconds(summary.oldestPendingSeconds)),
    alarming: (summary) => (summary.oldestPendingSeconds ?? 0) > LONG_WAIT_S,
  },
  {
    label: "Live trips",
    href: "/trips?status=pending,accepted,arrived,ongoing",
    value: (summary) => summary.liveTrips,
  },
  { label: "Available", href: "/drivers?state=available", value: (summary) => summary.available },
  { label: "On trip", href: "/drivers?state=on_trip", value: (summary) => summary.onTrip },
  { label: "Online", href: "/drivers?state=online", value: (summary) => summary.online },
];

const shown = (value: ReactNode) => (typeof value === "number" ? value.toLocaleString("en") : value);

/** The shift in six figures; each leads to the list behind it. */
export function SummaryStrip() {
  const trpc = useTRPC();
  const summary = useQuery({ ...trpc.map.summary.queryOptions(), refetchInterval: REFRESH_MS });
  return (
    <dl className="flex shrink-0 overflow-x-auto border-b" aria-label="The shift now">
      {FIGURES.map((figure) => {
        const alarming = summary.data && figure.alarming?.(summary.data);
        return (
          <div
            key={figure.label}
            className="relative min-w-30 flex-1 border-l px-4 py-1.5 first:border-l-0 hover:bg-hover"
          >
            <dt className="whitespace-nowrap text-faint text-xs">
              <Link href={figure.href} className="after:absolute after:inset-0">
                {figure.label}
              </Link>
            </dt>
            <dd className={cx("whitespace-nowrap font-medium text-xl", alarming && "text-danger")}>
              {summary.data ? (
                shown(figure.value(summary.data))
              ) : summary.isError ? (
                "?"
              ) : (
                <Skeleton className="my-1.5 w-10" />
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
