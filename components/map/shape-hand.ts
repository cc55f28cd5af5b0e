import type { GlMap, GlPointerEvent } from "./gl-library.ts";
import type { LngLat, MapCorner, MapEditing } from "./map-types.ts";

/** Half the side of the box a press looks in, pixels. */
const REACH_PX = 12;
/** A press that moves less is a click. */
const SLIP_PX = 3;

type Listener = Pick<MapEditing, "onGrab" | "onDrag" | "onPick" | "onGround">;

/** The pointer while a shape is drawn: takes hold of corners, and of middles of edges, which become corners. */
export class ShapeHand {
  readonly #listener: Listener;
  #held: { corner: MapCorner; from: { x: number; y: number }; moved: boolean } | null = null;
  #justDragged = false;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  press(event: GlPointerEvent, map: GlMap): void {
    this.#justDragged = false;
    const corner = cornerAt(event, map);
    if (!corner) return;
    // The map would move along.
    event.preventDefault();
    this.#held = { corner, from: { x: event.point.x, y: event.point.y }, moved: false };
  }

  /** Answers the cursor. */
  move(event: GlPointerEvent, map: GlMap): string {
    const held = this.#held;
    if (!held) return cornerAt(event, map) ? "grab" : "crosshair";
    const { x, y } = event.point;
    if (!held.moved && Math.hypot(x - held.from.x, y - held.from.y) < SLIP_PX) return "grabbing";
    if (!held.moved) {
      held.moved = true;
      this.#listener.onGrab(held.corner);
      const { isMiddle, index } = held.corner;
      if (isMiddle) held.corner = { ...held.corner, isMiddle: false, index: index + 1 };
    }
    this.#listener.onDrag(held.corner, positionOf(event));
    return "grabbing";
  }

  release(): void {
    this.#justDragged = this.#held?.moved === true;
    this.#held = null;
  }

  click(event: GlPointerEvent, map: GlMap): void {
    // Browsers send a click after a drag too.
    if (this.#justDragged) {
      this.#justDragged = false;
      return;
    }
    const corner = cornerAt(event, map);
    if (corner && !corner.isMiddle) this.#listener.onPick(corner);
    else if (!corner) this.#listener.onGround(positionOf(event));
  }
}

const positionOf = ({ lngLat }: GlPointerEvent): LngLat => [lngLat.lng, lngLat.lat];

function cornerAt({ point: { x, y } }: GlPointerEvent, map: GlMap): MapCorner | null {
  const layers = ["shape-corners", "shape-middles"].filter((layer) => map.getLayer(layer));
  if (layers.length === 0) return null;
  const near = map.queryRenderedFeatures(
    [
      [x - REACH_PX, y - REACH_PX],
      [x + REACH_PX, y + REACH_PX],
    ],
    { layers },
  );
  // A corner before a middle, where both are in reach.
  const [hit] = near.toSorted((a, b) => layers.indexOf(a.layer.id) - layers.indexOf(b.layer.id));
  if (!hit) return null;
  const { part, ring, index } = hit.properties;
  return { part: Number(part), ring: Number(ring), index: Number(index), isMiddle: hit.layer.id === "shape-middles" };
}
