"use client";

import { useSyncExternalStore } from "react";

/** What the banner and the ages need to know of the live streams that this page holds open. */
export interface LiveConnection {
  readonly state: "idle" | "connecting" | "open" | "lost";
  /** Epoch milliseconds; null unless `lost`. */
  readonly lostSince: number | null;
  readonly nextAttemptAt: number | null;
  readonly attempt: number;
}

interface Stream {
  state: "connecting" | "open" | "lost";
  lostSince: number | null;
  nextAttemptAt: number | null;
  attempt: number;
  retryNow: () => void;
}

const IDLE: LiveConnection = { state: "idle", lostSince: null, nextAttemptAt: null, attempt: 0 };
const streams = new Map<object, Stream>();
const listeners = new Set<() => void>();
let snapshot = IDLE;

function summarise(): LiveConnection {
  if (streams.size === 0) return IDLE;
  const all = [...streams.values()];
  const lost = all.filter((stream) => stream.state === "lost");
  if (lost.length === 0) {
    const state = all.some((stream) => stream.state === "open") ? "open" : "connecting";
    return { state, lostSince: null, nextAttemptAt: null, attempt: 0 };
  }
  const soonest = lost.map((stream) => stream.nextAttemptAt).filter((at) => at !== null);
  return {
    state: "lost",
    lostSince: Math.min(...lost.map((stream) => stream.lostSince ?? Date.now())),
    nextAttemptAt: soonest.length > 0 ? Math.min(...soonest) : null,
    attempt: Math.max(...lost.map((stream) => stream.attempt)),
  };
}

function publish() {
  snapshot = summarise();
  for (const listener of listeners) listener();
}

export function reportConnecting(key: object, retryNow: () => void) {
  const before = streams.get(key);
  // A stream that was lost stays "lost" while it tries again: the banner must not blink.
  if (before?.state === "lost") before.nextAttemptAt = null;
  else streams.set(key, { state: "connecting", lostSince: null, nextAttemptAt: null, attempt: 0, retryNow });
  publish();
}

export function reportOpen(key: object, retryNow: () => void) {
  streams.set(key, { state: "open", lostSince: null, nextAttemptAt: null, attempt: 0, retryNow });
  publish();
}

export function reportLost(key: object, nextAttemptAt: number, attempt: number, retryNow: () => void) {
  const lostSince = streams.get(key)?.lostSince ?? Date.now();
  streams.set(key, { state: "lost", lostSince, nextAttemptAt, attempt, retryNow });
  publish();
}

export function reportClosed(key: object) {
  streams.delete(key);
  publish();
}

export function retryLostStreams() {
  for (const stream of [...streams.values()]) if (stream.state === "lost") stream.retryNow();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useLiveConnection = (): LiveConnection =>
  useSyncExternalStore(
    subscribe,
    () => snapshot,
    () => IDLE,
  );
