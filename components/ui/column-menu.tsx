"use client";

import { Columns3 } from "lucide-react";
import { parseAsArrayOf, parseAsString, useQueryState } from "nuqs";
import { Button } from "./button.tsx";
import { Menu, MenuCheckboxItem, MenuContent, MenuItem, MenuLabel, MenuSeparator, MenuTrigger } from "./menu.tsx";
import type { Column } from "./table-types.ts";

/** Which columns a list shows, kept in the URL so that a link shows a colleague the same table. */
export function useColumns<T>(all: readonly Column<T>[]) {
  const [chosen, setChosen] = useQueryState("cols", parseAsArrayOf(parseAsString));
  const standard = all.filter((column) => !column.optional).map((column) => column.id);
  const ids = chosen ?? standard;
  const visible = all.filter((column, index) => index === 0 || ids.includes(column.id));
  return { all, visible, ids, setIds: (next: string[] | null) => void setChosen(next) };
}

interface ColumnMenuProps<T> {
  readonly columns: ReturnType<typeof useColumns<T>>;
}

export function ColumnMenu<T>({ columns: { all, ids, setIds } }: ColumnMenuProps<T>) {
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button className="max-sm:hidden">
          <Columns3 aria-hidden />
          Columns
        </Button>
      </MenuTrigger>
      <MenuContent align="end">
        <MenuLabel>Columns</MenuLabel>
        {all.slice(1).map((column) => (
          <MenuCheckboxItem
            key={column.id}
            checked={ids.includes(column.id)}
            onCheckedChange={(on) => setIds(on ? [...ids, column.id] : ids.filter((id) => id !== column.id))}
          >
            {column.header}
          </MenuCheckboxItem>
        ))}
        <MenuSeparator />
        <MenuItem onSelect={() => setIds(null)}>Show the usual ones</MenuItem>
      </MenuContent>
    </Menu>
  );
}
