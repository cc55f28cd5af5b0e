"use client";

import { useEffect } from "react";

/** A layout on the server does not know the address: the browser takes it along, so that a shared link survives. */
export function ToSignIn() {
  useEffect(() => {
    const here = window.location.pathname + window.location.search;
    window.location.replace(`/sign-in?callbackUrl=${encodeURIComponent(here)}`);
  }, []);
  return (
    <main className="p-6">
      <a href="/sign-in" className="font-medium text-accent-ink underline underline-offset-2">
        Sign in to go on
      </a>
    </main>
  );
}
