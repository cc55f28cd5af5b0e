"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { Drawer } from "#components/ui/dialog.tsx";
import { Field } from "#components/ui/field.tsx";
import { Input } from "#components/ui/input.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Section } from "#components/ui/section.tsx";
import { Select } from "#components/ui/select.tsx";
import { Moment } from "#components/ui/time.tsx";
import {
  DEFAULT_SURGE_STEPS,
  MAX_SURGE,
  type SurgeStep,
  surgeMultiplierSchema,
  surgeStepsSchema,
  type ZoneSurgeRow,
} from "#server/contracts/surge.ts";
import { SurgeHistory } from "./surge-history.tsx";
import { SurgeStepsEditor } from "./surge-steps-editor.tsx";
import { timesText, trendText } from "./surge-words.ts";

interface Draft {
  readonly enabled: boolean;
  readonly cap: string;
  /** Null: the platform's table. */
  readonly steps: readonly SurgeStep[] | null;
  readonly override: string;
  readonly minutes: string;
}

const draftOf = (zone: ZoneSurgeRow): Draft => ({
  enabled: zone.enabled,
  cap: String(zone.cap),
  steps: zone.ownSteps ? zone.steps : null,
  override: zone.override === null ? "" : String(zone.override.multiplier),
  minutes: "60",
});
const isMultiplier = (text: string) => surgeMultiplierSchema.safeParse(Number(text)).success;

/** What is wrong with a draft, in words; null: nothing. */
function faultOf(draft: Draft): string | null {
  if (!isMultiplier(draft.cap)) return `The cap is from 1 to ${MAX_SURGE}, in steps of 0.05.`;
  if (draft.override !== "" && !isMultiplier(draft.override))
    return `Fares by hand are from 1 to ${MAX_SURGE} times, in steps of 0.05.`;
  const minutes = Number(draft.minutes);
  if (draft.override !== "" && !(Number.isInteger(minutes) && minutes >= 5 && minutes <= 1440))
    return "By hand for 5 to 1,440 minutes.";
  const steps = draft.steps === null ? null : surgeStepsSchema.safeParse(draft.steps);
  return steps?.error?.issues[0]?.message ?? null;
}

/** The lines of "what will change". */
function changesOf(zone: ZoneSurgeRow, draft: Draft): string[] {
  const before = draftOf(zone);
  const lines: string[] = [];
  if (draft.enabled !== before.enabled)
    lines.push(draft.enabled ? "Surge is switched on" : "Surge is switched off: fares are the usual ones");
  if (Number(draft.cap) !== zone.cap) lines.push(`Cap: ${timesText(zone.cap)} → ${timesText(Number(draft.cap))}`);
  if (JSON.stringify(draft.steps) !== JSON.stringify(before.steps))
    lines.push(draft.steps === null ? "The platform's table holds again" : "The zone has a table of its own");
  if (draft.override !== before.override)
    lines.push(
      draft.override === ""
        ? "Fares follow demand and supply again"
        : `Fares are ${timesText(Number(draft.override))} by hand for ${draft.minutes} minutes`,
    );
  return lines;
}

/** One zone's surge: how it is judged now, how it went, and how the zone wants it. */
export function SurgeDrawer({ zone, onClose }: { zone: ZoneSurgeRow; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const mayChange = useCan("zones.manage");
  const [draft, setDraft] = useState(() => draftOf(zone));
  const [asking, setAsking] = useState(false);
  const set = useMutation(
    trpc.pricing.setSurge.mutationOptions({
      onSettled: () => queryClient.invalidateQueries(trpc.pricing.pathFilter()),
    }),
  );
  const changes = changesOf(zone, draft);
  const fault = faultOf(draft);
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });

  return (
    <Drawer
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Surge in ${zone.zoneName}`}
      description={`Fares now: ${timesText(zone.multiplier)} · ${trendText(zone)} · ${zone.demand} trips wanted, ${zone.supply} drivers free`}
    >
      <SurgeHistory zoneId={zone.zoneId} />
      {mayChange && (
        <>
          <Section id="surge-rules" title="How it is judged">
            <div className="grid gap-x-4 gap-y-3 px-4 py-2 sm:grid-cols-2">
              <Field label="Surge">
                {(id) => (
                  <Select
                    id={id}
                    value={draft.enabled ? "1" : "0"}
                    onChange={(event) => change({ enabled: event.target.value === "1" })}
                  >
                    <option value="1">On: follows demand and supply</option>
                    <option value="0">Off: the usual fares</option>
                  </Select>
                )}
              </Field>
              <Field
                label="Cap, times the usual fare"
                hint={`No more than this, whatever the table says. From 1 to ${MAX_SURGE}.`}
              >
                {(id) => (
                  <Input
                    id={id}
                    type="number"
                    min={1}
                    max={MAX_SURGE}
                    step={0.05}
                    value={draft.cap}
                    onChange={(event) => change({ cap: event.target.value })}
                  />
                )}
              </Field>
            </div>
            <SurgeStepsEditor
              steps={draft.steps ?? DEFAULT_SURGE_STEPS}
              own={draft.steps !== null}
              onChange={(steps) => change({ steps })}
            />
          </Section>
          <Section
            id="surge-by-hand"
            title="By hand"
            note={
              zone.override && (
                <>
                  until <Moment at={zone.override.until} />
                </>
              )
            }
          >
            <div className="grid gap-x-4 gap-y-3 px-4 pt-2 pb-3 sm:grid-cols-2">
              <Field label="Fares, times the usual" hint="Empty: they follow demand and supply. 1: no surge meanwhile.">
                {(id) => (
                  <Input
                    id={id}
                    type="number"
                    min={1}
                    max={MAX_SURGE}
                    step={0.05}
                    value={draft.override}
                    onChange={(event) => change({ override: event.target.value })}
                  />
                )}
              </Field>
              <Field label="For, minutes" hint="From 5 minutes to a day; then the readings decide again.">
                {(id) => (
                  <Input
                    id={id}
                    type="number"
                    min={5}
                    max={1440}
                    step={5}
                    value={draft.minutes}
                    disabled={draft.override === ""}
                    onChange={(event) => change({ minutes: event.target.value })}
                  />
                )}
              </Field>
            </div>
          </Section>
          <footer className="sticky bottom-0 flex items-center gap-2 border-t bg-raised px-4 py-3">
            <p className={fault ? "flex-1 text-danger text-xs" : "flex-1 text-muted text-xs"}>
              {fault ?? (changes.length === 0 ? "Nothing changed" : `${changes.length} changed`)}
            </p>
            <Button onClick={onClose}>Keep as it is</Button>
            <Button variant="primary" disabled={changes.length === 0 || fault !== null} onClick={() => setAsking(true)}>
              Save surge
            </Button>
          </footer>
        </>
      )}
      <ReasonDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Change the surge of ${zone.zoneName}?`}
        effect={
          <ul className="space-y-0.5">
            {changes.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        }
        verb="Save surge"
        unchanged="The zone's fares are judged as before."
        onConfirm={async (reason) => {
          const override =
            draft.override === "" ? null : { multiplier: Number(draft.override), minutes: Number(draft.minutes) };
          const { enabled, steps } = draft;
          await set.mutateAsync({
            ...{
              zoneId: zone.zoneId,
              enabled,
              cap: Number(draft.cap),
              override,
              expectedVersion: zone.version,
              reason,
            },
            steps: steps === null ? null : [...steps],
          });
          toast.success(`Surge in ${zone.zoneName} is changed`);
          onClose();
        }}
      />
    </Drawer>
  );
}
