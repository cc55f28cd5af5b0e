"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { errorWords } from "#components/ui/error-words.ts";
import { ErrorState } from "#components/ui/notice.tsx";
import { Section } from "#components/ui/section.tsx";
import { Moment } from "#components/ui/time.tsx";

export function SessionsSection() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const view = useQuery(trpc.auth.sessions.queryOptions({}));
  const revoke = useMutation(
    trpc.auth.revokeSession.mutationOptions({
      onSuccess: () => toast.success("The session was ended."),
      onError: (error) => toast.error(errorWords(error)),
      onSettled: () => queryClient.invalidateQueries(trpc.auth.sessions.pathFilter()),
    }),
  );
  const sessions = view.data?.sessions ?? [];
  return (
    <Section id="sessions" title="Where you are signed in" {...(view.data ? { count: sessions.length } : {})}>
      {view.isError && !view.data ? (
        <ErrorState what="Your sessions" error={view.error} onRetry={() => void view.refetch()} />
      ) : (
        <ul className="divide-y border-t">
          {sessions.map((session) => (
            <li key={session.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2">
              <div className="min-w-0 flex-1">
                <p className="truncate" title={session.device ?? undefined}>
                  {session.device ?? "Unknown device"}
                </p>
                <p className="text-faint text-xs">
                  {session.kind === "console" ? "Console" : "App"} · {session.ip ?? "address unknown"} · last used{" "}
                  <Moment at={session.lastUsedAt} />
                </p>
              </div>
              {session.current ? (
                <span className="text-muted text-xs">This session</span>
              ) : (
                <Button
                  variant="danger"
                  disabled={revoke.isPending}
                  aria-label={`End the session on ${session.device ?? "an unknown device"}`}
                  onClick={() => revoke.mutate({ id: session.id })}
                >
                  End
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
