"use client";

import { useSyncExternalStore } from "react";

let now = 0;
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void) {
  listeners.add(listener);
  if (listeners.size === 1) {
    now = Date.now();
    timer = setInterval(() => {
      now = Date.now();
      for (const each of listeners) each();
    }, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}

const current = () => {
  if (now === 0) now = Date.now();
  return now;
};

/** The time in epoch milliseconds, once a second, from one timer for the page; null on the server. */
export const useNow = (): number | null => useSyncExternalStore<number | null>(subscribe, current, () => null);

const never = () => () => {};

/** False while the server's markup is being taken over: what depends on this machine (zone, clock), or on being alive (a form), waits for true. */
export const useHydrated = (): boolean =>
  useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
