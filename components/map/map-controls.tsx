import { Maximize, Minus, Plus } from "lucide-react";
import type { ReactNode } from "react";

type MapControlsProps = { onZoom: (direction: "in" | "out") => void; onFit: () => void };

/** Zoom and fit. Ordinary buttons, so that Tab, Space and a screen reader reach them; the map itself also takes +, −, 0 and the arrows. */
export function MapControls({ onZoom, onFit }: MapControlsProps) {
  return (
    <div className="absolute right-3 bottom-3 flex flex-col divide-y divide-line overflow-hidden rounded-md bg-raised shadow-float">
      <ControlButton label="Zoom in" shortcut="+" onPress={() => onZoom("in")}>
        <Plus size={16} aria-hidden />
      </ControlButton>
      <ControlButton label="Zoom out" shortcut="−" onPress={() => onZoom("out")}>
        <Minus size={16} aria-hidden />
      </ControlButton>
      <ControlButton label="Fit everything" shortcut="0" onPress={onFit}>
        <Maximize size={14} aria-hidden />
      </ControlButton>
    </div>
  );
}

type ControlButtonProps = { label: string; shortcut: string; onPress: () => void; children: ReactNode };

function ControlButton({ label, shortcut, onPress, children }: ControlButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={`${label} (${shortcut})`}
      onClick={onPress}
      className="grid size-8 place-items-center text-muted hover:bg-hover hover:text-ink focus-visible:outline-2 focus-visible:-outline-offset-2 focus-visible:outline-accent"
    >
      {children}
    </button>
  );
}
