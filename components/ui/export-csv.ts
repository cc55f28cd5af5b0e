"use client";

import { toast } from "sonner";
import type { Page } from "#server/contracts/console.ts";
import { csvCell } from "#server/contracts/csv.ts";
import { errorWords } from "./error-words.ts";

export interface CsvColumn<T> {
  readonly header: string;
  readonly value: (row: T) => string | number | null;
}

function download(name: string, lines: readonly string[]) {
  // The byte order mark makes Excel read UTF-8.
  const url = URL.createObjectURL(new Blob(["\uFEFF", lines.join("\r\n")], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

interface ExportOptions<T> {
  /** File name without its date and ending. */
  readonly name: string;
  readonly columns: readonly CsvColumn<T>[];
  readonly page: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>;
}

/** Walks every page that the filter matches, not only the one on screen, with progress and a way to stop. */
export async function exportCsv<T>({ name, columns, page }: ExportOptions<T>) {
  const abort = new AbortController();
  const stop = { label: "Stop", onClick: () => abort.abort() };
  const id = toast.loading("Exporting…", { action: stop });
  const lines = [columns.map((column) => csvCell(column.header)).join(",")];
  try {
    let cursor: string | null | undefined;
    do {
      const { items, nextCursor }: Page<T> = await page(cursor ?? undefined, abort.signal);
      for (const row of items) lines.push(columns.map((column) => csvCell(column.value(row))).join(","));
      cursor = nextCursor;
      toast.loading(`Exporting… ${(lines.length - 1).toLocaleString("en")} rows so far`, { id, action: stop });
    } while (cursor && !abort.signal.aborted);
    if (abort.signal.aborted) throw new Error("Stopped");
    download(`${name}-${new Date().toISOString().slice(0, 16).replace(":", "")}Z.csv`, lines);
    toast.success(`Exported ${(lines.length - 1).toLocaleString("en")} rows`, { id, action: undefined });
  } catch (error) {
    if (abort.signal.aborted) toast("Export stopped. No file was written.", { id, action: undefined });
    else {
      toast.error("The export failed. No file was written.", {
        id,
        action: undefined,
        description: errorWords(error),
      });
    }
  }
}
