import { cx } from "./class-names.ts";

/** A grey bar where text will be. Give it the width of what comes. */
export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden className={cx("block h-3 animate-breathe rounded-sm bg-line", className)} />;
}
