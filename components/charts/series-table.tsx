import { Moment } from "#components/ui/time.tsx";
import type { Series, SeriesPoint } from "./series.ts";

interface SeriesTableProps {
  readonly title: string;
  readonly series: readonly Series[];
  readonly points: readonly SeriesPoint[];
  readonly format: (value: number) => string;
}

/** The numbers behind a chart, newest first. */
export function SeriesTable({ title, series, points, format }: SeriesTableProps) {
  return (
    <div className="mt-2 h-46 overflow-auto border-t">
      <table className="w-full border-separate border-spacing-0">
        <caption className="sr-only">{title}</caption>
        <thead>
          <tr>
            <th
              scope="col"
              className="sticky top-0 h-7 border-b bg-surface px-4 text-left font-medium text-faint text-xs"
            >
              At
            </th>
            {series.map((line) => (
              <th
                key={line.key}
                scope="col"
                className="sticky top-0 h-7 border-b bg-surface px-2 text-right font-medium text-faint text-xs last:pr-4"
              >
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...points].reverse().map((point) => (
            <tr key={point.at}>
              <td className="h-7 border-b px-4">
                <Moment at={new Date(point.at).toISOString()} />
              </td>
              {series.map((line) => (
                <td key={line.key} className="h-7 border-b px-2 text-right font-mono text-xs last:pr-4">
                  {format(point.values[line.key] ?? 0)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
