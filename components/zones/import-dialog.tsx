"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { Checkbox } from "#components/ui/checkbox.tsx";
import { Dialog } from "#components/ui/dialog.tsx";
import { errorWords } from "#components/ui/error-words.ts";
import { Field } from "#components/ui/field.tsx";
import { FIELD } from "#components/ui/input.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import type { ImportPreview } from "#server/contracts/zones.ts";
import { readFeatures, withoutSmallLoops } from "./zone-geojson.ts";

interface ImportDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** A file of zones: first what it would do, then all of it or nothing. */
export function ImportDialog({ open, onOpenChange }: ImportDialogProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Import zones"
      description="A GeoJSON FeatureCollection. Zones are known again by properties.code, then id, then name."
    >
      {open && <ImportForm onDone={() => onOpenChange(false)} />}
    </Dialog>
  );
}

function ImportForm({ onDone }: { onDone: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [file, setFile] = useState<ReturnType<typeof readFeatures> | null>(null);
  const [asking, setAsking] = useState(false);
  const [isMeant, setMeant] = useState(false);
  const [cut, setCut] = useState<ReturnType<typeof withoutSmallLoops>>(null);
  const features = file && "features" in file ? file.features : null;
  const preview = useQuery(
    trpc.zones.importPreview.queryOptions(
      { features: features ?? [] },
      { enabled: features !== null, staleTime: 0, gcTime: 0 },
    ),
  );
  const load = useMutation(
    trpc.zones.import.mutationOptions({
      onSettled: () =>
        Promise.all([
          queryClient.invalidateQueries(trpc.zones.pathFilter()),
          queryClient.invalidateQueries(trpc.map.zones.pathFilter()),
        ]),
    }),
  );
  const plan = features === null ? undefined : preview.data;
  const works = plan?.zones.filter(({ what }) => what !== "unchanged").length ?? 0;
  const mended = useMemo(
    () => (features !== null && (plan?.bad.length ?? 0) > 0 ? withoutSmallLoops(features) : null),
    [features, plan],
  );
  const isReady = plan !== undefined && plan.bad.length === 0 && works > 0 && (plan.overlaps.length === 0 || isMeant);
  return (
    <>
      <div className="space-y-3 px-4 py-3">
        <Field label="File" hint="Up to 8 MB. Nothing is changed before you say so.">
          {(id) => (
            <input
              id={id}
              type="file"
              accept=".geojson,.json,application/geo+json,application/json"
              className={`${FIELD} py-1 text-sm`}
              onChange={async (event) => {
                const chosen = event.target.files?.[0];
                setMeant(false);
                setCut(null);
                setFile(chosen ? readFeatures(await chosen.text()) : null);
              }}
            />
          )}
        </Field>
        {file && "problem" in file && <p className="text-danger text-xs">{file.problem}</p>}
        {features !== null && preview.isError && <p className="text-danger text-xs">{errorWords(preview.error)}</p>}
        {features !== null && preview.isFetching && <p className="text-muted text-xs">Looking at the file…</p>}
        {plan && <Plan plan={plan} />}
        {mended !== null && (
          <div className="flex flex-wrap items-center gap-2 text-xs">
            <Button
              onClick={() => {
                setCut(mended);
                setFile({ features: mended.features });
              }}
            >
              Cut off small loops
            </Button>
            <span className="min-w-0 flex-1 text-muted">{loopsOf(mended)}, where outlines cross themselves.</span>
          </div>
        )}
        {cut !== null && <p className="text-muted text-xs">Cut off: {loopsOf(cut)}. The file itself is as it was.</p>}
        {plan && plan.bad.length === 0 && plan.overlaps.length > 0 && (
          <div className="flex items-start gap-1 text-xs">
            <Checkbox label="The overlaps are meant" checked={isMeant} onChange={setMeant} />
            <span className="pt-1">
              {plan.overlaps.length === 1
                ? "1 pair of zones overlaps"
                : `${plan.overlaps.length} pairs of zones overlap`}{" "}
              at the same priority:{" "}
              {plan.overlaps
                .slice(0, 3)
                .map(({ one, other }) => `${one} and ${other}`)
                .join("; ")}
              {plan.overlaps.length > 3 && ", …"}. This is meant.
            </span>
          </div>
        )}
      </div>
      <footer className="sticky bottom-0 flex justify-end gap-2 border-t bg-raised px-4 py-3">
        <Button onClick={onDone}>Change nothing</Button>
        <Button variant="primary" disabled={!isReady} onClick={() => setAsking(true)}>
          Import {works || ""} {works === 1 ? "zone" : "zones"}
        </Button>
      </footer>
      <ReasonDialog
        open={asking}
        onOpenChange={setAsking}
        title="Import these zones?"
        effect={plan && `${sumOf(plan)} Drivers there are counted anew.`}
        verb="Import zones"
        unchanged="The zones are as before."
        onConfirm={async (reason) => {
          if (features === null || plan === undefined) return;
          const done = await load.mutateAsync({ features, basis: plan.basis, acknowledgeOverlap: isMeant, reason });
          toast.success(`Imported: ${done.added} added, ${done.changed} changed`);
          onDone();
        }}
      />
    </>
  );
}

const loopsOf = ({ loops, largestSquareMeters }: NonNullable<ReturnType<typeof withoutSmallLoops>>) =>
  `${loops === 1 ? "1 loop" : `${loops} loops, the largest`} of ${largestSquareMeters.toLocaleString("en")} m²`;
const countOf = ({ zones }: ImportPreview, what: string) => zones.filter((zone) => zone.what === what).length;
const sumOf = (plan: ImportPreview) =>
  `${countOf(plan, "added")} added, ${countOf(plan, "changed")} changed, ${countOf(plan, "unchanged")} unchanged.`;

function Plan({ plan }: { plan: ImportPreview }) {
  const works = plan.zones.filter(({ what }) => what !== "unchanged");
  return (
    <>
      {plan.bad.length > 0 && (
        <div role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger text-xs">
          <p className="font-medium">
            {plan.bad.length === 1 ? "1 feature is" : `${plan.bad.length} features are`} no zone, so nothing can be
            imported
          </p>
          <ul className="mt-1 max-h-40 space-y-1 overflow-y-auto">
            {plan.bad.map(({ feature, name, reasons }) => (
              <li key={feature}>
                <span className="font-mono">{feature}</span> {name}: {reasons.join("; ")}
              </li>
            ))}
          </ul>
        </div>
      )}
      <p className="font-medium">
        {plan.bad.length > 0 && "Once they are mended: "}
        {sumOf(plan)}
      </p>
      <ul className="max-h-48 overflow-y-auto text-xs">
        {works.slice(0, 200).map(({ code, name, what, changes }) => (
          <li key={code} className="flex gap-2 py-0.5">
            <span className="w-16 text-muted">{what}</span>
            <span className="min-w-0 flex-1 truncate">{name}</span>
            <span className="text-muted">{changes.join(", ")}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
