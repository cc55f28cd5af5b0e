import type { ReactNode } from "react";

/** A block of text as a machine wrote it. */
export const Code = ({ children }: { children: ReactNode }) => (
  <pre className="mx-4 mb-3 overflow-x-auto whitespace-pre-wrap break-all rounded-md border bg-canvas px-3 py-2 font-mono text-xs">
    {children}
  </pre>
);
