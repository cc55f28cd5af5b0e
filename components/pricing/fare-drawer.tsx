"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { Drawer } from "#components/ui/dialog.tsx";
import { Field } from "#components/ui/field.tsx";
import { Input } from "#components/ui/input.tsx";
import { formatAmount, Money } from "#components/ui/money.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Section } from "#components/ui/section.tsx";
import { fareFor } from "#server/contracts/fare.ts";
import { type FareCell, type FareRow, type TariffInput, tariffSchema } from "#server/contracts/fares.ts";

const FIELDS = [
  { key: "baseFare", label: "Base fare", hint: "For getting in." },
  { key: "farePerKm", label: "Per kilometre", hint: "" },
  { key: "farePerMin", label: "Per minute", hint: "" },
  { key: "minimumFare", label: "Least fare", hint: "However short the ride." },
] as const satisfies readonly { key: keyof TariffInput; label: string; hint: string }[];
type Texts = Readonly<Record<keyof TariffInput, string>>;

/** A ride to see what a fare means. */
const SAMPLES = [
  { meters: 2000, seconds: 8 * 60, words: "2 km, 8 min" },
  { meters: 6000, seconds: 15 * 60, words: "6 km, 15 min" },
  { meters: 18_000, seconds: 40 * 60, words: "18 km, 40 min" },
] as const;
const fareOf = (tariff: TariffInput, { meters, seconds }: (typeof SAMPLES)[number]) =>
  fareFor(tariff, { distanceMeters: meters, durationSeconds: seconds, surge: 1 });

interface FareDrawerProps {
  readonly zone: FareRow;
  readonly category: { readonly id: string; readonly name: string };
  readonly own: FareCell["own"];
  /** What holds when the zone has none of its own; null for the general fare itself. */
  readonly general: FareCell["own"];
  readonly onClose: () => void;
}

/** One fare, in the currency's units, with what rides would cost. */
export function FareDrawer({ zone, category, own, general, onClose }: FareDrawerProps) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const before = own ?? general;
  const digits =
    new Intl.NumberFormat("en", { style: "currency", currency: zone.currency }).resolvedOptions()
      .maximumFractionDigits ?? 2;
  const [texts, setTexts] = useState(
    () =>
      Object.fromEntries(
        FIELDS.map(({ key }) => [key, before === null ? "" : (before[key] / 10 ** digits).toFixed(digits)]),
      ) as Texts,
  );
  const [asking, setAsking] = useState<"save" | "remove" | null>(null);
  const set = useMutation(
    trpc.pricing.setFare.mutationOptions({ onSettled: () => queryClient.invalidateQueries(trpc.pricing.pathFilter()) }),
  );
  const minor = (text: string) => (text.trim() === "" ? Number.NaN : Math.round(Number(text) * 10 ** digits));
  const typed = tariffSchema.safeParse(Object.fromEntries(FIELDS.map(({ key }) => [key, minor(texts[key])])));
  const after = typed.success ? typed.data : null;
  const changed = after !== null && (own === null || FIELDS.some(({ key }) => after[key] !== own[key]));
  const amount = (value: number) => formatAmount({ amount: value, currency: zone.currency });

  const send = async (tariff: TariffInput | null, reason: string) => {
    const place = { zoneId: zone.zoneId, categoryId: category.id };
    await set.mutateAsync({ ...place, tariff, expectedVersion: own?.version ?? 0, reason });
    toast.success(`${category.name} in ${zone.zoneName} is changed, for trips booked from now on`);
    onClose();
  };

  return (
    <Drawer
      open
      onOpenChange={(open) => !open && onClose()}
      title={`${category.name} in ${zone.zoneName}`}
      description={`${own === null && zone.zoneId !== null ? "The general fare holds here. " : ""}In ${zone.currency}, for trips booked from now on.`}
    >
      <div className="grid grid-cols-2 gap-x-4 gap-y-3 border-b px-4 py-3">
        {FIELDS.map(({ key, label, hint }) => (
          <Field key={key} label={label} hint={hint}>
            {(id) => (
              <Input
                id={id}
                inputMode="decimal"
                className="text-right font-mono"
                value={texts[key]}
                aria-invalid={!(minor(texts[key]) >= 0)}
                onChange={(event) => setTexts({ ...texts, [key]: event.target.value })}
              />
            )}
          </Field>
        ))}
      </div>
      <Section id="samples" title="What rides would cost" note="without surge">
        <table className="mb-3 w-full">
          <thead className="text-faint text-xs">
            <tr>
              <th scope="col" className="px-4 py-1 text-left font-normal">
                Ride
              </th>
              <th scope="col" className="py-1 text-right font-normal">
                Now
              </th>
              <th scope="col" className="px-4 py-1 text-right font-normal">
                After
              </th>
            </tr>
          </thead>
          <tbody>
            {SAMPLES.map((sample) => (
              <tr key={sample.words} className="border-t">
                <td className="px-4 py-1.5">{sample.words}</td>
                <td className="py-1.5 text-right text-muted">
                  {before === null ? (
                    "–"
                  ) : (
                    <Money value={{ amount: fareOf(before, sample), currency: zone.currency }} />
                  )}
                </td>
                <td className="px-4 py-1.5 text-right">
                  {after === null ? "–" : <Money value={{ amount: fareOf(after, sample), currency: zone.currency }} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Section>
      <footer className="sticky bottom-0 flex items-center gap-2 border-t bg-raised px-4 py-3">
        {own !== null && zone.zoneId !== null && (
          <Button variant="danger" onClick={() => setAsking("remove")}>
            Use the general fare
          </Button>
        )}
        <span className="flex-1" />
        <Button onClick={onClose}>Keep as it is</Button>
        <Button variant="primary" disabled={!changed} onClick={() => setAsking("save")}>
          Save fare
        </Button>
      </footer>
      <ReasonDialog
        open={asking !== null}
        onOpenChange={(open) => !open && setAsking(null)}
        title={
          asking === "remove"
            ? `Use the general fare in ${zone.zoneName}?`
            : `Change the fare of ${category.name} in ${zone.zoneName}?`
        }
        effect={
          <ul className="space-y-0.5">
            {FIELDS.map(({ key, label }) => {
              const next = asking === "remove" ? general : after;
              return (
                <li key={key}>
                  {label}: {before === null ? "none" : amount(before[key])} →{" "}
                  <span className="font-medium text-ink">{next === null ? "none" : amount(next[key])}</span>
                </li>
              );
            })}
          </ul>
        }
        verb={asking === "remove" ? "Use the general fare" : "Save fare"}
        unchanged="Trips cost what they did."
        onConfirm={(reason) => send(asking === "remove" ? null : after, reason)}
      />
    </Drawer>
  );
}
