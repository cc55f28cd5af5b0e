"use client";

import { Check, Minus } from "lucide-react";
import { Checkbox as Radix } from "radix-ui";

interface CheckboxProps {
  readonly label: string;
  readonly checked: boolean | "indeterminate";
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
}

/** The box is 16 px, what one hits is 24. */
export function Checkbox({ label, checked, onChange, disabled }: CheckboxProps) {
  return (
    <Radix.Root
      aria-label={label}
      checked={checked}
      disabled={disabled}
      onClick={(event) => event.stopPropagation()}
      onCheckedChange={(next) => onChange(next === true)}
      className="group/check grid size-6 place-items-center rounded-sm disabled:opacity-40"
    >
      <span className="grid size-4 place-items-center rounded-sm border border-control bg-surface text-on-accent group-data-[state=checked]/check:border-accent group-data-[state=indeterminate]/check:border-accent group-data-[state=checked]/check:bg-accent group-data-[state=indeterminate]/check:bg-accent">
        <Radix.Indicator>
          {checked === "indeterminate" ? (
            <Minus aria-hidden className="size-3" strokeWidth={3} />
          ) : (
            <Check aria-hidden className="size-3" strokeWidth={3} />
          )}
        </Radix.Indicator>
      </span>
    </Radix.Root>
  );
}
