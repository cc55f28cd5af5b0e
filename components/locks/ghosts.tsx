"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { ReasonDialog, Refusal } from "#components/ui/reason-dialog.tsx";
import { Section } from "#components/ui/section.tsx";
import { Ago } from "#components/ui/time.tsx";
import type { GhostDriver } from "#server/contracts/console.ts";

/** Drivers whom the database calls on a trip that does not exist: they get no offers until someone repairs them. */
export function Ghosts({ ghosts }: { ghosts: readonly GhostDriver[] }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const canRepair = useCan("locks.release");
  const [asked, setAsked] = useState<GhostDriver | null>(null);
  const repair = useMutation(
    trpc.locks.repairGhost.mutationOptions({ onSettled: () => queryClient.invalidateQueries(trpc.locks.pathFilter()) }),
  );
  return (
    <Section
      id="ghosts"
      title="Ghost drivers"
      count={ghosts.length}
      note="On a trip in the database, without a live trip"
    >
      {ghosts.length === 0 ? (
        <p className="px-4 pb-4 text-muted">None. Every driver who is on a trip has one.</p>
      ) : (
        <ul className="divide-y border-t">
          {ghosts.map((ghost) => (
            <li key={ghost.driverId} className="flex min-h-10 items-center gap-3 px-4">
              <span className="min-w-0 flex-1 truncate font-medium">{ghost.name}</span>
              <span className="text-muted">
                since <Ago at={ghost.since} />
              </span>
              {canRepair && <Button onClick={() => setAsked(ghost)}>Make available</Button>}
            </li>
          ))}
        </ul>
      )}
      <ReasonDialog
        open={asked !== null}
        onOpenChange={(open) => !open && setAsked(null)}
        title={`Make ${asked?.name ?? "the driver"} available?`}
        effect="The driver becomes available and gets offers again. If a trip of theirs turns out to be live, nothing is changed."
        verb="Make available"
        unchanged="The driver was not changed."
        onConfirm={async (reason) => {
          if (!asked) return;
          const { ok, message } = await repair.mutateAsync({ driverId: asked.driverId, reason });
          if (!ok) throw new Refusal(message);
          toast.success(message);
        }}
      />
    </Section>
  );
}
