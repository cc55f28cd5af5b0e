"use client";

import { useQuery } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { cx } from "#components/ui/class-names.ts";
import { Copyable } from "#components/ui/copyable.tsx";
import { formatMillis } from "#components/ui/duration.ts";
import { LiveAge } from "#components/ui/live-age.tsx";
import { ErrorState } from "#components/ui/notice.tsx";
import { Room } from "#components/ui/room.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import type { StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { InvariantResult, InvariantsView } from "#server/contracts/console.ts";

const HOLDS: StateLook = { label: "Holds", hue: "ongoing" };
const BROKEN: StateLook = { label: "Broken", hue: "cancelled" };
const UNCHECKED: StateLook = { label: "Unknown", hue: "pending", hollow: true };

/** The promises of the platform, checked against the database while one watches. */
export function InvariantsRoom() {
  const trpc = useTRPC();
  const check = useQuery({ ...trpc.invariants.check.queryOptions(), staleTime: 60_000, refetchOnWindowFocus: false });
  return (
    <Room
      title="Invariants"
      age={<LiveAge at={check.dataUpdatedAt} live={false} />}
      actions={
        <Button
          variant="primary"
          disabled={check.isFetching}
          aria-busy={check.isFetching}
          onClick={() => void check.refetch()}
        >
          <RotateCw aria-hidden />
          {check.isFetching ? "Checking…" : "Check again"}
        </Button>
      }
    >
      {check.data ? (
        <Results view={check.data} />
      ) : check.isError ? (
        <ErrorState what="The invariants" error={check.error} onRetry={() => void check.refetch()} />
      ) : (
        <ResultsSkeleton />
      )}
    </Room>
  );
}

function Results({ view }: { view: InvariantsView }) {
  const broken = view.results.filter((result) => result.violations > 0);
  const unchecked = view.results.filter((result) => result.unchecked !== null);
  const weight = (result: InvariantResult) => result.violations || (result.unchecked === null ? 0 : 0.5);
  const sorted = [...view.results].sort((a, b) => weight(b) - weight(a));
  return (
    <>
      <div
        className={cx(
          "flex flex-wrap items-baseline gap-x-3 border-b px-4 py-3",
          broken.length > 0 && "bg-danger-soft",
        )}
      >
        <p
          className={cx(
            "font-semibold text-xl",
            broken.length > 0 ? "text-danger" : unchecked.length > 0 ? "text-warn" : "text-good",
          )}
        >
          {broken.length > 0
            ? `${broken.length} of ${view.results.length} broken`
            : unchecked.length > 0
              ? `${view.results.length - unchecked.length} of ${view.results.length} hold`
              : `All ${view.results.length} hold`}
          {unchecked.length > 0 && `, ${unchecked.length} not checked`}
        </p>
        <p className="text-muted">
          Checked at <Moment at={view.checkedAt} /> in{" "}
          <span className="font-mono text-xs">{formatMillis(view.tookMs)}</span>
        </p>
      </div>
      <ul className="divide-y">
        {sorted.map((result) => (
          <Invariant key={result.name} result={result} />
        ))}
      </ul>
    </>
  );
}

function Invariant({ result }: { result: InvariantResult }) {
  const broken = result.violations > 0;
  return (
    <li className="px-4 py-2.5">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-1">
        <span className="w-20 pt-px">
          <StatePill look={broken ? BROKEN : result.unchecked === null ? HOLDS : UNCHECKED} />
        </span>
        <div className="min-w-60 flex-1">
          <h2 className="font-medium">{result.description}</h2>
          <p className="font-mono text-faint text-xs">{result.name}</p>
          {result.unchecked !== null && <p className="text-warn">{result.unchecked}</p>}
        </div>
        <p
          className={cx(
            "text-right",
            broken ? "font-medium text-danger max-sm:w-full max-sm:text-left" : "text-faint max-sm:hidden",
          )}
        >
          {result.unchecked === null &&
            `${result.violations.toLocaleString("en")} ${result.violations === 1 ? "violation" : "violations"}`}
        </p>
      </div>
      {result.examples.length > 0 && (
        <ul className="mt-2 ml-23 divide-y border-y max-sm:ml-0" aria-label={`Examples of ${result.name}`}>
          {result.examples.map((example) => (
            <li key={example.id} className="flex min-h-8 flex-wrap items-center gap-x-3">
              <Copyable value={example.id} what="id" />
              <span className="text-muted">{example.why}</span>
            </li>
          ))}
        </ul>
      )}
      {result.violations > result.examples.length && result.examples.length > 0 && (
        <p className="mt-1 ml-23 text-faint text-xs max-sm:ml-0">The first {result.examples.length} are shown.</p>
      )}
    </li>
  );
}

const ROWS = ["one", "two", "three", "four", "five", "six"];

function ResultsSkeleton() {
  return (
    <div role="status" aria-label="Checking">
      <div className="border-b px-4 py-4">
        <Skeleton className="w-40" />
      </div>
      {ROWS.map((row) => (
        <div key={row} className="flex gap-4 border-b px-4 py-4">
          <Skeleton className="w-16" />
          <Skeleton className="w-1/2" />
        </div>
      ))}
    </div>
  );
}
