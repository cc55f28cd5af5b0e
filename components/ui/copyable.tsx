"use client";

import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { toast } from "sonner";
import { cx } from "./class-names.ts";

interface CopyableProps {
  /** What is copied. */
  readonly value: string;
  /** What is shown; the value itself when left out. */
  readonly text?: string;
  /** For the tooltip and screen readers: "trip id". */
  readonly what: string;
  readonly className?: string;
}

export function Copyable({ value, text, what, className }: CopyableProps) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      toast.error("The browser refused to copy", { description: value });
    }
  };
  const Icon = copied ? Check : Copy;
  return (
    <button
      type="button"
      title={`Copy ${what}: ${value}`}
      aria-label={copied ? `Copied ${what}` : `Copy ${what} ${value}`}
      onClick={(event) => {
        event.stopPropagation();
        void copy();
      }}
      className={cx(
        "group/copy -mx-1 inline-flex min-h-6 max-w-full items-center gap-1 rounded-sm px-1 font-mono text-xs hover:bg-hover",
        className,
      )}
    >
      <span className="truncate">{text ?? value}</span>
      <Icon
        aria-hidden
        className={cx(
          "size-3 shrink-0",
          copied
            ? "text-good"
            : "text-faint opacity-0 group-hover/copy:opacity-100 group-focus-visible/copy:opacity-100",
        )}
      />
    </button>
  );
}
