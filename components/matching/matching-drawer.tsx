"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { Drawer } from "#components/ui/dialog.tsx";
import { Field } from "#components/ui/field.tsx";
import { Input } from "#components/ui/input.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Select } from "#components/ui/select.tsx";
import {
  MATCHING_KEYS,
  MATCHING_SETTINGS,
  type MatchingKey,
  type MatchingSettings,
  type ZoneMatchingRow,
} from "#server/contracts/matching.ts";
import { settingNumber, settingText } from "./setting-words.ts";

interface MatchingDrawerProps {
  readonly zone: ZoneMatchingRow;
  readonly defaults: MatchingSettings;
  readonly onClose: () => void;
}

const GROUPS = [...new Set(MATCHING_KEYS.map((key) => MATCHING_SETTINGS[key].group))];
type Texts = Readonly<Record<MatchingKey, string>>;
const textsOf = (zone: ZoneMatchingRow) =>
  Object.fromEntries(MATCHING_KEYS.map((key) => [key, zone.own[key]?.toString() ?? ""])) as Texts;
const numberOf = (text: string): number | null => (text.trim() === "" ? null : Number(text));

/** Whether a number fits; the server says the same in words. */
function fits(key: MatchingKey, value: number | null): boolean {
  const { min, max } = MATCHING_SETTINGS[key];
  return value === null || (Number.isInteger(value) && value >= min && value <= max);
}

/** One zone's way of looking for drivers: an empty field is the default. */
export function MatchingDrawer({ zone, defaults, onClose }: MatchingDrawerProps) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [texts, setTexts] = useState(() => textsOf(zone));
  const [asking, setAsking] = useState(false);
  const set = useMutation(
    trpc.matching.setZone.mutationOptions({
      onSettled: () => queryClient.invalidateQueries(trpc.matching.pathFilter()),
    }),
  );
  const changed = MATCHING_KEYS.filter((key) => numberOf(texts[key]) !== (zone.own[key] ?? null));
  const bad = MATCHING_KEYS.filter((key) => !fits(key, numberOf(texts[key])));
  const shown = (key: MatchingKey, value: number | null | undefined) =>
    value === null || value === undefined ? `default (${settingText(key, defaults[key])})` : settingText(key, value);

  return (
    <Drawer
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Matching in ${zone.zoneName}`}
      description="An empty field is the default. Changes hold from the next batch on."
    >
      {GROUPS.map((group) => (
        <section key={group} aria-label={group} className="border-b px-4 py-3 last:border-b-0">
          <h3 className="mb-2 font-semibold">{group}</h3>
          <div className="grid gap-x-4 gap-y-3 sm:grid-cols-2">
            {MATCHING_KEYS.filter((key) => MATCHING_SETTINGS[key].group === group).map((key) => (
              <SettingField
                key={key}
                name={key}
                text={texts[key]}
                fallback={defaults[key]}
                onChange={(text) => setTexts({ ...texts, [key]: text })}
              />
            ))}
          </div>
        </section>
      ))}
      <footer className="sticky bottom-0 flex items-center gap-2 border-t bg-raised px-4 py-3">
        <p className="flex-1 text-muted text-xs">
          {changed.length === 0 ? "Nothing changed" : `${changed.length} changed`}
        </p>
        <Button onClick={onClose}>Keep as it is</Button>
        <Button variant="primary" disabled={changed.length === 0 || bad.length > 0} onClick={() => setAsking(true)}>
          Save matching
        </Button>
      </footer>
      <ReasonDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Change how ${zone.zoneName} looks for drivers?`}
        effect={
          <ul className="space-y-0.5">
            {changed.map((key) => (
              <li key={key}>
                {MATCHING_SETTINGS[key].title}: {shown(key, zone.own[key])} →{" "}
                <span className="font-medium text-ink">{shown(key, numberOf(texts[key]))}</span>
              </li>
            ))}
          </ul>
        }
        verb="Save matching"
        unchanged="The zone looks for drivers as before."
        onConfirm={async (reason) => {
          const settings = Object.fromEntries(MATCHING_KEYS.map((key) => [key, numberOf(texts[key])]));
          await set.mutateAsync({ zoneId: zone.zoneId, settings, expectedVersion: zone.version, reason });
          toast.success(`Matching in ${zone.zoneName} is changed`);
          onClose();
        }}
      />
    </Drawer>
  );
}

interface SettingFieldProps {
  readonly name: MatchingKey;
  readonly text: string;
  readonly fallback: number;
  readonly onChange: (text: string) => void;
}

function SettingField({ name, text, fallback, onChange }: SettingFieldProps) {
  const { title, unit, kind, min, max, description } = MATCHING_SETTINGS[name];
  const isGood = fits(name, numberOf(text));
  const range = kind === "switch" ? "" : ` From ${settingNumber(name, min)} to ${settingNumber(name, max)}.`;
  return (
    <Field
      label={unit ? `${title}, ${unit}` : title}
      hint={
        <span className={isGood ? "" : "text-danger"}>
          {description}
          {range}
        </span>
      }
    >
      {(id) =>
        kind === "switch" ? (
          <Select id={id} value={text} onChange={(event) => onChange(event.target.value)}>
            <option value="">Default ({settingText(name, fallback)})</option>
            <option value="1">On</option>
            <option value="0">Off</option>
          </Select>
        ) : (
          <Input
            id={id}
            type="number"
            min={min}
            max={max}
            step={1}
            placeholder={`${fallback}`}
            value={text}
            aria-invalid={!isGood}
            onChange={(event) => onChange(event.target.value)}
          />
        )
      }
    </Field>
  );
}
