"use client";

import { useHydrated, useNow } from "#components/data/use-now.ts";
import { formatSeconds } from "./duration.ts";

const part = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("en-GB", options);
const dayOf = part({ year: "numeric", month: "2-digit", day: "2-digit" });
const clock = part({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clockMs = part({ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const dayAndClock = part({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const full = part({ dateStyle: "medium", timeStyle: "medium" });

/** `2026-11-20 12:02:11.482 UTC`: what two people in two zones can compare. */
export const utcText = (iso: string): string => `${new Date(iso).toISOString().replace("T", " ").replace("Z", "")} UTC`;

interface MomentProps {
  /** ISO 8601. */
  readonly at: string;
  /** `clock`: today's time of day, else day and time. `ms`: time of day to the millisecond. `full`: date and time. */
  readonly show?: "clock" | "ms" | "full";
  readonly className?: string;
}

function format(at: string, show: NonNullable<MomentProps["show"]>): string {
  const date = new Date(at);
  if (show === "full") return full.format(date);
  if (show === "ms") return clockMs.format(date);
  return dayOf.format(date) === dayOf.format(new Date()) ? clock.format(date) : dayAndClock.format(date);
}

/** A moment in the operator's zone, with UTC on hover. The server knows no zone, so it writes UTC's clock. */
export function Moment({ at, show = "clock", className }: MomentProps) {
  const hydrated = useHydrated();
  return (
    <time dateTime={at} title={utcText(at)} className={`whitespace-nowrap font-mono text-xs ${className ?? ""}`}>
      {hydrated ? format(at, show) : at.slice(11, show === "ms" ? 23 : 19)}
    </time>
  );
}

/** `2 min 05 s ago`, counting. */
export function Ago({ at, className }: { at: string; className?: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={utcText(at)} className={`whitespace-nowrap ${className ?? ""}`}>
      {now === null ? "…" : `${formatSeconds((now - Date.parse(at)) / 1000)} ago`}
    </time>
  );
}

/** How long since `from`, counting: a rider's wait. */
export function Since({ from }: { from: string }) {
  const now = useNow();
  return <>{now === null ? "…" : formatSeconds((now - Date.parse(from)) / 1000)}</>;
}
