"use client";

import type { RefObject } from "react";
import { useHotkeys } from "./hotkeys.ts";

interface RowActions {
  readonly open: (index: number) => void;
  readonly toggle: (index: number) => void;
}

/** `j`/`k` and the arrows move the focus from row to row (`data-row`), Enter opens it, `x` chooses it. */
export function useRowKeys(container: RefObject<HTMLElement | null>, { open, toggle }: RowActions) {
  const focused = (): number | null => {
    const active = document.activeElement;
    if (!(active instanceof HTMLElement) || !container.current?.contains(active)) return null;
    const row = active.closest<HTMLElement>("[data-row]");
    return row ? Number(row.dataset.row) : null;
  };
  const move = (step: number) => {
    // All lists of the room are one sequence: whichever of them answers first moves on into the next.
    const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
    const here = document.activeElement?.closest<HTMLElement>("[data-row]");
    const next = here ? Math.min(rows.length - 1, Math.max(0, rows.indexOf(here) + step)) : 0;
    const row = rows[next];
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
    return row !== undefined;
  };
  const onFocusedRow = (act: (index: number) => void) => () => {
    // Enter on a link or button inside the row is that link's own.
    if (!document.activeElement?.matches("[data-row]")) return false;
    const index = focused();
    if (index === null) return false;
    act(index);
    return true;
  };
  const onlyWithin = (step: number) => () => (focused() === null ? false : move(step));
  useHotkeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: onlyWithin(1),
    ArrowUp: onlyWithin(-1),
    Enter: onFocusedRow(open),
    x: onFocusedRow(toggle),
  });
}
