"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { AssignDialog } from "#components/matching/assign-dialog.tsx";
import { useCan } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import type { TripDetail } from "#server/contracts/console.ts";

const UNCHANGED = "The trip is as it was before you pressed the button. Close this to look at it again.";

/** What the operator's role and the trip's state allow; the server decides again, by the version seen here. */
export function TripActions({ detail: { trip, allowed } }: { detail: TripDetail }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState<"cancel" | "release" | "assign" | null>(null);
  // What the operator decided on: a change that arrives while they type must be refused, not adopted.
  const [seenVersion, setSeenVersion] = useState(trip.version);
  const refresh = () => queryClient.invalidateQueries(trpc.trips.pathFilter());
  const cancel = useMutation(trpc.trips.cancel.mutationOptions({ onSettled: refresh }));
  const release = useMutation(trpc.trips.release.mutationOptions({ onSettled: refresh }));
  const canCancel = useCan("trips.cancel") && allowed.cancel;
  const canAssign = useCan("trips.assign") && allowed.assign;
  const canRelease = useCan("trips.release") && allowed.release;
  const ask = (what: "cancel" | "release" | "assign") => {
    setSeenVersion(trip.version);
    setAsking(what);
  };
  const driver = trip.driver?.name ?? "The driver";

  return (
    <>
      {canAssign && (
        <Button variant={trip.driverId === null ? "primary" : "secondary"} onClick={() => ask("assign")}>
          {trip.driverId === null ? "Assign to…" : "Reassign…"}
        </Button>
      )}
      {canRelease && <Button onClick={() => ask("release")}>Release trip</Button>}
      {canCancel && (
        <Button variant="danger" onClick={() => ask("cancel")}>
          Cancel trip
        </Button>
      )}
      <AssignDialog
        trip={trip}
        seenVersion={seenVersion}
        open={asking === "assign"}
        onOpenChange={(open) => setAsking(open ? "assign" : null)}
      />
      <ReasonDialog
        open={asking === "cancel"}
        onOpenChange={(open) => setAsking(open ? "cancel" : null)}
        title={`Cancel trip ${trip.refId}?`}
        effect={
          <ul className="list-disc space-y-0.5 pl-4">
            <li>The trip ends as cancelled. This cannot be undone.</li>
            {trip.driverId && <li>{driver} is told, and becomes available again.</li>}
            <li>The rider is told.</li>
          </ul>
        }
        verb="Cancel trip"
        dangerous
        unchanged={UNCHANGED}
        onConfirm={async (reason) => {
          await cancel.mutateAsync({ id: trip.id, reason, expectedVersion: seenVersion });
          toast.success(`Trip ${trip.refId} is cancelled`);
        }}
      />
      <ReasonDialog
        open={asking === "release"}
        onOpenChange={(open) => setAsking(open ? "release" : null)}
        title={`Release trip ${trip.refId}?`}
        effect={
          <ul className="list-disc space-y-0.5 pl-4">
            <li>{driver} loses the trip, is told, and becomes available again.</li>
            <li>The trip goes back to pending and is offered to drivers anew.</li>
          </ul>
        }
        verb="Release trip"
        unchanged={UNCHANGED}
        onConfirm={async (reason) => {
          await release.mutateAsync({ id: trip.id, reason, expectedVersion: seenVersion });
          toast.success(`Trip ${trip.refId} is pending again`);
        }}
      />
    </>
  );
}
