import type { MouseEvent, ReactNode } from "react";

export interface Column<T> {
  readonly id: string;
  /** With its unit, where it has one: "Wait, ms". */
  readonly header: string;
  readonly cell: (row: T) => ReactNode;
  readonly align?: "right";
  /** Classes for header and cells: a width, a maximum before the text is cut. */
  readonly className?: string;
  /** Off until someone ticks it in the column menu. */
  readonly optional?: boolean;
}

export interface RowSelection {
  readonly keys: ReadonlySet<string>;
  readonly onChange: (keys: ReadonlySet<string>) => void;
  /** What a row is called, for its checkbox. */
  readonly label: (key: string) => string;
}

export interface DataTableProps<T> {
  /** For screen readers: what the rows are. */
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  /** Undefined while the first answer is on its way. */
  readonly rows: readonly T[] | undefined;
  readonly rowKey: (row: T) => string;
  readonly onOpen?: (row: T) => void;
  /** A row on a phone: two short lines. */
  readonly compact: (row: T) => ReactNode;
  readonly selection?: RowSelection;
  readonly activeKey?: string | null;
  readonly empty: ReactNode;
  /** How many bars stand in for rows before the first answer; a page full when left out. */
  readonly expectedRows?: number;
  /** Dimmed while a filter's answer is on its way and the last one is still shown. */
  readonly stale?: boolean;
}

/** Interactive things inside a row keep their own click. */
export function clickedInside(event: MouseEvent): boolean {
  return event.target instanceof Element && event.target.closest("a, button, input, label") !== null;
}
