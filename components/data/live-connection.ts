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
  readonly state: "connecting" | "open" | "lost";
  readonly nextAttemptAt: number | null;
  readonly attempt: number;
  readonly retryNow: () => void;
}

/** A stream that takes longer than this to open is as good as lost: a dead network refuses nothing, it is just silent. */
const SLOW_MS = 4_000;
/** Streams are replaced (another page, a silent one reopened) within this; only then is a gap over by itself. */
const REPLACED_MS = 500;

const IDLE: LiveConnection = { state: "idle", lostSince: null, nextAttemptAt: null, attempt: 0 };
const streams = new Map<object, Stream>();
const listeners = new Set<() => void>();
let snapshot = IDLE;
/** Since when not every stream is open. */
let gapSince: number | null = null;
let slowTimer: ReturnType<typeof setTimeout> | undefined;

function summarise(): LiveConnection {
  const all = [...streams.values()];
  const waiting = all.filter((stream) => stream.state !== "open");
  if (all.length === 0) return IDLE;
  if (waiting.length === 0 || gapSince === null) return { ...IDLE, state: "open" };
  const slow = Date.now() - gapSince >= SLOW_MS;
  if (!slow && waiting.every((stream) => stream.state === "connecting")) return { ...IDLE, state: "connecting" };
  const attempts = waiting.map((stream) => stream.nextAttemptAt).filter((at) => at !== null);
  return {
    state: "lost",
    lostSince: gapSince,
    nextAttemptAt: attempts.length > 0 ? Math.min(...attempts) : null,
    attempt: Math.max(...waiting.map((stream) => stream.attempt)),
  };
}

function publish() {
  const gap = [...streams.values()].some((stream) => stream.state !== "open");
  if (gap && gapSince === null) {
    gapSince = Date.now();
    slowTimer = setTimeout(publish, SLOW_MS);
  }
  if (!gap && streams.size > 0) endGap();
  snapshot = summarise();
  for (const listener of listeners) listener();
}

function endGap() {
  gapSince = null;
  clearTimeout(slowTimer);
}

export function reportConnecting(key: object, retryNow: () => void) {
  const before = streams.get(key);
  // A stream that was lost stays so while it tries again: the banner must not blink.
  streams.set(
    key,
    before ? { ...before, nextAttemptAt: null } : { state: "connecting", nextAttemptAt: null, attempt: 0, retryNow },
  );
  publish();
}

export function reportOpen(key: object, retryNow: () => void) {
  streams.set(key, { state: "open", nextAttemptAt: null, attempt: 0, retryNow });
  publish();
}

export function reportLost(key: object, nextAttemptAt: number, attempt: number, retryNow: () => void) {
  streams.set(key, { state: "lost", nextAttemptAt, attempt, retryNow });
  publish();
}

export function reportClosed(key: object) {
  streams.delete(key);
  if (streams.size === 0) {
    setTimeout(() => {
      if (streams.size === 0) endGap();
    }, REPLACED_MS);
  }
  publish();
}

export function retryLostStreams() {
  for (const stream of [...streams.values()]) if (stream.state !== "open") stream.retryNow();
}

export const liveConnection = (): LiveConnection => snapshot;

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useLiveConnection = (): LiveConnection => useSyncExternalStore(subscribe, liveConnection, () => IDLE);
