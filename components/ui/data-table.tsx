"use client";

import { useRef } from "react";
import { useNarrow } from "#components/data/use-media.ts";
import { Checkbox } from "./checkbox.tsx";
import { cx } from "./class-names.ts";
import { CompactRows } from "./compact-rows.tsx";
import { TableSkeleton } from "./table-skeleton.tsx";
import { clickedInside, type DataTableProps } from "./table-types.ts";
import { useRowKeys } from "./use-row-keys.ts";

export function DataTable<T>(props: DataTableProps<T>) {
  const { caption, columns, rows, rowKey, onOpen, selection, activeKey, empty, stale } = props;
  const narrow = useNarrow();
  const body = useRef<HTMLElement>(null);
  const toggle = (key: string, on: boolean) => {
    if (!selection) return;
    const next = new Set(selection.keys);
    if (on) next.add(key);
    else next.delete(key);
    selection.onChange(next);
  };
  useRowKeys(body, {
    open: (index) => {
      const row = rows?.[index];
      if (row && onOpen) onOpen(row);
    },
    toggle: (index) => {
      const row = rows?.[index];
      if (row && selection) toggle(rowKey(row), !selection.keys.has(rowKey(row)));
    },
  });

  if (rows === undefined) return <TableSkeleton columns={columns} narrow={narrow} rows={props.expectedRows ?? 16} />;
  if (rows.length === 0) return empty;
  if (narrow) return <CompactRows {...props} rows={rows} bodyRef={body} onToggle={toggle} />;

  const keys = rows.map(rowKey);
  const chosen = selection ? keys.filter((key) => selection.keys.has(key)).length : 0;
  return (
    <table
      className={cx("w-full border-separate border-spacing-0 transition-opacity", stale && "opacity-60")}
      aria-busy={stale}
    >
      <caption className="sr-only">{caption}</caption>
      <thead>
        <tr>
          {selection && (
            <th className="sticky top-0 z-10 h-8 w-8 border-b bg-surface pl-2">
              <Checkbox
                label="Choose all rows"
                checked={chosen === 0 ? false : chosen === keys.length ? true : "indeterminate"}
                onChange={(on) => selection.onChange(new Set(on ? keys : []))}
              />
            </th>
          )}
          {columns.map((column) => (
            <th
              key={column.id}
              scope="col"
              className={cx(
                "sticky top-0 z-10 h-8 whitespace-nowrap border-b bg-surface px-2 font-medium text-faint text-xs first:pl-4 last:pr-4",
                column.align === "right" ? "text-right" : "text-left",
                column.className,
              )}
            >
              {column.header}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body as React.RefObject<HTMLTableSectionElement>} className="[&>tr:last-child>td]:border-b-0">
        {rows.map((row, index) => {
          const key = rowKey(row);
          const selected = selection?.keys.has(key) ?? false;
          return (
            <tr
              key={key}
              data-row={index}
              tabIndex={index === 0 ? 0 : -1}
              onClick={onOpen && ((event) => !clickedInside(event) && onOpen(row))}
              className={cx(
                "group/row h-8 -outline-offset-2 hover:bg-hover",
                onOpen && "cursor-pointer",
                (selected || activeKey === key) && "bg-accent-soft hover:bg-accent-soft",
              )}
            >
              {selection && (
                <td className="border-b pl-2">
                  <Checkbox
                    label={`Choose ${selection.label(key)}`}
                    checked={selected}
                    onChange={(on) => toggle(key, on)}
                  />
                </td>
              )}
              {columns.map((column) => (
                <td
                  key={column.id}
                  className={cx(
                    "h-8 truncate border-b px-2 first:pl-4 last:pr-4",
                    column.align === "right" && "text-right",
                    column.className,
                  )}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
