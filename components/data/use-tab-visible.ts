"use client";

import { useEffect, useState } from "react";

const GRACE_MS = 30_000;

/**
 * False once the tab has been hidden for 30 s. Live streams stop then: a browser holds six connections to a host, and
 * a few forgotten tabs would leave the one in use without any.
 */
export function useTabVisible(): boolean {
  const [visible, setVisible] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onChange = () => {
      clearTimeout(timer);
      if (document.visibilityState === "visible") setVisible(true);
      else timer = setTimeout(() => setVisible(false), GRACE_MS);
    };
    document.addEventListener("visibilitychange", onChange);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onChange);
    };
  }, []);
  return visible;
}
