"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import type { ZoneDetail } from "#server/contracts/zones.ts";

/** Only what nothing was ever booked in goes; the rest is switched off. */
export function RemoveZone({ zone, onRemoved }: { zone: ZoneDetail; onRemoved: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = useMutation(
    trpc.zones.remove.mutationOptions({
      onSuccess: () =>
        Promise.all([
          queryClient.invalidateQueries(trpc.zones.list.pathFilter()),
          queryClient.invalidateQueries(trpc.map.zones.pathFilter()),
        ]),
    }),
  );
  if (zone.isUsed)
    return (
      <p className="text-muted text-xs">Trips were booked here, so it cannot be deleted: switch it off instead.</p>
    );
  return (
    <>
      <Button variant="danger" onClick={() => setAsking(true)}>
        Delete zone
      </Button>
      <ReasonDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Delete ${zone.name}?`}
        effect="Its outline goes, with its fares, surge and matching settings. No trip was ever booked there."
        verb="Delete zone"
        dangerous
        unchanged="The zone is as before."
        onConfirm={async (reason) => {
          await remove.mutateAsync({ id: zone.id, expectedVersion: zone.version, reason });
          toast.success(`${zone.name} is deleted`);
          onRemoved();
        }}
      />
    </>
  );
}
