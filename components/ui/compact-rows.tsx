import { Checkbox } from "./checkbox.tsx";
import { cx } from "./class-names.ts";
import { clickedInside, type DataTableProps } from "./table-types.ts";

interface CompactProps<T> extends DataTableProps<T> {
  readonly rows: readonly T[];
  readonly bodyRef: React.RefObject<HTMLElement | null>;
  readonly onToggle: (key: string, on: boolean) => void;
}

/** The table on a phone: each row in two short lines. */
export function CompactRows<T>({
  caption,
  rows,
  rowKey,
  onOpen,
  compact,
  selection,
  stale,
  bodyRef,
  onToggle,
}: CompactProps<T>) {
  return (
    <ul
      ref={bodyRef as React.RefObject<HTMLUListElement>}
      aria-label={caption}
      className={cx("divide-y transition-opacity", stale && "opacity-60")}
    >
      {rows.map((row, index) => {
        const key = rowKey(row);
        return (
          // biome-ignore lint/a11y/useKeyWithClickEvents: Enter on the focused row is handled for the list by useRowKeys
          <li
            key={key}
            data-row={index}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: the row opens on Enter
            tabIndex={0}
            onClick={onOpen && ((event) => !clickedInside(event) && onOpen(row))}
            className={cx(
              "flex items-start gap-2 px-4 py-2 -outline-offset-2",
              onOpen && "cursor-pointer active:bg-hover",
            )}
          >
            {selection && (
              <Checkbox
                label={`Choose ${selection.label(key)}`}
                checked={selection.keys.has(key)}
                onChange={(on) => onToggle(key, on)}
              />
            )}
            <div className="min-w-0 flex-1">{compact(row)}</div>
          </li>
        );
      })}
    </ul>
  );
}
