"use client";

import { useQuery } from "@tanstack/react-query";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { cx } from "#components/ui/class-names.ts";

const REFRESH_MS = 5_000;

/** How many alerts are open, where there are any. */
export function AlertBadge({ small }: { small?: boolean }) {
  const trpc = useTRPC();
  const can = useCan("alerts.view");
  const { data } = useQuery({ ...trpc.alerts.count.queryOptions(), enabled: can, refetchInterval: REFRESH_MS });
  if (!can || data === undefined || data.open === 0) return null;
  const tone = data.critical > 0 ? "hue-cancelled" : "hue-pending";
  if (small) return <span aria-hidden className={cx("absolute top-1 right-1 size-2 rounded-full bg-(--hue)", tone)} />;
  return (
    <span
      className={cx("ml-auto rounded-sm bg-(--hue-soft) px-1 font-medium font-mono text-(--hue-ink) text-2xs", tone)}
    >
      <span className="sr-only">open: </span>
      {data.open > 99 ? "99+" : data.open}
    </span>
  );
}
