"use client";

import { useQuery } from "@tanstack/react-query";
import { TimeSeriesChart } from "#components/charts/time-series-chart.tsx";
import { useTRPC } from "#components/data/trpc.ts";

const HOURS = 6;
const REFRESH_MS = 30_000;

/** The last hours of a zone: what was charged, and what it was judged by. */
export function SurgeHistory({ zoneId }: { zoneId: string }) {
  const trpc = useTRPC();
  const history = useQuery(
    trpc.pricing.surgeHistory.queryOptions({ zoneId, hours: HOURS }, { refetchInterval: REFRESH_MS }),
  );
  const points = (history.data ?? []).map(({ at, multiplier, demand, supply }) => ({
    at: Date.parse(at),
    values: { multiplier, demand, supply },
  }));
  return (
    <>
      <TimeSeriesChart
        id="surge-multiplier"
        title={`Fares in the last ${HOURS} hours`}
        unit="times the usual fare"
        series={[{ key: "multiplier", label: "Multiplier", colour: "var(--series-1)" }]}
        points={points}
        every="every minute, and at each change"
        format={(value) => value.toFixed(1)}
      />
      <TimeSeriesChart
        id="surge-readings"
        title="Trips wanted and drivers free"
        unit="trips, drivers"
        series={[
          { key: "demand", label: "Trips wanted", colour: "var(--series-2)" },
          { key: "supply", label: "Drivers free", colour: "var(--series-3)", dash: "4 3" },
        ]}
        points={points}
        every="every minute, and at each change"
        format={(value) => String(value)}
        counted
      />
    </>
  );
}
