"use client";

import { useEffect, useRef, useState } from "react";

const FRAME_MS = 40;

interface ReplayClock {
  readonly startMs: number;
  readonly endMs: number;
  /** Where it stands at first; null: at the start. */
  readonly openMs: number | null;
  readonly speed: number;
}

/** A clock that runs `speed` times as fast while it plays, from `startMs` to `endMs`. */
export function useReplayClock({ startMs, endMs, openMs, speed }: ReplayClock) {
  const [atMs, setAtMs] = useState(() => Math.min(endMs, Math.max(startMs, openMs ?? startMs)));
  const [playing, setPlaying] = useState(false);
  const last = useRef(0);
  useEffect(() => {
    if (!playing) return;
    last.current = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      const passed = (now - last.current) * speed;
      last.current = now;
      setAtMs((before) => Math.min(endMs, before + passed));
    }, FRAME_MS);
    return () => clearInterval(timer);
  }, [playing, speed, endMs]);
  useEffect(() => {
    if (atMs >= endMs) setPlaying(false);
  }, [atMs, endMs]);
  const seek = (to: number) => setAtMs(Math.min(endMs, Math.max(startMs, to)));
  const toggle = () => {
    if (atMs >= endMs) setAtMs(startMs);
    setPlaying((before) => !before);
  };
  return { atMs, playing, seek, toggle };
}
