"use client";

import { Check, ClipboardPaste, Eraser, PenLine, Trash2, Undo2 } from "lucide-react";
import type { Dispatch, SetStateAction } from "react";
import { Button } from "#components/ui/button.tsx";
import * as outline from "./shape-draft.ts";

interface OutlineToolsProps {
  readonly draft: outline.ShapeDraft;
  readonly setDraft: Dispatch<SetStateAction<outline.ShapeDraft>>;
  readonly onPaste: () => void;
}

/** What one can do with the outline now, and how. */
export function OutlineTools({ draft, setDraft, onPaste }: OutlineToolsProps) {
  const { drawn, picked, parts } = draft;
  const left = drawn ? Math.max(0, 3 - drawn.ring.length) : 0;
  const undo = (
    <Button onClick={() => setDraft(outline.undo)} disabled={!drawn && draft.past.length === 0}>
      <Undo2 aria-hidden />
      Undo
    </Button>
  );
  if (drawn)
    return (
      <div className="space-y-1.5">
        <p className="text-muted text-xs" aria-live="polite">
          {drawn.holeOf === null ? "A new part" : `A hole in part ${drawn.holeOf + 1}`}: click its corners on the map.{" "}
          {left > 0 ? `${left} more at least.` : "Enter finishes it."}
        </p>
        <div className="flex flex-wrap gap-1.5">
          <Button variant="primary" disabled={left > 0} onClick={() => setDraft(outline.finishRing)}>
            <Check aria-hidden />
            Finish ring
          </Button>
          {undo}
          <Button onClick={onPaste}>
            <ClipboardPaste aria-hidden />
            Paste GeoJSON
          </Button>
        </div>
      </div>
    );
  const part = picked?.part ?? (parts.length === 1 ? 0 : null);
  return (
    <div className="space-y-1.5">
      <p className="text-muted text-xs">
        Drag a corner, or the dot in the middle of an edge to add one. Click a corner to pick it.
      </p>
      <div className="flex flex-wrap gap-1.5">
        <Button onClick={() => setDraft((now) => outline.startRing(now, null))}>
          <PenLine aria-hidden />
          Draw part
        </Button>
        <Button
          disabled={part === null}
          title={part === null ? "Pick a corner of the part that gets the hole" : undefined}
          onClick={() => setDraft((now) => outline.startRing(now, part))}
        >
          <PenLine aria-hidden />
          Draw hole
        </Button>
        {undo}
        <Button onClick={onPaste}>
          <ClipboardPaste aria-hidden />
          GeoJSON
        </Button>
        {picked && (
          <>
            <Button onClick={() => setDraft((now) => outline.removeCorner(now, picked))}>
              <Eraser aria-hidden />
              Delete corner
            </Button>
            <Button onClick={() => setDraft((now) => outline.removeRing(now, picked))}>
              <Trash2 aria-hidden />
              {picked.ring === 0 ? `Delete part ${picked.part + 1}` : `Delete hole ${picked.ring}`}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}
