import type { ComponentProps } from "react";
import { cx } from "./class-names.ts";

export const FIELD =
  "w-full rounded-md border border-control bg-surface px-2.5 text-ink placeholder:text-faint " +
  "hover:border-muted focus-visible:border-accent focus-visible:outline-offset-0 " +
  "disabled:opacity-60 aria-invalid:border-danger-solid";

export function Input({ className, ...props }: ComponentProps<"input">) {
  return <input className={cx(FIELD, "h-8 pointer-coarse:h-10", className)} {...props} />;
}

export function Textarea({ className, ...props }: ComponentProps<"textarea">) {
  return <textarea className={cx(FIELD, "min-h-20 resize-y py-1.5", className)} {...props} />;
}
