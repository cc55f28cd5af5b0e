"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { ReasonDialog, Refusal } from "#components/ui/reason-dialog.tsx";
import type { AssignCandidate } from "#server/contracts/matching.ts";
import type { Trip } from "#server/contracts/trips.ts";
import { CandidateList } from "./candidate-list.tsx";

interface AssignDialogProps {
  readonly trip: Trip;
  /** What the operator decided on: a change that arrives meanwhile is refused, not adopted. */
  readonly seenVersion: number;
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** Gives a waiting trip to a driver, or an accepted one to another: by the same engine, and for the same reasons refused. */
export function AssignDialog({ trip, seenVersion, open, onOpenChange }: AssignDialogProps) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [chosen, setChosen] = useState<AssignCandidate | null>(null);
  const assign = useMutation(
    trpc.trips.assign.mutationOptions({ onSettled: () => queryClient.invalidateQueries(trpc.trips.pathFilter()) }),
  );
  const from = trip.driver?.name ?? null;
  const to = chosen?.name ?? "the driver";
  return (
    <ReasonDialog
      open={open}
      onOpenChange={(next) => {
        setChosen(null);
        onOpenChange(next);
      }}
      title={from ? `Reassign trip ${trip.refId}` : `Assign trip ${trip.refId}`}
      effect={
        <ul className="list-disc space-y-0.5 pl-4">
          {from && <li>{from} loses the trip, is told, and becomes available again.</li>}
          <li>
            {chosen ? <span className="font-medium text-ink">{to}</span> : "The driver"} has the trip at once, and the
            rider gets a code and the name. Open offers end.
          </li>
          {from && (
            <li>
              If {to} cannot take it, {from} keeps it.
            </li>
          )}
        </ul>
      }
      verb={chosen ? `Assign to ${chosen.name}` : "Assign trip"}
      unchanged={from ? `${from} still has the trip.` : "The trip is as it was before you pressed the button."}
      onConfirm={async (reason) => {
        if (chosen === null) throw new Refusal("Choose a driver first.");
        const { driverId, name } = chosen;
        await assign.mutateAsync({ tripId: trip.id, driverId, reason, expectedVersion: seenVersion });
        toast.success(`${name} has trip ${trip.refId}`);
      }}
    >
      <CandidateList tripId={trip.id} chosen={chosen} onChoose={setChosen} />
    </ReasonDialog>
  );
}
