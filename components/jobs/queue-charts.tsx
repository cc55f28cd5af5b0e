"use client";

import dynamic from "next/dynamic";
import { useMemo } from "react";
import type { Series, SeriesPoint } from "#components/charts/time-series-chart.tsx";
import type { QueueSample } from "#server/contracts/console.ts";

/** The chart library is a third of the room's weight, and the numbers above it come first. */
const TimeSeriesChart = dynamic(
  () => import("#components/charts/time-series-chart.tsx").then((module) => module.TimeSeriesChart),
  { ssr: false, loading: () => <div className="h-66" /> },
);

const SAMPLE_S = 5;
const COLOURS = ["var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)"];
const FINISHED: readonly Series[] = [
  { key: "completed", label: "Completed", colour: "var(--state-completed)" },
  { key: "failed", label: "Failed", colour: "var(--state-cancelled)" },
];

/** Samples of one moment share a time; a queue that misses one counts as zero there. */
function gather(
  samples: readonly QueueSample[],
  add: (values: Record<string, number>, sample: QueueSample) => void,
): SeriesPoint[] {
  const byMoment = new Map<number, Record<string, number>>();
  for (const sample of samples) {
    // Queues are sampled one after the other: a moment is a slot of 5 s.
    const at = Math.floor(Date.parse(sample.at) / (SAMPLE_S * 1000)) * SAMPLE_S * 1000;
    const values = byMoment.get(at) ?? {};
    add(values, sample);
    byMoment.set(at, values);
  }
  return [...byMoment.entries()].sort(([a], [b]) => a - b).map(([at, values]) => ({ at, values }));
}

const whole = (value: number) => Math.round(value).toLocaleString("en");
const perSecond = (value: number) => (value >= 100 || value === 0 ? whole(value) : value.toFixed(1));

export function QueueCharts({ samples, queues }: { samples: readonly QueueSample[]; queues: readonly string[] }) {
  const depth = useMemo(
    () => gather(samples, (values, sample) => Object.assign(values, { [sample.queue]: sample.depth })),
    [samples],
  );
  const finished = useMemo(
    () =>
      gather(samples, (values, sample) => {
        values.completed = (values.completed ?? 0) + sample.completed / SAMPLE_S;
        values.failed = (values.failed ?? 0) + sample.failed / SAMPLE_S;
      }),
    [samples],
  );
  const lines = queues.map((queue, index) => ({
    key: queue,
    label: queue,
    colour: COLOURS[index % COLOURS.length] ?? "var(--ink)",
    ...(index >= COLOURS.length ? { dash: "4 3" } : {}),
  }));
  return (
    <div className="grid border-b lg:grid-cols-2 lg:divide-x">
      <TimeSeriesChart
        id="depth"
        title="Waiting jobs by queue"
        unit="jobs"
        series={lines}
        points={depth}
        format={whole}
      />
      <TimeSeriesChart
        id="throughput"
        title="Jobs finished, all queues"
        unit="jobs per second"
        series={FINISHED}
        points={finished}
        format={perSecond}
      />
    </div>
  );
}
