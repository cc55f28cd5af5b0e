"use client";

import dynamic from "next/dynamic";
import { useMemo } from "react";
import type { Series, SeriesPoint } from "#components/charts/series.ts";
import type { QueueSample } from "#server/contracts/console.ts";
import { QUEUE_NAMES } from "./queue-names.ts";

/** The chart library is a third of the room's weight, and the numbers above it come first. */
const TimeSeriesChart = dynamic(
  () => import("#components/charts/time-series-chart.tsx").then((module) => module.TimeSeriesChart),
  { ssr: false, loading: () => <div className="h-66" /> },
);

const SAMPLE_S = 5;
const LINES: readonly Series[] = QUEUE_NAMES.map((queue, index) => ({
  key: queue,
  label: queue,
  colour: `var(--series-${index + 1})`,
}));
const FINISHED: readonly Series[] = [
  { key: "completed", label: "Completed", colour: "var(--state-completed)" },
  { key: "failed", label: "Failed", colour: "var(--state-cancelled)" },
];

/** All queues are sampled at once: the samples of one moment carry one time. */
function gather(
  samples: readonly QueueSample[],
  add: (values: Record<string, number>, sample: QueueSample) => void,
): SeriesPoint[] {
  const byMoment = new Map<string, Record<string, number>>();
  for (const sample of samples) {
    const values = byMoment.get(sample.at) ?? {};
    add(values, sample);
    byMoment.set(sample.at, values);
  }
  return [...byMoment].map(([at, values]) => ({ at: Date.parse(at), values }));
}

const whole = (value: number) => Math.round(value).toLocaleString("en");
const perSecond = (value: number) => (value >= 100 || value === 0 ? whole(value) : value.toFixed(value < 1 ? 2 : 1));

export function QueueCharts({ samples }: { samples: readonly QueueSample[] }) {
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
  return (
    <div className="grid border-b lg:grid-cols-2 lg:divide-x">
      <TimeSeriesChart
        counted
        id="depth"
        title="Unfinished jobs by queue"
        unit="jobs"
        series={LINES}
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
