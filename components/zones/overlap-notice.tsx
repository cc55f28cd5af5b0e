"use client";

import { Checkbox } from "#components/ui/checkbox.tsx";

interface OverlapNoticeProps {
  readonly names: readonly string[];
  readonly meant?: boolean;
  /** Without: only said, not asked. */
  readonly onMeant?: (meant: boolean) => void;
}

/** Zones of the same priority on the same ground: nobody has chosen which of them holds. */
export function OverlapNotice({ names, meant = false, onMeant }: OverlapNoticeProps) {
  if (names.length === 0) return null;
  const some = names.length > 4 ? `${names.slice(0, 4).join(", ")} and ${names.length - 4} more` : names.join(", ");
  return (
    <div className="rounded-md border border-line-strong px-3 py-2 text-xs">
      <p className="font-medium">Overlaps {some}</p>
      <p className="text-muted">At the same priority. Another priority decides which of them holds there.</p>
      {onMeant && (
        <div className="mt-1 -ml-1 flex items-center gap-1">
          <Checkbox label="The overlap is meant" checked={meant} onChange={onMeant} />
          <span>The overlap is meant</span>
        </div>
      )}
    </div>
  );
}
