"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import type { LngLat, MapEditing } from "#components/map/map-types.ts";
import { Button } from "#components/ui/button.tsx";
import { Field } from "#components/ui/field.tsx";
import { Input } from "#components/ui/input.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Select } from "#components/ui/select.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { ZoneOutline } from "#server/contracts/console.ts";
import { overlapAt, type Shape, shapeFaults, squareKilometres } from "#server/contracts/zone-shape.ts";
import type { ZoneDetail, ZoneRow } from "#server/contracts/zones.ts";
import { OutlineDialog } from "./outline-dialog.tsx";
import { OutlineTools } from "./outline-tools.tsx";
import { OverlapNotice } from "./overlap-notice.tsx";
import { RemoveZone } from "./remove-zone.tsx";
import * as outline from "./shape-draft.ts";
import { changesOf, type FieldsDraft, fieldFault, fieldsOf } from "./zone-fields.ts";

interface ZoneEditorProps {
  /** Null: a new one. */
  readonly zone: ZoneDetail | null;
  readonly others: readonly ZoneRow[];
  readonly outlines: readonly ZoneOutline[];
  readonly onEditing: (editing: MapEditing | null) => void;
  /** An outline came from elsewhere: to be looked at. */
  readonly onShape: (shape: Shape) => void;
  readonly onClose: () => void;
  readonly onSaved: (id: string) => void;
}

