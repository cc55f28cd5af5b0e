"use client";

import { useQuery } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import { useEffect } from "react";
import { retryLostStreams, useLiveConnection } from "#components/data/live-connection.ts";
import { useTRPC } from "#components/data/trpc.ts";
import { useNow } from "#components/data/use-now.ts";
import { formatSeconds } from "#components/ui/duration.ts";

/** A blip that heals at once is not worth a banner. */
const SHOW_AFTER_MS = 1500;

export function ConnectionBanner() {
  const connection = useLiveConnection();
  const now = useNow();
  const trpc = useTRPC();
  // A stream cannot tell why it was refused. When it keeps failing, ask: a session that ended answers 401 here.
  useQuery({ ...trpc.session.me.queryOptions(), enabled: connection.attempt >= 3, staleTime: 30_000, retry: false });

  useEffect(() => {
    window.addEventListener("online", retryLostStreams);
    return () => window.removeEventListener("online", retryLostStreams);
  }, []);

  if (now === null || connection.lostSince === null || now - connection.lostSince < SHOW_AFTER_MS) return null;
  const wait = connection.nextAttemptAt === null ? 0 : Math.ceil((connection.nextAttemptAt - now) / 1000);
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-x-2 border-state-pending border-b bg-warn-soft px-4 py-1 text-warn">
      <WifiOff aria-hidden className="size-3.5" />
      <p className="flex-1">
        <span role="status">
          <span className="font-medium">Live data lost.</span> What you see may be old.{" "}
        </span>
        {/* Not in the status: a screen reader would read out every second. */}
        <span aria-hidden>
          Lost {formatSeconds((now - connection.lostSince) / 1000)} ago.{" "}
          {wait > 0 ? `Reconnecting in ${wait} s.` : "Reconnecting…"}
        </span>
      </p>
      <button
        type="button"
        onClick={retryLostStreams}
        className="min-h-6 rounded-sm px-1 font-medium underline underline-offset-2"
      >
        Reconnect now
      </button>
    </div>
  );
}
