import { cx } from "./class-names.ts";
import { Skeleton } from "./skeleton.tsx";

const WIDTHS = ["w-16", "w-24", "w-20", "w-28", "w-12"];
const ROWS = Array.from({ length: 14 }, (_, index) => `row-${index}`);

interface TableSkeletonProps {
  readonly columns: readonly { readonly id: string; readonly header: string; readonly align?: "right" }[];
  readonly narrow: boolean;
}

/** The table's own header over rows of bars, so nothing moves when the answer comes. */
export function TableSkeleton({ columns, narrow }: TableSkeletonProps) {
  if (narrow) {
    return (
      <div role="status" aria-label="Loading" className="divide-y">
        {ROWS.slice(0, 8).map((row) => (
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
      <div aria-hidden className="table w-full">
        <div className="table-row">
          {columns.map((column) => (
            <span
              key={column.id}
              className={cx(
                "table-cell h-8 border-b px-2 align-middle font-medium text-faint text-xs first:pl-4 last:pr-4",
                column.align === "right" ? "text-right" : "text-left",
              )}
            >
              {column.header}
            </span>
          ))}
        </div>
        {ROWS.map((row, rowIndex) => (
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
