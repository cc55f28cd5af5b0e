"use client";

import { useLiveConnection } from "#components/data/live-connection.ts";
import { useNow } from "#components/data/use-now.ts";
import { formatSeconds } from "./duration.ts";
import { StateDot } from "./state-pill.tsx";

interface LiveAgeProps {
  /** Epoch milliseconds of the last answer; 0 or undefined before the first. */
  readonly at: number | undefined;
  /** The room listens to a live stream (and is not merely asked now and then). */
  readonly live?: boolean;
}

/** Live data carries its age; when the stream is lost, it says so instead of looking fresh. */
export function LiveAge({ at, live = true }: LiveAgeProps) {
  const now = useNow();
  const connection = useLiveConnection();
  if (!at || now === null) return null;
  const lost = live && connection.state === "lost";
  const age = formatSeconds((now - at) / 1000);
  return (
    <p className="flex items-center gap-1.5 whitespace-nowrap text-faint text-xs">
      {live && (
        <StateDot look={lost ? { label: "Lost", hue: "pending", hollow: true } : { label: "Live", hue: "ongoing" }} />
      )}
      <span>
        {live && <span className="max-sm:sr-only">{lost ? "Not live · " : "Live · "}</span>}
        updated {age} ago
      </span>
    </p>
  );
}