/** A zone's name, rules and outline; the outline is drawn on the map beside it. */
export function ZoneEditor({ zone, others, outlines, onEditing, onShape, onClose, onSaved }: ZoneEditorProps) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [fields, setFields] = useState<FieldsDraft>(() => fieldsOf(zone));
  const [draft, setDraft] = useState(() =>
    zone === null ? outline.startRing(outline.draftOf([]), null) : outline.draftOf(zone.shape),
  );
  const [pasting, setPasting] = useState(false);
  const [asking, setAsking] = useState(false);
  const [isMeant, setMeant] = useState(false);

  const shape = useMemo(() => outline.shapeOf(draft), [draft]);
  const faults = useMemo(() => (shape.length === 0 ? [] : shapeFaults(shape)), [shape]);
  const priority = Number(fields.priority);
  const overlaps = useMemo(() => {
    if (faults.length > 0 || !fields.isActive || shape.length === 0) return [];
    const rivals = new Set(
      others.filter((one) => one.isActive && one.id !== zone?.id && one.priority === priority).map(({ id }) => id),
    );
    return outlines.filter(({ id, coordinates }) => rivals.has(id) && overlapAt(shape, coordinates) !== null);
  }, [faults, fields.isActive, priority, shape, others, outlines, zone?.id]);

  const { parts, drawn, picked } = draft;
  useEffect(() => {
    onEditing({
      ...{ parts, picked, drawn: drawn?.ring ?? null },
      faults: faults.flatMap(({ at }) => at.map(([lng, lat]): LngLat => [lng, lat])),
      onGrab: (corner) => setDraft((now) => outline.grab(now, corner)),
      onDrag: (corner, at) => setDraft((now) => outline.drag(now, corner, at)),
      onPick: (corner) => setDraft((now) => (now.drawn ? now : { ...now, picked: corner })),
      onGround: (at) => setDraft((now) => outline.addPoint(now, at)),
    });
  }, [onEditing, parts, drawn, picked, faults]);
  useEffect(() => () => onEditing(null), [onEditing]);

  const onKey = useCallback((event: KeyboardEvent) => {
    const typing =
      event.target instanceof HTMLElement && event.target.closest("input, textarea, select, [role=dialog]");
    if (typing) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "z") setDraft(outline.undo);
    else if (event.key === "Enter") setDraft(outline.finishRing);
    else if (event.key === "Delete" || event.key === "Backspace")
      setDraft((now) => (now.picked ? outline.removeCorner(now, now.picked) : now));
    else return;
    event.preventDefault();
  }, []);
  useEffect(() => {
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [onKey]);

  const save = useMutation(
    trpc.zones.save.mutationOptions({
      onSettled: () =>
        Promise.all([
          queryClient.invalidateQueries(trpc.zones.pathFilter()),
          queryClient.invalidateQueries(trpc.map.zones.pathFilter()),
        ]),
    }),
  );
  const changes = changesOf(zone, fields, shape);
  const isReshaped = zone === null || JSON.stringify(zone.shape) !== JSON.stringify(shape);
  const fault =
    fieldFault(fields) ??
    (drawn ? "Finish the ring that is being drawn." : null) ??
    (shape.length === 0 ? "Draw an outline on the map, or paste one." : null) ??
    (isReshaped ? (faults[0]?.message ?? null) : null);
  const change = (part: Partial<FieldsDraft>) => setFields({ ...fields, ...part });

  return (
    <>
      <header className="flex items-center gap-2 border-b px-2 py-1.5">
        <Button variant="ghost" size="icon" aria-label="Back to the zones" onClick={onClose}>
          <ArrowLeft aria-hidden />
        </Button>
        <h2 className="min-w-0 flex-1 truncate font-semibold">{zone === null ? "New zone" : zone.name}</h2>
        <span className="pr-2 text-muted text-xs">{squareKilometres(shape).toFixed(1)} km²</span>
      </header>
      <div className="min-h-0 flex-1 space-y-3 overflow-y-auto px-4 py-3">
        <OutlineTools draft={draft} setDraft={setDraft} onPaste={() => setPasting(true)} />
        {faults.length > 0 && (
          <ul role="alert" className="space-y-1 rounded-md bg-danger-soft px-3 py-2 text-danger text-xs">
            {faults.slice(0, 4).map(({ path, message }) => (
              <li key={`${path}:${message}`}>{message}.</li>
            ))}
            {faults.length > 4 && <li>And {faults.length - 4} more.</li>}
          </ul>
        )}
        <OverlapNotice names={overlaps.map(({ name }) => name)} />
        <Field label="Name">
          {(id) => (
            <Input
              id={id}
              value={fields.name}
              maxLength={100}
              onChange={(event) => change({ name: event.target.value })}
            />
          )}
        </Field>
        <div className="grid grid-cols-2 gap-3">
          <Field label="Priority" hint="The higher one holds where zones overlap.">
            {(id) => (
              <Input
                id={id}
                type="number"
                step={1}
                value={fields.priority}
                onChange={(event) => change({ priority: event.target.value })}
              />
            )}
          </Field>
          <Field label="Currency" hint="Of its fares, as EGP.">
            {(id) => (
              <Input
                id={id}
                value={fields.currency}
                maxLength={3}
                onChange={(event) => change({ currency: event.target.value.toUpperCase() })}
              />
            )}
          </Field>
        </div>
        <Field label="Service" hint="Switched off, no trip is booked there; those under way go on.">
          {(id) => (
            <Select
              id={id}
              value={fields.isActive ? "1" : "0"}
              onChange={(event) => change({ isActive: event.target.value === "1" })}
            >
              <option value="1">On: trips are booked here</option>
              <option value="0">Off</option>
            </Select>
          )}
        </Field>
        {zone !== null && (
          <p className="text-muted text-xs">
            Version {zone.version}, {zone.updatedBy === null ? "as loaded" : `by ${zone.updatedBy}`},{" "}
            <Moment at={zone.updatedAt} /> · code <span className="font-mono">{zone.code}</span>
          </p>
        )}
        {zone !== null && <RemoveZone zone={zone} onRemoved={onClose} />}
      </div>
      <footer className="flex items-center gap-2 border-t px-4 py-2.5">
        <p
          className={fault ? "min-w-0 flex-1 truncate text-danger text-xs" : "flex-1 text-muted text-xs"}
          title={fault ?? undefined}
        >
          {fault ?? (changes.length === 0 ? "Nothing changed" : `${changes.length} changed`)}
        </p>
        <Button onClick={onClose}>Discard</Button>
        <Button variant="primary" disabled={fault !== null || changes.length === 0} onClick={() => setAsking(true)}>
          Save zone
        </Button>
      </footer>
      <OutlineDialog
        open={pasting}
        onOpenChange={setPasting}
        shape={shape}
        onTake={(taken) => {
          setDraft((now) => outline.replaceShape(now, taken));
          onShape(taken);
        }}
      />
      <ReasonDialog
        open={asking}
        onOpenChange={(open) => {
          setAsking(open);
          setMeant(false);
        }}
        title={zone === null ? `Add ${fields.name.trim()}?` : `Change ${zone.name}?`}
        effect={
          <ul className="space-y-0.5">
            {changes.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        }
        verb={zone === null ? "Add zone" : "Save zone"}
        unchanged="The zones are as before."
        onConfirm={async (reason) => {
          const { id } = await save.mutateAsync({
            ...{ id: zone?.id ?? null, name: fields.name.trim(), priority, currency: fields.currency },
            ...{ isActive: fields.isActive, acknowledgeOverlap: isMeant, expectedVersion: zone?.version ?? 0, reason },
            shape: isReshaped
              ? shape.map((part) => part.map((ring) => ring.map(([lng, lat]): LngLat => [lng, lat])))
              : null,
          });
          toast.success(`${fields.name.trim()} is saved`);
          onSaved(id);
        }}
      >
        <OverlapNotice names={overlaps.map(({ name }) => name)} meant={isMeant} onMeant={setMeant} />
      </ReasonDialog>
    </>
  );
}
