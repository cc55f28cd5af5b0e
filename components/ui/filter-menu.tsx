"use client";

import { ChevronDown } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { cx } from "./class-names.ts";
import {
  Menu,
  MenuCheckboxItem,
  MenuContent,
  MenuItem,
  MenuRadioGroup,
  MenuRadioItem,
  MenuSeparator,
  MenuTrigger,
} from "./menu.tsx";

export interface FilterOption<V extends string> {
  readonly value: V;
  readonly label: string;
  readonly mark?: ReactNode;
}

interface FilterTriggerProps {
  readonly label: string;
  readonly summary: string | null;
}

function FilterTrigger({ label, summary }: FilterTriggerProps) {
  return (
    <MenuTrigger asChild>
      <Button className={cx(summary !== null && "border-accent! bg-accent-soft!")}>
        <span className={summary === null ? "text-muted" : undefined}>{label}</span>
        {summary !== null && <span className="max-w-40 truncate text-accent-ink">{summary}</span>}
        <ChevronDown aria-hidden className="text-faint" />
      </Button>
    </MenuTrigger>
  );
}

interface ManyProps<V extends string> {
  readonly label: string;
  readonly options: readonly FilterOption<V>[];
  readonly value: readonly V[];
  readonly onChange: (value: V[]) => void;
}

/** Any of several values; none chosen means all. */
export function FilterMany<V extends string>({ label, options, value, onChange }: ManyProps<V>) {
  const chosen = options.filter((option) => value.includes(option.value));
  const first = chosen[0];
  const summary = first ? (chosen.length === 1 ? first.label : `${chosen.length} chosen`) : null;
  return (
    <Menu>
      <FilterTrigger label={label} summary={summary} />
      <MenuContent>
        {options.map((option) => (
          <MenuCheckboxItem
            key={option.value}
            checked={value.includes(option.value)}
            onCheckedChange={(checked) =>
              onChange(checked ? [...value, option.value] : value.filter((each) => each !== option.value))
            }
          >
            {option.mark}
            {option.label}
          </MenuCheckboxItem>
        ))}
        {first && (
          <>
            <MenuSeparator />
            <MenuItem onSelect={() => onChange([])}>Show all</MenuItem>
          </>
        )}
      </MenuContent>
    </Menu>
  );
}

interface OneProps<V extends string> {
  readonly label: string;
  /** What choosing nothing is called: "Any zone". */
  readonly anyLabel: string;
  readonly options: readonly FilterOption<V>[];
  readonly value: V | null;
  readonly onChange: (value: V | null) => void;
}

export function FilterOne<V extends string>({ label, anyLabel, options, value, onChange }: OneProps<V>) {
  const chosen = options.find((option) => option.value === value);
  return (
    <Menu>
      <FilterTrigger label={label} summary={chosen?.label ?? null} />
      <MenuContent>
        <MenuRadioGroup
          value={value ?? ""}
          onValueChange={(next) => onChange(options.find((option) => option.value === next)?.value ?? null)}
        >
          <MenuRadioItem value="">{anyLabel}</MenuRadioItem>
          {options.map((option) => (
            <MenuRadioItem key={option.value} value={option.value}>
              {option.mark}
              {option.label}
            </MenuRadioItem>
          ))}
        </MenuRadioGroup>
      </MenuContent>
    </Menu>
  );
}
