"use client";

import { Button } from "#components/ui/button.tsx";
import { cx } from "#components/ui/class-names.ts";
import { EmptyState } from "#components/ui/notice.tsx";
import type { ZoneRow } from "#server/contracts/zones.ts";

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

interface ZoneListProps {
  readonly zones: readonly ZoneRow[] | undefined;
  readonly chosen: string | null;
  readonly onOpen: (id: string) => void;
  readonly onNew: () => void;
}

/** Every zone by name, those switched off too. */
export function ZoneList({ zones, chosen, onOpen, onNew }: ZoneListProps) {
  if (zones === undefined)
    return (
      <div role="status" aria-label="Loading the zones" className="space-y-px p-2">
        {Array.from({ length: 8 }, (_, i) => `row-${i}`).map((row) => (
          <div key={row} className="h-11 animate-breathe rounded-sm bg-hover" />
        ))}
      </div>
    );
  if (zones.length === 0)
    return (
      <EmptyState
        title="No zones yet"
        action={
          <Button variant="primary" onClick={onNew}>
            Draw the first zone
          </Button>
        }
      >
        Trips are booked where a zone is. Draw one on the map, or bring a GeoJSON file.
      </EmptyState>
    );
  return (
    <ul aria-label="Zones" className="min-h-0 flex-1 overflow-y-auto py-1">
      {zones.map((zone) => (
        <li key={zone.id}>
          <button
            type="button"
            onClick={() => onOpen(zone.id)}
            aria-current={zone.id === chosen || undefined}
            className={cx(
              "flex w-full items-baseline gap-2 px-4 py-1.5 text-left hover:bg-hover",
              zone.id === chosen && "bg-hover",
            )}
          >
            <span className="min-w-0 flex-1">
              <span className={cx("block truncate font-medium", !zone.isActive && "text-muted")}>{zone.name}</span>
              <span className="block truncate text-muted text-xs">
                {zone.isActive ? "" : "Switched off · "}
                {zone.parts === 1 ? "1 part" : `${zone.parts} parts`}
                {zone.holes > 0 && ` · ${zone.holes === 1 ? "1 hole" : `${zone.holes} holes`}`} · {zone.points} points
                {zone.priority !== 0 && ` · priority ${zone.priority}`}
              </span>
            </span>
            <span className="whitespace-nowrap text-right font-mono text-muted text-xs">
              {NUMBER.format(zone.squareKm)} km²
              <span className="block text-faint">{zone.currency}</span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
