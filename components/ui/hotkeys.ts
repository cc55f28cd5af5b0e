"use client";

import { useEffect, useRef } from "react";

/** True when the key belongs to a field, a menu or an open dialog, or comes with a modifier. */
function belongsElsewhere(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const target = event.target;
  if (target instanceof Element && target.closest("input, textarea, select, [contenteditable], [role='menu']"))
    return true;
  if (event.key === " " && target instanceof Element && target.closest("button, a, summary")) return true;
  return document.querySelector("[role='dialog'], [role='menu'], [role='listbox']") !== null;
}

const SEQUENCE_MS = 900;

/**
 * Plain keys (`j`, `?`) and two-key sequences (`g t`), off while one types or a dialog is open. A handler may return
 * false to say that it had nothing to do, so the key keeps its usual meaning.
 */
export function useHotkeys(keys: Readonly<Record<string, () => unknown>>) {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    let prefix = "";
    let prefixAt = 0;
    const onKey = (event: KeyboardEvent) => {
      if (belongsElsewhere(event)) return;
      const sequence = prefix && Date.now() - prefixAt < SEQUENCE_MS ? `${prefix} ${event.key}` : "";
      prefix = "";
      const handler = latest.current[sequence] ?? latest.current[event.key];
      if (handler) {
        if (handler() !== false) event.preventDefault();
        return;
      }
      if (Object.keys(latest.current).some((key) => key.startsWith(`${event.key} `))) {
        prefix = event.key;
        prefixAt = Date.now();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
