"use client";

import { useState } from "react";
import { CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { Section } from "#components/ui/section.tsx";
import { Segmented } from "#components/ui/segmented.tsx";
import type { Series, SeriesPoint } from "./series.ts";
import { SeriesTable } from "./series-table.tsx";

interface TimeSeriesChartProps {
  readonly id: string;
  /** Says what it shows: "Waiting jobs by queue". */
  readonly title: string;
  /** The unit of the vertical axis: "jobs". */
  readonly unit: string;
  readonly series: readonly Series[];
  readonly points: readonly SeriesPoint[];
  readonly format: (value: number) => string;
  /** How often a sample is taken, in words. */
  readonly every?: string;
  /** Counted things: no half jobs on the axis. */
  readonly counted?: boolean;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const clockSeconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
/** Under this, minutes alone would repeat along the axis. */
const SECONDS_BELOW_MS = 8 * 60_000;
const AXIS = { fontSize: 11, fill: "var(--faint)" } as const;

/** Lines over time, with a title, a unit, a legend, and the numbers behind them one click away. */
export function TimeSeriesChart({
  id,
  title,
  unit,
  series,
  points,
  format,
  counted,
  every = "every 5 seconds",
}: TimeSeriesChartProps) {
  const [as, setAs] = useState<"chart" | "table">("chart");
  const short = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0) < SECONDS_BELOW_MS;
  return (
    <Section
      id={id}
      title={title}
      note={unit}
      actions={
        <Segmented
          label={`Show ${title.toLowerCase()} as`}
          value={as}
          onChange={setAs}
          options={[
            { value: "chart", label: "Chart" },
            { value: "table", label: "Table" },
          ]}
        />
      }
    >
      <ul className="flex flex-wrap gap-x-4 px-4 text-muted text-xs">
        {series.map((line) => (
          <li key={line.key} className="flex items-center gap-1.5">
            <svg aria-hidden="true" width="16" height="2">
              <line x1="0" y1="1" x2="16" y2="1" stroke={line.colour} strokeWidth="2" strokeDasharray={line.dash} />
            </svg>
            {line.label}
          </li>
        ))}
      </ul>
      {points.length < 2 ? (
        <p className="px-4 py-12 text-muted">Not enough samples yet. One is taken {every}.</p>
      ) : as === "table" ? (
        <SeriesTable title={title} series={series} points={points} format={format} />
      ) : (
        <div className="h-48 px-2 pt-2 pb-1">
          <ResponsiveContainer width="100%" height="100%">
            <LineChart data={[...points]} margin={{ top: 4, right: 12, bottom: 0, left: 0 }} title={title}>
              <CartesianGrid vertical={false} stroke="var(--line)" />
              <XAxis
                dataKey="at"
                type="number"
                scale="time"
                domain={["dataMin", "dataMax"]}
                tickFormatter={(at: number) => (short ? clockSeconds : clock).format(at)}
                tick={AXIS}
                tickLine={false}
                axisLine={{ stroke: "var(--line-strong)" }}
                minTickGap={48}
              />
              <YAxis
                width={44}
                tick={AXIS}
                tickLine={false}
                axisLine={false}
                tickFormatter={format}
                domain={[0, "auto"]}
                allowDecimals={!counted}
              />
              <Tooltip
                isAnimationActive={false}
                cursor={{ stroke: "var(--line-strong)" }}
                labelFormatter={(at) => clockSeconds.format(Number(at))}
                formatter={(value) => `${format(Number(value))} ${unit}`}
                contentStyle={{
                  background: "var(--raised)",
                  border: "1px solid var(--line-strong)",
                  borderRadius: 6,
                  fontSize: 12,
                  padding: "4px 8px",
                }}
                itemStyle={{ padding: 0 }}
              />
              {series.map((line) => (
                <Line
                  key={line.key}
                  name={line.label}
                  dataKey={(point: SeriesPoint) => point.values[line.key] ?? 0}
                  stroke={line.colour}
                  strokeWidth={1.5}
                  dot={false}
                  isAnimationActive={false}
                  {...(line.dash ? { strokeDasharray: line.dash } : {})}
                />
              ))}
            </LineChart>
          </ResponsiveContainer>
        </div>
      )}
    </Section>
  );
}
