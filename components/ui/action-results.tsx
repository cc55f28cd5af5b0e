"use client";

import { X } from "lucide-react";
import { Button } from "./button.tsx";
import type { StateLook } from "./state-hues.ts";
import { StatePill } from "./state-pill.tsx";

export interface ActionResult {
  readonly key: string;
  readonly name: string;
  readonly look: StateLook;
  readonly message: string;
}

interface ActionResultsProps {
  readonly title: string;
  readonly results: readonly ActionResult[];
  readonly onClose: () => void;
}

/** What became of each item of one action: they succeed and fail one by one, and each says so. */
export function ActionResults({ title, results, onClose }: ActionResultsProps) {
  return (
    <section aria-label={title} role="status" className="border-b bg-canvas">
      <header className="flex h-10 items-center gap-2 pr-2 pl-4">
        <h2 className="flex-1 font-semibold">{title}</h2>
        <Button variant="ghost" size="icon" aria-label="Close the results" onClick={onClose}>
          <X aria-hidden />
        </Button>
      </header>
      <ul className="max-h-48 overflow-y-auto pb-2">
        {results.map((result) => (
          <li key={result.key} className="flex min-h-7 flex-wrap items-center gap-x-3 px-4">
            <StatePill look={result.look} />
            <span className="font-mono text-xs">{result.name}</span>
            <span className="text-muted">{result.message}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
