"use client";

import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { parseAsIsoDateTime, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useMemo } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Room } from "#components/ui/room.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import type { ZoneOutline } from "#server/contracts/console.ts";
import type { HistoryQuery } from "#server/contracts/history.ts";
import { ReplayPlayer, SPEEDS } from "./replay-player.tsx";
import { trackOf } from "./replay-track.ts";

const NO_ZONES: readonly ZoneOutline[] = [];
const HOUR_MS = 3600_000;

/** A trip's way, or a driver's hours: `?trip=…` or `?driver=…&from=…&to=…`. */
export function ReplayRoom() {
  const trpc = useTRPC();
  const [url, setUrl] = useQueryStates({
    trip: parseAsString,
    driver: parseAsString,
    from: parseAsIsoDateTime,
    to: parseAsIsoDateTime,
    speed: parseAsStringLiteral(SPEEDS).withDefault("20"),
  });
  const asked = useMemo<HistoryQuery | null>(() => {
    if (url.trip !== null) return { tripId: url.trip };
    if (url.driver === null) return null;
    const to = url.to ?? new Date();
    const from = url.from ?? new Date(to.getTime() - HOUR_MS);
    return { driverId: url.driver, from: from.toISOString(), to: to.toISOString() };
  }, [url.trip, url.driver, url.from, url.to]);
  const history = useQuery({
    ...trpc.map.history.queryOptions(asked ?? { tripId: "" }),
    enabled: asked !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const zones = useQuery({ ...trpc.map.zones.queryOptions(), staleTime: 300_000 }).data ?? NO_ZONES;
  const track = useMemo(() => history.data && trackOf(history.data), [history.data]);
  const driver = history.data?.driver;
  return (
    <Room
      fixed
      title={driver ? `Replay of ${driver.name}` : "Replay"}
      age={
        history.data?.thinnedFrom ? (
          <span className="text-faint text-xs">
            {history.data.points.length.toLocaleString("en")} of {history.data.thinnedFrom.toLocaleString("en")}{" "}
            positions
          </span>
        ) : undefined
      }
      actions={
        <Button asChild>
          <Link href={url.trip ? `/trips/${url.trip}` : `/map${url.driver ? `?driver=${url.driver}` : ""}`}>
            {url.trip ? "Back to the trip" : "Back to the map"}
          </Link>
        </Button>
      }
    >
      {asked === null ? (
        <EmptyState title="Nothing to replay">Open a trip, or a driver on the map, and choose Replay there.</EmptyState>
      ) : history.isError ? (
        <ErrorState what="The history" error={history.error} onRetry={() => void history.refetch()} />
      ) : history.isPending ? (
        <Skeleton className="m-4 h-full" />
      ) : track && driver ? (
        <ReplayPlayer
          key={`${url.trip}:${url.driver}:${track.startMs}`}
          track={track}
          driver={driver}
          zones={zones}
          speed={url.speed}
          onSpeed={(speed) => void setUrl({ speed })}
        />
      ) : (
        <EmptyState title="No positions are kept of that time">
          The driver sent none then, or they are older than the days that are kept (Business settings).
        </EmptyState>
      )}
    </Room>
  );
}
