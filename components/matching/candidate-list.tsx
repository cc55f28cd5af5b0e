"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { cx } from "#components/ui/class-names.ts";
import { formatMeters, formatSeconds } from "#components/ui/duration.ts";
import { errorWords } from "#components/ui/error-words.ts";
import { SearchField } from "#components/ui/search-field.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import type { AssignCandidate } from "#server/contracts/matching.ts";

interface CandidateListProps {
  readonly tripId: string;
  readonly chosen: AssignCandidate | null;
  readonly onChoose: (candidate: AssignCandidate) => void;
}

/** Drivers to whom the trip can be given, best first, as radio buttons: arrows move, the search finds anyone else. */
export function CandidateList({ tripId, chosen, onChoose }: CandidateListProps) {
  const trpc = useTRPC();
  const [q, setQ] = useState("");
  const candidates = useQuery({
    ...trpc.trips.candidates.queryOptions({ tripId, q: q.trim() }),
    placeholderData: (previous) => previous,
    refetchInterval: 10_000,
  });
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1 font-medium">Driver</legend>
      <SearchField label="Nearest free drivers; or a name, phone or plate" value={q} onChange={setQ} />
      <div className="mt-1.5 max-h-64 overflow-y-auto rounded-md border" aria-busy={candidates.isFetching}>
        {candidates.isPending && (
          <div className="space-y-3 p-3" role="status" aria-label="Looking for drivers">
            <Skeleton className="w-2/3" />
            <Skeleton className="w-1/2" />
            <Skeleton className="w-3/5" />
          </div>
        )}
        {candidates.isError && !candidates.data && (
          <p role="alert" className="p-3 text-danger">
            Drivers could not be read: {errorWords(candidates.error)}
          </p>
        )}
        {candidates.data?.length === 0 && (
          <p className="p-3 text-muted">
            {q.trim() ? `No driver matches “${q.trim()}”.` : "Nobody is near. Look for a driver by name."}
          </p>
        )}
        {candidates.data?.map((candidate) => (
          <CandidateRow
            key={candidate.driverId}
            candidate={candidate}
            chosen={chosen?.driverId === candidate.driverId}
            onChoose={onChoose}
          />
        ))}
      </div>
      <p className="mt-1 text-faint text-xs">
        By score: seconds to the pick-up, more for offers not taken and trips given up, less for a long wait.
      </p>
    </fieldset>
  );
}

interface CandidateRowProps {
  readonly candidate: AssignCandidate;
  readonly chosen: boolean;
  readonly onChoose: (candidate: AssignCandidate) => void;
}

function CandidateRow({ candidate, chosen, onChoose }: CandidateRowProps) {
  const { name, plate, refusal, distanceMeters, etaSeconds, scoreSeconds } = candidate;
  return (
    <label
      className={cx(
        "flex min-h-8 items-center gap-2 border-b px-2.5 py-1 last:border-b-0 has-focus-visible:outline has-focus-visible:outline-accent has-focus-visible:-outline-offset-2 pointer-coarse:min-h-11",
        refusal === null ? "cursor-pointer" : "text-faint",
        chosen ? "bg-accent-soft" : refusal === null && "hover:bg-hover",
      )}
    >
      <input
        type="radio"
        name="driver"
        checked={chosen}
        disabled={refusal !== null}
        onChange={() => onChoose(candidate)}
        className="size-3.5 shrink-0 accent-(--accent) outline-none"
      />
      <span className="min-w-0 flex-1 truncate">
        <span className={refusal === null ? "font-medium" : ""}>{name}</span>
        {plate && <span className="ml-1.5 font-mono text-faint text-xs">{plate}</span>}
      </span>
      {refusal === null ? (
        <span className="flex shrink-0 gap-3 text-right font-mono text-xs">
          <span className="w-14">{distanceMeters === null ? "no place" : formatMeters(distanceMeters)}</span>
          <span className="w-20 max-sm:hidden">{etaSeconds === null ? "–" : formatSeconds(etaSeconds)}</span>
          <span className="w-12 text-muted">{scoreSeconds === null ? "–" : `${scoreSeconds} s`}</span>
        </span>
      ) : (
        <span className="shrink-0 text-xs">
          {refusal}
          {distanceMeters !== null && ` · ${formatMeters(distanceMeters)}`}
        </span>
      )}
    </label>
  );
}
