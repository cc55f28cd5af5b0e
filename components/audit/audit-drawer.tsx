"use client";

import type { ReactNode } from "react";
import { Copyable } from "#components/ui/copyable.tsx";
import { Drawer } from "#components/ui/dialog.tsx";
import { Section } from "#components/ui/section.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { AuditRow } from "#server/contracts/console.ts";
import { AuditSubject } from "./audit-subject.tsx";
import { differenceOf } from "./difference.ts";

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex min-h-7 items-start gap-3 py-0.5">
      <dt className="w-24 shrink-0 text-faint">{name}</dt>
      <dd className="min-w-0 flex-1 break-words">{children}</dd>
    </div>
  );
}

const none = <span className="text-faint">–</span>;

/** One entry, whole: what changed, field by field. */
export function AuditDrawer({ row, onClose }: { row: AuditRow | null; onClose: () => void }) {
  const changes = row ? differenceOf(row.before, row.after) : [];
  return (
    <Drawer
      open={row !== null}
      onOpenChange={(open) => !open && onClose()}
      title={row?.action ?? "Entry"}
      description={row && `by ${row.actor.name}`}
    >
      {row && (
        <>
          <Section title="What happened">
            <dl className="px-4 pb-3">
              <Line name="At">
                <Moment at={row.at} show="full" />
              </Line>
              <Line name="Who">{row.actor.name}</Line>
              <Line name="To what">
                <AuditSubject subject={row.subject} />
              </Line>
              <Line name="Why">{row.reason ?? none}</Line>
              <Line name="From">{row.ip ? <span className="font-mono text-xs">{row.ip}</span> : none}</Line>
              <Line name="Request">{row.requestId ? <Copyable value={row.requestId} what="request id" /> : none}</Line>
            </dl>
          </Section>
          <Section title="What changed" count={changes.length}>
            {changes.length === 0 ? (
              <p className="px-4 pb-3 text-muted">The entry says nothing of it.</p>
            ) : (
              <table className="w-full border-separate border-spacing-0 pb-3">
                <caption className="sr-only">Fields before and after</caption>
                <thead>
                  <tr className="text-left text-faint text-xs">
                    <th scope="col" className="px-4 py-1 font-normal">
                      Field
                    </th>
                    <th scope="col" className="px-2 py-1 font-normal">
                      Before
                    </th>
                    <th scope="col" className="px-4 py-1 font-normal">
                      After
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {changes.map((change) => (
                    <tr key={change.path} className="align-top">
                      <th scope="row" className="border-t px-4 py-1.5 text-left font-normal">
                        {change.path || "value"}
                      </th>
                      <td className="break-words border-t px-2 py-1.5 font-mono text-danger text-xs">
                        {change.before === null ? none : <del className="no-underline">{change.before}</del>}
                      </td>
                      <td className="break-words border-t px-4 py-1.5 font-mono text-(--state-ongoing-ink) text-xs">
                        {change.after === null ? none : <ins className="no-underline">{change.after}</ins>}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </Section>
        </>
      )}
    </Drawer>
  );
}
