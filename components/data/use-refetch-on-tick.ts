"use client";

import { type QueryFilters, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";

const AT_MOST_EVERY_MS = 1500;

/**
 * Turns ticks that say "something changed" into refetches, at most one in 1.5 s, the last tick never lost. Call it
 * on (re)connecting too: that is the catch-up after a gap.
 */
export function useRefetchOnTick(filter: QueryFilters): () => void {
  const queryClient = useQueryClient();
  const latest = useRef(filter);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const lastAt = useRef(0);
  useEffect(() => {
    latest.current = filter;
  });
  useEffect(
    () => () => {
      if (timer.current) clearTimeout(timer.current);
      timer.current = null;
    },
    [],
  );
  return useCallback(() => {
    if (timer.current) return;
    const wait = Math.max(0, lastAt.current + AT_MOST_EVERY_MS - Date.now());
    timer.current = setTimeout(() => {
      timer.current = null;
      lastAt.current = Date.now();
      void queryClient.invalidateQueries(latest.current);
    }, wait);
  }, [queryClient]);
}
