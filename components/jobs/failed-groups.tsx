"use client";

import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { useCan } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { cx } from "#components/ui/class-names.ts";
import { Ago, Moment } from "#components/ui/time.tsx";
import type { FailedJobGroup } from "#server/contracts/console.ts";
import type { JobDecision } from "./job-actions.ts";

const AT_FIRST = 20;

interface FailedGroupsProps {
  readonly groups: readonly FailedJobGroup[];
  readonly onOpen: (queue: string, id: string) => void;
  readonly onDecide: (decision: JobDecision) => void;
}

/** Failed jobs by what went wrong: one fault, one row, however many jobs it hit. */
export function FailedGroups({ groups, onOpen, onDecide }: FailedGroupsProps) {
  return (
    <ul className="divide-y border-t">
      {groups.map((group) => (
        <Group key={`${group.queue} ${group.fingerprint}`} group={group} onOpen={onOpen} onDecide={onDecide} />
      ))}
    </ul>
  );
}

interface GroupProps extends Omit<FailedGroupsProps, "groups"> {
  readonly group: FailedJobGroup;
}

function Group({ group, onOpen, onDecide }: GroupProps) {
  const [open, setOpen] = useState(false);
  const [all, setAll] = useState(false);
  const canAct = useCan("jobs.retry");
  const ids = all ? group.jobIds : group.jobIds.slice(0, AT_FIRST);
  const decide = (verb: JobDecision["verb"]) =>
    onDecide({ verb, queue: group.queue, jobIds: group.jobIds, name: group.jobName });
  return (
    <li>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 py-1.5 pr-4 pl-2">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex min-w-60 flex-1 items-start gap-1.5 rounded-sm py-0.5 text-left"
        >
          <ChevronRight
            aria-hidden
            className={cx("mt-0.5 size-4 shrink-0 text-faint transition-transform duration-100", open && "rotate-90")}
          />
          <span className="min-w-0">
            <span className="line-clamp-2 break-words font-medium">{group.exception}</span>
            <span className="text-faint text-xs">
              <span className="font-mono">{group.jobName}</span> in {group.queue} · first <Moment at={group.firstAt} />{" "}
              · last <Ago at={group.lastAt} />
            </span>
          </span>
        </button>
        <span className="min-w-12 text-right font-medium text-danger text-xl">{group.count.toLocaleString("en")}</span>
        {canAct && (
          <span className="flex gap-2">
            <Button onClick={() => decide("retry")}>Retry all</Button>
            <Button variant="danger" onClick={() => decide("discard")}>
              Discard all
            </Button>
          </span>
        )}
      </div>
      {open && (
        <div className="border-t bg-canvas py-1 pr-4 pl-7">
          <ul className="flex flex-wrap gap-x-2" aria-label="Jobs of this group">
            {ids.map((id) => (
              <li key={id}>
                <button
                  type="button"
                  onClick={() => onOpen(group.queue, id)}
                  className="min-h-7 rounded-sm px-1 font-mono text-accent-ink text-xs hover:underline pointer-coarse:min-h-10"
                >
                  {id}
                </button>
              </li>
            ))}
          </ul>
          {ids.length < group.jobIds.length && (
            <Button variant="ghost" onClick={() => setAll(true)}>
              Show all {group.jobIds.length}
            </Button>
          )}
          {group.jobIds.length < group.count && (
            <p className="px-1 py-1 text-faint text-xs">
              The newest {group.jobIds.length} of {group.count} can be opened and acted on; act on them, and the next
              follow.
            </p>
          )}
        </div>
      )}
    </li>
  );
}
