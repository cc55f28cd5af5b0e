"use client";

import { ChevronLeft, ChevronRight } from "lucide-react";
import { parseAsString, useQueryState } from "nuqs";
import { useCallback, useRef } from "react";
import { Button } from "./button.tsx";

/** The list's place, in the URL. The way back is the browser's history, or this visit's own trail. */
export function useCursor() {
  const [cursor, setCursor] = useQueryState("after", parseAsString.withOptions({ history: "push" }));
  const trail = useRef<(string | null)[]>([]);
  /** To the first page: after a filter changed, an old place means nothing. */
  const reset = useCallback(() => {
    trail.current = [];
    void setCursor(null);
  }, [setCursor]);
  return {
    cursor,
    next: (to: string) => {
      trail.current.push(cursor);
      void setCursor(to);
    },
    back: () => void setCursor(trail.current.pop() ?? null),
    reset,
  };
}

/**
 * Changes filters kept in the URL and goes back to the first page. The same function at each render: a search field that
 * was given another one would begin its pause anew.
 */
export function useFilterChange<Change>(
  cursor: ReturnType<typeof useCursor>,
  setFilters: (change: Change) => unknown,
): (change: Change) => void {
  const { reset } = cursor;
  return useCallback(
    (change) => {
      reset();
      void setFilters(change);
    },
    [reset, setFilters],
  );
}

interface PagerProps {
  readonly cursor: ReturnType<typeof useCursor>;
  readonly nextCursor: string | null | undefined;
  /** Undefined before the first answer. */
  readonly shown: number | undefined;
  /** In the plural: "trips", "entries". */
  readonly noun: string;
}

const singular = (noun: string) => noun.replace(/ies$/, "y").replace(/s$/, "");

export function Pager({ cursor, nextCursor, shown, noun }: PagerProps) {
  return (
    <nav
      aria-label="Pages"
      className="flex h-10 shrink-0 items-center gap-2 border-t bg-surface px-4 pointer-coarse:h-13"
    >
      <p className="flex-1 text-muted text-xs">
        {shown !== undefined && (
          <>
            {shown} {shown === 1 ? singular(noun) : noun}
            <span className="max-sm:hidden">
              {" "}
              on this page{nextCursor ? ", more follow" : cursor.cursor ? ", the last ones" : ""}
            </span>
          </>
        )}
      </p>
      <Button variant="ghost" disabled={cursor.cursor === null} onClick={cursor.back}>
        <ChevronLeft aria-hidden />
        Back
      </Button>
      <Button variant="ghost" disabled={!nextCursor} onClick={() => nextCursor && cursor.next(nextCursor)}>
        Next
        <ChevronRight aria-hidden />
      </Button>
    </nav>
  );
}
