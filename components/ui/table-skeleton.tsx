import { cx } from "./class-names.ts";
import { Skeleton } from "./skeleton.tsx";

const WIDTHS = ["w-1/2", "w-3/4", "w-2/3", "w-4/5", "w-2/5"];
const ROWS = Array.from({ length: 16 }, (_, index) => `row-${index}`);

interface TableSkeletonProps {
  readonly columns: readonly {
    readonly id: string;
    readonly header: string;
    readonly align?: "right";
    readonly className?: string;
  }[];
  readonly narrow: boolean;
  /** How many rows are likely to come. */
  readonly rows: number;
}

/** The table's own header over rows of bars, so nothing moves when the answer comes. */
export function TableSkeleton({ columns, narrow, rows }: TableSkeletonProps) {
  if (narrow) {
    return (
      <div role="status" aria-label="Loading" className="divide-y">
        {ROWS.slice(0, Math.min(rows, 8)).map((row) => (
          <div key={row} className="space-y-2.5 px-4 py-3">
            <Skeleton className="w-2/5" />
            <Skeleton className="w-4/5" />
          </div>
        ))}
      </div>
    );
  }
  return (
    // Laid out as the table will be, without being one: nothing may take these bars for rows.
    <div role="status" aria-label="Loading">
      <div aria-hidden className="table w-full table-fixed">
        <div className="table-row">
          {columns.map((column) => (
            <span
              key={column.id}
              className={cx(
                "table-cell h-8 truncate border-b px-2 align-middle font-medium text-faint text-xs first:pl-4 last:pr-4",
                column.align === "right" ? "text-right" : "text-left",
                column.className,
              )}
            >
              {column.header}
            </span>
          ))}
        </div>
        {ROWS.slice(0, rows).map((row, rowIndex) => (
          <div key={row} className="table-row">
            {columns.map((column, index) => (
              <span key={column.id} className="table-cell h-8 border-b px-2 align-middle first:pl-4 last:pr-4">
                <Skeleton
                  className={cx(WIDTHS[(rowIndex + index * 2) % WIDTHS.length], column.align === "right" && "ml-auto")}
                />
              </span>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}
