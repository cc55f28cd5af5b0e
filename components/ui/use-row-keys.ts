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
    const rows = container.current?.querySelectorAll<HTMLElement>("[data-row]");
    if (!rows || rows.length === 0) return false;
    const from = focused();
    const next = from === null ? 0 : Math.min(rows.length - 1, Math.max(0, from + step));
    const row = rows[next];
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
    return true;
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
