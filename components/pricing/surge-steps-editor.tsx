"use client";

import { Plus, X } from "lucide-react";
import { Button } from "#components/ui/button.tsx";
import { Input } from "#components/ui/input.tsx";
import type { SurgeStep } from "#server/contracts/surge.ts";

interface SurgeStepsEditorProps {
  readonly steps: readonly SurgeStep[];
  /** Whether the zone has this table for itself. */
  readonly own: boolean;
  /** Null: the platform's table. */
  readonly onChange: (steps: readonly SurgeStep[] | null) => void;
}

/** The table from trips per free driver to what fares are multiplied by. */
export function SurgeStepsEditor({ steps, own, onChange }: SurgeStepsEditorProps) {
  const replace = (at: number, part: Partial<SurgeStep>) =>
    onChange(steps.map((step, i) => (i === at ? { ...step, ...part } : step)));
  const add = () => {
    const [last, before] = [steps.at(-1), steps.at(-2)];
    if (last === undefined) return;
    const below = (before?.below ?? 0) + 1;
    onChange([...steps.slice(0, -1), { ...last, below }, { below: null, multiplier: last.multiplier + 0.5 }]);
  };
  const remove = (at: number) => {
    const left = steps.filter((_, i) => i !== at);
    onChange(left.map((step, i) => (i === left.length - 1 ? { ...step, below: null } : step)));
  };
  return (
    <div className="px-4 pb-3">
      <div className="mb-1 flex items-center gap-2">
        <h3 className="flex-1 font-medium">Table</h3>
        {own && <Button onClick={() => onChange(null)}>Use the platform's</Button>}
        <Button onClick={add} disabled={steps.length >= 10}>
          <Plus aria-hidden className="size-3.5" /> Add a step
        </Button>
      </div>
      <table className="w-full text-left">
        <caption className="sr-only">
          What fares are multiplied by, for how many trips there are for each free driver
        </caption>
        <thead className="text-faint text-xs">
          <tr>
            <th scope="col" className="w-1/2 py-1 font-normal">
              Below, trips per free driver
            </th>
            <th scope="col" className="py-1 font-normal">
              Fares, times the usual
            </th>
            <th scope="col" className="w-10">
              <span className="sr-only">Remove</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {steps.map((step, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place in the table
            <tr key={i}>
              <td className="py-0.5 pr-2">
                {step.below === null ? (
                  <span className="px-2.5 text-muted">any more</span>
                ) : (
                  <Input
                    type="number"
                    min={0.05}
                    step={0.05}
                    aria-label={`Step ${i + 1}: below`}
                    value={step.below}
                    onChange={(event) => replace(i, { below: Number(event.target.value) })}
                  />
                )}
              </td>
              <td className="py-0.5 pr-2">
                <Input
                  type="number"
                  min={1}
                  step={0.05}
                  disabled={i === 0}
                  aria-label={`Step ${i + 1}: times`}
                  value={step.multiplier}
                  onChange={(event) => replace(i, { multiplier: Number(event.target.value) })}
                />
              </td>
              <td className="py-0.5">
                {i > 0 && (
                  <Button size="icon" variant="ghost" aria-label={`Remove step ${i + 1}`} onClick={() => remove(i)}>
                    <X aria-hidden className="size-3.5" />
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
