import type { ReactNode } from "react";

interface SectionProps {
  readonly id?: string;
  readonly title: string;
  readonly count?: number;
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A part of a page under its own small heading, set off by a hairline, not by a card. */
export function Section({ id, title, count, note, actions, children }: SectionProps) {
  const heading = id ? `${id}-heading` : undefined;
  return (
    <section id={id} aria-labelledby={heading} className="scroll-mt-12 border-b last:border-b-0">
      <header className="flex min-h-10 flex-wrap items-center gap-2 px-4 pt-2">
        <h2 id={heading} className="font-semibold">
          {title}
          {count !== undefined && <span className="ml-1.5 font-normal text-faint">{count}</span>}
        </h2>
        {note && <div className="text-faint text-xs">{note}</div>}
        {actions && <div className="ml-auto flex items-center gap-2">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
