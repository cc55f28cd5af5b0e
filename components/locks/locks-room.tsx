"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { parseAsArrayOf, parseAsStringLiteral, useQueryState } from "nuqs";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { type ActionResult, ActionResults } from "#components/ui/action-results.tsx";
import { Button } from "#components/ui/button.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { FilterMany } from "#components/ui/filter-menu.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Room } from "#components/ui/room.tsx";
import { Section } from "#components/ui/section.tsx";
import { type StateLook, VERDICT_LOOK, VERDICTS } from "#components/ui/state-hues.ts";
import { StateDot } from "#components/ui/state-pill.tsx";
import type { LockRow, ReleaseLockResult } from "#server/contracts/console.ts";
import { Ghosts } from "./ghosts.tsx";
import { LOCK_COLUMNS, LockCompact, lockName } from "./lock-columns.tsx";

const REFRESH_MS = 5_000;
/** As many as the server takes in one call. */
const AT_ONCE = 200;
const NO_LOCKS: readonly LockRow[] = [];

const OUTCOME_LOOK = {
  released: { label: "Released", hue: "ongoing" },
  changed: { label: "Kept: changed", hue: "pending" },
  gone: { label: "Gone", hue: "completed", hollow: true },
  failed: { label: "Failed", hue: "cancelled" },
} as const satisfies Record<ReleaseLockResult["outcome"], StateLook>;

const VERDICT_OPTIONS = VERDICTS.map((value) => ({
  value,
  label: VERDICT_LOOK[value].label,
  mark: <StateDot look={VERDICT_LOOK[value]} />,
}));

export function LocksRoom() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const canRelease = useCan("locks.release");
  const [verdicts, setVerdicts] = useQueryState(
    "verdict",
    parseAsArrayOf(parseAsStringLiteral(VERDICTS)).withDefault([]),
  );
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  // The rows as they were when the operator decided: their values are what the server compares with.
  const [asked, setAsked] = useState<readonly LockRow[] | null>(null);
  const [results, setResults] = useState<readonly ActionResult[] | null>(null);
  const view = useQuery({ ...trpc.locks.list.queryOptions(), refetchInterval: REFRESH_MS });
  const release = useMutation(
    trpc.locks.release.mutationOptions({ onSettled: () => queryClient.invalidateQueries(trpc.locks.pathFilter()) }),
  );
  const all = view.data?.locks ?? NO_LOCKS;
  const shown = verdicts.length === 0 ? all : all.filter((lock) => verdicts.includes(lock.verdict));
  const picked = shown.filter((lock) => chosen.has(lock.key));
  const healthyAsked = asked?.filter((lock) => lock.verdict === "healthy" || lock.verdict === "in_flight").length ?? 0;

  const confirm = async (reason: string) => {
    if (!asked) return;
    const items = asked.map((lock) => ({ tripId: lock.tripId, value: lock.value }));
    const answers: ReleaseLockResult[] = [];
    for (let from = 0; from < items.length; from += AT_ONCE) {
      answers.push(...(await release.mutateAsync({ items: items.slice(from, from + AT_ONCE), reason })));
    }
    const names = new Map(asked.map((lock) => [lock.tripId, lockName(lock)]));
    setResults(
      answers.map(({ tripId, outcome, message }) => ({
        key: tripId,
        name: names.get(tripId) ?? tripId,
        look: OUTCOME_LOOK[outcome],
        message,
      })),
    );
    setChosen(new Set());
  };

  return (
    <Room
      title="Locks"
      age={<LiveAge at={view.dataUpdatedAt} live={false} />}
      actions={
        <>
          {canRelease && (
            <Button
              variant={picked.length > 0 ? "primary" : "secondary"}
              disabled={picked.length === 0}
              onClick={() => setAsked(picked)}
            >
              {picked.length > 1 ? `Release ${picked.length} locks` : "Release lock"}
            </Button>
          )}
          <Button className="max-sm:hidden" onClick={() => void view.refetch()}>
            <RotateCw aria-hidden />
            Refresh
          </Button>
        </>
      }
      toolbar={
        <>
          <FilterMany
            label="Verdict"
            options={VERDICT_OPTIONS}
            value={verdicts}
            onChange={(next) => void setVerdicts(next)}
          />
          {view.data && (
            <p className="text-faint text-xs max-sm:shrink-0">
              Kept in {view.data.backend === "redis" ? "Redis" : "this process's memory (standalone)"}. The database
              decides who has a trip; a lock only makes losing fast.
            </p>
          )}
        </>
      }
    >
      {results && <ActionResults title="Result of the release" results={results} onClose={() => setResults(null)} />}
      {view.isError && !view.data ? (
        <ErrorState what="The locks" error={view.error} onRetry={() => void view.refetch()} />
      ) : (
        <>
          <Section id="locks" title="Trip locks" {...(view.data ? { count: shown.length } : {})}>
            <div className="overflow-x-auto">
              <DataTable
                caption="Trip locks"
                columns={LOCK_COLUMNS}
                rows={view.data ? shown : undefined}
                expectedRows={6}
                rowKey={(lock) => lock.key}
                compact={(lock) => <LockCompact lock={lock} />}
                {...(canRelease
                  ? {
                      selection: {
                        keys: chosen,
                        onChange: setChosen,
                        label: (key: string) => shown.find((lock) => lock.key === key)?.refId ?? key,
                      },
                    }
                  : {})}
                empty={
                  verdicts.length > 0 ? (
                    <EmptyState
                      title="No lock has this verdict"
                      action={<Button onClick={() => void setVerdicts([])}>Show all</Button>}
                    />
                  ) : (
                    <EmptyState title="No trip is locked">
                      A lock is taken when a driver accepts, and ends by itself after 5 min. None is held right now.
                    </EmptyState>
                  )
                }
              />
            </div>
          </Section>
          {view.data && <Ghosts ghosts={view.data.ghosts} />}
        </>
      )}
      <ReasonDialog
        open={asked !== null}
        onOpenChange={(open) => !open && setAsked(null)}
        title={
          asked && asked.length > 1
            ? `Release ${asked.length} locks?`
            : `Release the lock of ${asked?.[0] ? lockName(asked[0]) : "this trip"}?`
        }
        effect={
          <>
            <p>
              Each lock is deleted only if it still holds the value you see. One whose owner changed meanwhile is kept.
              No trip or driver is changed.
            </p>
            {healthyAsked > 0 && (
              <p className="mt-2 text-warn">
                {healthyAsked} of {asked?.length} {healthyAsked === 1 ? "is" : "are"} in good order: an accept may be
                running right now.
              </p>
            )}
          </>
        }
        verb={asked && asked.length > 1 ? `Release ${asked.length} locks` : "Release lock"}
        unchanged="No lock was released."
        onConfirm={confirm}
      />
    </Room>
  );
}
