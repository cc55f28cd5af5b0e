"use client";

import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { cx } from "#components/ui/class-names.ts";
import { errorWords } from "#components/ui/error-words.ts";
import { SearchField } from "#components/ui/search-field.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { WhyNot as Answer } from "#server/contracts/matching.ts";

const MATCHES = 6;

/** "Why was driver X not offered?": find the driver, read the rule that decided. */
export function WhyNot({ tripId }: { tripId: string }) {
  const trpc = useTRPC();
  const heading = useId();
  const [q, setQ] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const search = q.trim().length >= 2;
  const found = useQuery({
    ...trpc.drivers.list.queryOptions({ q: q.trim(), limit: MATCHES }),
    enabled: search,
    placeholderData: (previous) => previous,
  });
  const answer = useQuery({
    ...trpc.trips.whyNot.queryOptions({ tripId, driverId: chosen ?? "" }),
    enabled: chosen !== null,
  });
  return (
    <section aria-labelledby={heading} className="border-t px-4 py-3">
      <h3 id={heading} className="mb-1.5 font-medium">
        Why was a driver not offered this trip?
      </h3>
      <SearchField
        label="Driver's name, phone or plate"
        value={q}
        onChange={(text) => {
          setQ(text);
          setChosen(null);
        }}
        className="max-w-80"
      />
      {search && found.isError && (
        <p role="alert" className="mt-2 text-danger">
          Drivers could not be searched: {errorWords(found.error)}
        </p>
      )}
      {search && found.data?.items.length === 0 && <p className="mt-2 text-muted">No driver matches “{q.trim()}”.</p>}
      {search && found.data && found.data.items.length > 0 && (
        <ul className="mt-2 flex flex-wrap gap-1.5" aria-label="Matching drivers">
          {found.data.items.map((driver) => (
            <li key={driver.id}>
              <button
                type="button"
                aria-pressed={chosen === driver.id}
                onClick={() => setChosen(driver.id)}
                className={cx(
                  "inline-flex min-h-7 items-center gap-1.5 rounded-md border px-2 pointer-coarse:min-h-10",
                  chosen === driver.id
                    ? "border-accent bg-accent-soft text-accent-ink"
                    : "border-line-strong hover:bg-hover",
                )}
              >
                {driver.name}
                {driver.plate && <span className="font-mono text-faint text-xs">{driver.plate}</span>}
              </button>
            </li>
          ))}
        </ul>
      )}
      <div aria-live="polite">
        {chosen !== null && answer.isPending && <Skeleton className="mt-3 w-2/3" />}
        {chosen !== null && answer.isError && <p className="mt-2 text-danger">{errorWords(answer.error)}</p>}
        {chosen !== null && answer.data && <AnswerText answer={answer.data} />}
      </div>
    </section>
  );
}

function AnswerText({ answer }: { answer: Answer }) {
  return (
    <div className="mt-3 border-line-strong border-l-2 pl-3">
      <p>
        {answer.verdict !== "asked" && <span className="font-medium">{answer.driverName}. </span>}
        {answer.sentence}
      </p>
      {answer.batches.length > 1 && (
        <ol className="mt-1 space-y-0.5 text-muted text-xs">
          {answer.batches.map((line) => (
            <li key={`${line.batch}:${line.at}`} className="flex gap-2">
              <Moment at={line.at} show="ms" className="shrink-0" />
              <span className="w-14 shrink-0">Batch {line.batch}</span>
              <span className="min-w-0">{line.sentence}</span>
            </li>
          ))}
        </ol>
      )}
      <p className="mt-1 text-faint text-xs">
        {answer.from === "record"
          ? "From the record of the search."
          : "Not in the record of the search: from how things stand now."}
      </p>
    </div>
  );
}
