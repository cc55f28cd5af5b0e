"use client";

import { useState } from "react";
import { Button } from "#components/ui/button.tsx";
import { cx } from "#components/ui/class-names.ts";
import { formatMillis } from "#components/ui/duration.ts";
import { Moment } from "#components/ui/time.tsx";
import type { TimelineEntry } from "#server/contracts/console.ts";

const AT_FIRST = 40;

const TONE = {
  neutral: "hue-completed",
  good: "hue-ongoing",
  warn: "hue-pending",
  bad: "hue-cancelled",
} as const satisfies Record<TimelineEntry["tone"], string>;

/** `+312 ms` since the entry before: where the time went, at a glance. */
function gap(entry: TimelineEntry, before: TimelineEntry | undefined): string {
  if (!before) return "";
  const ms = Date.parse(entry.at) - Date.parse(before.at);
  return `+${ms < 10 ? `${Math.max(0, ms)} ms` : formatMillis(ms)}`;
}

export function TripTimeline({ entries }: { entries: readonly TimelineEntry[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? entries : entries.slice(0, AT_FIRST);
  return (
    <>
      <ol className="px-4 pt-1 pb-3">
        {shown.map((entry, index) => (
          <TimelineRow
            key={entry.id}
            entry={entry}
            gap={gap(entry, entries[index - 1])}
            last={index === shown.length - 1}
          />
        ))}
      </ol>
      {shown.length < entries.length && (
        <div className="px-4 pb-3">
          <Button onClick={() => setAll(true)}>Show all {entries.length}</Button>
        </div>
      )}
    </>
  );
}

/** Who did it, where that says more than the title does. */
function byWhom({ actor, title }: TimelineEntry): string | null {
  return actor === null || actor === "system" || title.includes(actor) ? null : actor;
}

function TimelineRow({ entry, gap: since, last }: { entry: TimelineEntry; gap: string; last: boolean }) {
  const data = Object.entries(entry.data);
  const [open, setOpen] = useState(false);
  return (
    <li className={cx("group/entry flex gap-3", TONE[entry.tone])}>
      <div className="flex shrink-0 gap-2 py-1 max-sm:flex-col max-sm:gap-0">
        <Moment at={entry.at} show="ms" className="w-22 leading-5" />
        <span className="w-17 text-right font-mono text-faint text-xs leading-5 max-sm:w-22 max-sm:text-left">
          {since}
        </span>
      </div>
      <div aria-hidden className="relative w-2 shrink-0">
        {!last && <span className="absolute top-4 bottom-[-6px] left-1/2 w-px -translate-x-1/2 bg-line-strong" />}
        <span className="absolute top-2.5 left-0 size-2 rounded-full bg-(--hue)" />
      </div>
      <div className="min-w-0 flex-1 py-1">
        <p className="flex flex-wrap items-baseline gap-x-2">
          <span className={entry.tone === "bad" ? "font-medium text-(--hue-ink)" : "font-medium"}>{entry.title}</span>
          {entry.detail && <span className="min-w-0 break-words text-muted">{entry.detail}</span>}
          {byWhom(entry) && <span className="text-faint">by {byWhom(entry)}</span>}
          {data.length > 0 && (
            <button
              type="button"
              aria-expanded={open}
              onClick={() => setOpen(!open)}
              className={cx(
                "relative ml-auto text-faint text-xs after:absolute after:-inset-1.5 hover:text-ink",
                !open && "opacity-0 focus-visible:opacity-100 group-hover/entry:opacity-100 pointer-coarse:opacity-100",
              )}
            >
              {open ? "Hide data" : "Data"}
              <span className="sr-only"> of {entry.title}</span>
            </button>
          )}
        </p>
        {open && (
          <dl className="my-1 rounded-md border bg-canvas px-3 py-1.5 font-mono text-xs">
            {[["kind", entry.kind] as const, ...data].map(([name, value]) => (
              <div key={name} className="flex gap-3">
                <dt className="w-32 shrink-0 text-faint">{name}</dt>
                <dd className="min-w-0 flex-1 break-all">
                  {typeof value === "string" ? value : JSON.stringify(value)}
                </dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </li>
  );
}
