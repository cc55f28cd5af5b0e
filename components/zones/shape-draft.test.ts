import { expect, test } from "vitest";
import type { MapCorner } from "#components/map/map-types.ts";
import type { Shape } from "#server/contracts/zone-shape.ts";
import { addPoint, draftOf, drag, finishRing, grab, removeCorner, shapeOf, startRing, undo } from "./shape-draft.ts";

const SQUARE: Shape = [
  [
    [
      [0, 0],
      [2, 0],
      [2, 2],
      [0, 2],
      [0, 0],
    ],
  ],
];
const corner = (index: number, isMiddle = false): MapCorner => ({ part: 0, ring: 0, index, isMiddle });

test("a shape comes back as it went in", () => expect(shapeOf(draftOf(SQUARE))).toEqual(SQUARE));

test("the first corner moves with its repetition", () => {
  const moved = drag(grab(draftOf(SQUARE), corner(0)), corner(0), [-1, -1]);
  expect(shapeOf(moved)[0]?.[0]).toEqual([
    [-1, -1],
    [2, 0],
    [2, 2],
    [0, 2],
    [-1, -1],
  ]);
});

test("a middle becomes a corner between its two, also on the closing edge; a drag is one step to undo", () => {
  const grabbed = grab(draftOf(SQUARE), corner(3, true));
  const dragged = drag(drag(grabbed, corner(4), [-1, 1]), corner(4), [-2, 1]);
  expect(shapeOf(dragged)[0]?.[0]).toHaveLength(6);
  expect(shapeOf(dragged)[0]?.[0]?.[4]).toEqual([-2, 1]);
  expect(shapeOf(undo(dragged))).toEqual(SQUARE);
});

test("a corner goes; the third last takes its ring along", () => {
  const triangle = removeCorner(draftOf(SQUARE), corner(2));
  expect(shapeOf(triangle)[0]?.[0]).toHaveLength(4);
  expect(shapeOf(removeCorner(triangle, corner(0)))).toEqual([]);
});

test("a ring is drawn point by point, as a part or a hole; undo takes back points, then the drawing, then the ring", () => {
  const points = [
    [0.5, 0.5],
    [1, 0.5],
    [1, 1],
  ] as const;
  const drawn = points.reduce((draft, [x, y]) => addPoint(draft, [x, y]), startRing(draftOf(SQUARE), 0));
  expect(finishRing(undo(drawn)).drawn, "two points are no ring").not.toBeNull();
  const hole = finishRing(drawn);
  expect(hole.parts.map((part) => part.length)).toEqual([2]);
  expect(shapeOf(undo(hole))).toEqual(SQUARE);
  expect(undo(undo(undo(undo(drawn)))).drawn).toBeNull();
  const part = finishRing(points.reduce((draft, [x, y]) => addPoint(draft, [x, y]), startRing(draftOf(SQUARE), null)));
  expect(part.parts).toHaveLength(2);
});
