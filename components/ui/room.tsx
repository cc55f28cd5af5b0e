import type { ReactNode } from "react";
import { cx } from "./class-names.ts";

interface RoomProps {
  readonly title: ReactNode;
  /** Beside the title: the age of what is shown. */
  readonly age?: ReactNode;
  readonly actions?: ReactNode;
  /** Search and filters. */
  readonly toolbar?: ReactNode;
  readonly footer?: ReactNode;
  readonly children: ReactNode;
  /** The room scrolls by itself inside (the map): no scroll around it. */
  readonly fixed?: boolean;
}

/** The frame of every room: a small title, what one can do, the filters, and then the data. */
export function Room({ title, age, actions, toolbar, footer, children, fixed }: RoomProps) {
  return (
    <div className="flex h-full min-h-0 flex-col bg-surface">
      <header className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-1.5">
        <h1 className="font-semibold">{title}</h1>
        {age}
        <div className="ml-auto flex items-center gap-2">{actions}</div>
      </header>
      {toolbar && (
        <div className="flex shrink-0 flex-wrap items-center gap-2 border-b px-4 py-1.5 max-sm:flex-nowrap max-sm:overflow-x-auto">
          {toolbar}
        </div>
      )}
      <div className={cx("relative min-h-0 flex-1", fixed ? "overflow-hidden" : "overflow-auto")}>{children}</div>
      {footer}
    </div>
  );
}
