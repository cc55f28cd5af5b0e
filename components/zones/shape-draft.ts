import type { LngLat, MapCorner } from "#components/map/map-types.ts";
import { type Position, type Shape, tidyShape } from "#server/contracts/zone-shape.ts";

/** Rings without their repeated last position: so a corner has one place. */
type OpenShape = readonly (readonly (readonly LngLat[])[])[];

/** A zone's outline while somebody draws it. */
export interface ShapeDraft {
  readonly parts: OpenShape;
  /** The ring being drawn, and of which part it becomes a hole; null of a new part. */
  readonly drawn: { readonly ring: readonly LngLat[]; readonly holeOf: number | null } | null;
  readonly picked: MapCorner | null;
  /** What it was before each step, last first. */
  readonly past: readonly OpenShape[];
}

const STEPS_KEPT = 100;
const FEWEST = 3;

const open = (ring: readonly Position[]): LngLat[] => {
  const [first, last] = [ring[0], ring.at(-1)];
  const isClosed = first && last && ring.length > 1 && first[0] === last[0] && first[1] === last[1];
  return (isClosed ? ring.slice(0, -1) : ring).map(([lng, lat]): LngLat => [lng, lat]);
};

export const draftOf = (shape: Shape): ShapeDraft => ({
  ...{ parts: shape.map((part) => part.map(open)), drawn: null, picked: null, past: [] },
});

/** As it is stored: closed, to a centimetre. */
export const shapeOf = ({ parts }: ShapeDraft): Shape =>
  tidyShape(parts.map((part) => part.map((ring) => [...ring, ...ring.slice(0, 1)])));

const stepped = (draft: ShapeDraft, parts: OpenShape): ShapeDraft => ({
  ...{ ...draft, parts, picked: null },
  past: [draft.parts, ...draft.past].slice(0, STEPS_KEPT),
});

function withRing(
  parts: OpenShape,
  { part, ring }: Pick<MapCorner, "part" | "ring">,
  change: (ring: readonly LngLat[]) => readonly LngLat[],
): OpenShape {
  return parts.map((rings, p) => (p === part ? rings.map((one, r) => (r === ring ? change(one) : one)) : rings));
}

/** A drag begins: one step to undo, however far it goes. A middle becomes a corner. */
export function grab(draft: ShapeDraft, corner: MapCorner): ShapeDraft {
  const insert = (ring: readonly LngLat[]): readonly LngLat[] => {
    const [a, b] = [ring[corner.index], ring[(corner.index + 1) % ring.length]];
    return a && b ? ring.toSpliced(corner.index + 1, 0, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]) : ring;
  };
  return stepped(draft, corner.isMiddle ? withRing(draft.parts, corner, insert) : draft.parts);
}

export const drag = (draft: ShapeDraft, corner: MapCorner, at: LngLat): ShapeDraft => ({
  ...draft,
  parts: withRing(draft.parts, corner, (ring) => ring.with(corner.index, at)),
});

/** A ring of three corners goes as a whole, with its holes when it is a part's outline. */
export function removeCorner(draft: ShapeDraft, corner: MapCorner): ShapeDraft {
  const ring = draft.parts[corner.part]?.[corner.ring] ?? [];
  if (ring.length <= FEWEST) return removeRing(draft, corner);
  return stepped(
    draft,
    withRing(draft.parts, corner, (corners) => corners.toSpliced(corner.index, 1)),
  );
}

export function removeRing(draft: ShapeDraft, { part, ring }: Pick<MapCorner, "part" | "ring">): ShapeDraft {
  if (ring === 0) return stepped(draft, draft.parts.toSpliced(part, 1));
  return stepped(
    draft,
    draft.parts.map((rings, p) => (p === part ? rings.toSpliced(ring, 1) : rings)),
  );
}

export const startRing = (draft: ShapeDraft, holeOf: number | null): ShapeDraft => ({
  ...draft,
  drawn: { ring: [], holeOf },
  picked: null,
});

export const addPoint = (draft: ShapeDraft, at: LngLat): ShapeDraft =>
  draft.drawn ? { ...draft, drawn: { ...draft.drawn, ring: [...draft.drawn.ring, at] } } : { ...draft, picked: null };

export function finishRing(draft: ShapeDraft): ShapeDraft {
  if (!draft.drawn || draft.drawn.ring.length < FEWEST) return draft;
  const { ring, holeOf } = draft.drawn;
  const parts =
    holeOf === null ? [...draft.parts, [ring]] : draft.parts.map((part, p) => (p === holeOf ? [...part, ring] : part));
  return { ...stepped(draft, parts), drawn: null };
}

export const replaceShape = (draft: ShapeDraft, shape: Shape): ShapeDraft => ({
  ...stepped(draft, draftOf(shape).parts),
  drawn: null,
});

/** Takes back the last point of a ring being drawn, else the last step. */
export function undo(draft: ShapeDraft): ShapeDraft {
  if (draft.drawn) {
    const ring = draft.drawn.ring.slice(0, -1);
    return { ...draft, drawn: draft.drawn.ring.length === 0 ? null : { ...draft.drawn, ring } };
  }
  const [before, ...past] = draft.past;
  return before ? { ...draft, parts: before, past, picked: null } : draft;
}
