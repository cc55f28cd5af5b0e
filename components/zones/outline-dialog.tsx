"use client";

import { useState } from "react";
import { Button } from "#components/ui/button.tsx";
import { Dialog } from "#components/ui/dialog.tsx";
import { Field } from "#components/ui/field.tsx";
import { Textarea } from "#components/ui/input.tsx";
import { type Shape, shapeFaults } from "#server/contracts/zone-shape.ts";
import { outlineText, readOutline } from "./zone-geojson.ts";

interface OutlineDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly shape: Shape;
  readonly onTake: (shape: Shape) => void;
}

/** The outline as text: to take it elsewhere, to bring one from there, and to change it by the keyboard alone. */
export function OutlineDialog(props: OutlineDialogProps) {
  return (
    <Dialog
      open={props.open}
      onOpenChange={props.onOpenChange}
      title="Outline as GeoJSON"
      description="A Polygon, a MultiPolygon, or features of them. Longitude comes first."
    >
      {props.open && <OutlineForm {...props} />}
    </Dialog>
  );
}

function OutlineForm({ shape, onTake, onOpenChange }: OutlineDialogProps) {
  const [text, setText] = useState(() => (shape.length === 0 ? "" : outlineText(shape)));
  const read = text.trim() === "" ? { problem: "Paste an outline." } : readOutline(text);
  const problems = "problem" in read ? [read.problem] : shapeFaults(read.shape).map(({ message }) => `${message}.`);
  return (
    <>
      <div className="space-y-2 px-4 py-3">
        <Field label="GeoJSON">
          {(id) => (
            <Textarea
              id={id}
              rows={10}
              spellCheck={false}
              className="font-mono text-xs"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
        <ul aria-live="polite" className="space-y-1 text-danger text-xs">
          {text.trim() !== "" && problems.slice(0, 4).map((problem) => <li key={problem}>{problem}</li>)}
        </ul>
      </div>
      <footer className="flex justify-end gap-2 border-t px-4 py-3">
        <Button onClick={() => onOpenChange(false)}>Keep the outline</Button>
        {/* Faults do not keep it out: they are mended on the map, and saving waits for that. */}
        <Button
          variant="primary"
          disabled={"problem" in read}
          onClick={() => {
            if ("problem" in read) return;
            onTake(read.shape);
            onOpenChange(false);
          }}
        >
          Show on the map
        </Button>
      </footer>
    </>
  );
}
