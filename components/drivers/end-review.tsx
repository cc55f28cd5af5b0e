"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import type { Column } from "#components/ui/table-types.ts";
import type { DriverRow } from "#server/contracts/console.ts";

/** The column and the dialog by which an operator lets a driver take trips again. No column for who may not. */
export function useEndReview(): { readonly column: Column<DriverRow> | null; readonly dialog: ReactNode } {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const can = useCan("drivers.review");
  const [asked, setAsked] = useState<DriverRow | null>(null);
  const end = useMutation(
    trpc.drivers.endReview.mutationOptions({
      onSettled: () => queryClient.invalidateQueries(trpc.drivers.pathFilter()),
    }),
  );
  const column: Column<DriverRow> = {
    id: "review",
    header: "",
    cell: (driver) =>
      driver.reviewReason !== null && (
        <Button variant="ghost" className="-ml-2.5 pointer-coarse:-ml-3.5" onClick={() => setAsked(driver)}>
          End review
        </Button>
      ),
    className: "w-28",
  };
  return {
    column: can ? column : null,
    dialog: (
      <ReasonDialog
        open={asked !== null}
        onOpenChange={(open) => !open && setAsked(null)}
        title={`End the review of ${asked?.name ?? ""}?`}
        effect={
          <>
            <p>Why they are under review: {asked?.reviewReason}.</p>
            <p className="mt-1">They can go available again at once. What led to the review no longer counts.</p>
          </>
        }
        verb="End review"
        unchanged="The driver is still under review."
        onConfirm={async (reason) => {
          if (asked) await end.mutateAsync({ driverId: asked.id, reason });
        }}
      />
    ),
  };
}
