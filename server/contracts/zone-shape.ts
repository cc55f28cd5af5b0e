/**
 * What a zone's shape must be, and what is wrong with one. Pure, and in the contracts because the console says it while an
 * operator draws, in the same words in which the server refuses. Positions are [longitude, latitude] as in GeoJSON.
 */

export type Position = readonly [lng: number, lat: number];
/** Closed: the last position is the first. */
export type Ring = readonly Position[];
/** An outer ring, then its holes. */
export type Part = readonly Ring[];
/** Parts of one zone: GeoJSON's MultiPolygon coordinates. */
export type Shape = readonly Part[];

export const MAX_VERTICES = 5000;

/** One thing wrong with a shape: where (`parts.0.rings.1`), in words, and on the map where it has a place. */
export interface ShapeFault {
  readonly path: string;
  readonly message: string;
  readonly at: readonly Position[];
}

/** Positions are kept to a centimetre; in these units, sides of an edge are told apart without error within some 9 degrees. */
const UNITS = 1e7;
/** Overlaps thinner than about a metre are how borders are drawn, not what somebody meant. */
const SLIVER = 100;

interface Point {
  readonly x: number;
  readonly y: number;
}
interface Edge {
  readonly a: Point;
  readonly b: Point;
}
type Outline = readonly Point[];
type Area = readonly Outline[];

const pointOf = ([lng, lat]: Position): Point => ({ x: Math.round(lng * UNITS), y: Math.round(lat * UNITS) });
const positionOf = ({ x, y }: Point): Position => [x / UNITS, y / UNITS];
const same = (a: Point, b: Point): boolean => a.x === b.x && a.y === b.y;
/** Above 0: `p` lies left of the line from a to b. */
const side = ({ a, b }: Edge, p: Point): number => (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
const within = ({ a, b }: Edge, p: Point): boolean =>
  p.x >= Math.min(a.x, b.x) && p.x <= Math.max(a.x, b.x) && p.y >= Math.min(a.y, b.y) && p.y <= Math.max(a.y, b.y);
const isOn = (edge: Edge, p: Point): boolean => side(edge, p) === 0 && within(edge, p);
const boxesMeet = (one: Edge, other: Edge): boolean =>
  Math.max(one.a.x, one.b.x) >= Math.min(other.a.x, other.b.x) &&
  Math.max(other.a.x, other.b.x) >= Math.min(one.a.x, one.b.x) &&
  Math.max(one.a.y, one.b.y) >= Math.min(other.a.y, other.b.y) &&
  Math.max(other.a.y, other.b.y) >= Math.min(one.a.y, one.b.y);

/** Without the repeated last point, and without points that repeat the one before. */
function outlineOf(ring: Ring): Outline {
  const points = ring.map(pointOf).filter((point, i, all) => i === 0 || !same(point, all[i - 1] as Point));
  const [first, last] = [points[0], points.at(-1)];
  return first && last && points.length > 1 && same(first, last) ? points.slice(0, -1) : points;
}
const edgesOf = (outline: Outline): Edge[] =>
  outline.map((a, i) => ({ a, b: outline[(i + 1) % outline.length] as Point }));

/** Twice the area, above 0 when drawn anticlockwise. */
function doubledArea(outline: Outline): number {
  const [origin] = outline;
  if (origin === undefined) return 0;
  return edgesOf(outline).reduce(
    (sum, { a, b }) => sum + (a.x - origin.x) * (b.y - origin.y) - (b.x - origin.x) * (a.y - origin.y),
    0,
  );
}

type Where = "inside" | "border" | "outside";
function whereInOutline(p: Point, outline: Outline): Where {
  let inside = false;
  for (const edge of edgesOf(outline)) {
    if (isOn(edge, p)) return "border";
    const { a, b } = edge;
    if (a.y > p.y !== b.y > p.y && side(edge, p) > 0 === b.y > a.y) inside = !inside;
  }
  return inside ? "inside" : "outside";
}
function whereInArea(p: Point, [outer, ...holes]: Area): Where {
  const where = outer === undefined ? "outside" : whereInOutline(p, outer);
  if (where !== "inside") return where;
  for (const hole of holes) {
    const inHole = whereInOutline(p, hole);
    if (inHole !== "outside") return inHole === "border" ? "border" : "outside";
  }
  return "inside";
}

/** How two edges meet where they may not: across, or one lying on the other. Null: not, or only at an end. */
function crossing(one: Edge, other: Edge): Point | null {
  if (!boxesMeet(one, other)) return null;
  const [c, d] = [side(one, other.a), side(one, other.b)];
  const [e, f] = [side(other, one.a), side(other, one.b)];
  if (c === 0 && d === 0) {
    // On one line: what they share is more than a point when two different ends lie on the other edge.
    const shared = [other.a, other.b].filter((p) => isOn(one, p));
    shared.push(...[one.a, one.b].filter((p) => isOn(other, p)));
    const [first] = shared;
    return first !== undefined && shared.some((p) => !same(p, first)) ? first : null;
  }
  if (c * d < 0 && e * f < 0) {
    const along = c / (c - d);
    return { x: other.a.x + along * (other.b.x - other.a.x), y: other.a.y + along * (other.b.y - other.a.y) };
  }
  // An end of one in the middle of the other.
  const ends = [other.a, other.b, one.a, one.b];
  const touch = ends.find((p) => isOn(one, p) && isOn(other, p));
  if (touch === undefined) return null;
  const atBothEnds = [one.a, one.b].some((p) => same(p, touch)) && [other.a, other.b].some((p) => same(p, touch));
  return atBothEnds ? null : touch;
}

/** The first two edges of a ring that cross, touch in the middle or lie on each other; by a sweep from west to east. */
function selfCrossing(outline: Outline): { readonly one: number; readonly other: number; readonly at: Point } | null {
  const edges = edgesOf(outline).map((edge, index) => ({
    ...{ edge, index },
    west: Math.min(edge.a.x, edge.b.x),
    east: Math.max(edge.a.x, edge.b.x),
  }));
  edges.sort((a, b) => a.west - b.west);
  let open: typeof edges = [];
  for (const next of edges) {
    open = open.filter(({ east }) => east >= next.west);
    for (const before of open) {
      const at = crossing(before.edge, next.edge);
      if (at === null) continue;
      const [one, other] = [before.index, next.index].sort((a, b) => a - b) as [number, number];
      return { one, other, at };
    }
    open.push(next);
  }
  return null;
}

function distanceToBorder(p: Point, area: Area): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const outline of area)
    for (const { a, b } of edgesOf(outline)) {
      const [dx, dy] = [b.x - a.x, b.y - a.y];
      const along = Math.min(1, Math.max(0, ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy || 1)));
      nearest = Math.min(nearest, Math.hypot(p.x - a.x - along * dx, p.y - a.y - along * dy));
    }
  return nearest;
}

/** Points of `edge` that stand for it: the middle of each piece between the edges of `cutters` that it meets. */
function piecesOf(edge: Edge, cutters: readonly Edge[]): Point[] {
  const { a, b } = edge;
  const length = (b.x - a.x) ** 2 + (b.y - a.y) ** 2;
  const cuts = [0, 1];
  for (const cutter of cutters) {
    if (!boxesMeet(edge, cutter)) continue;
    for (const p of [cutter.a, cutter.b])
      if (isOn(edge, p)) cuts.push(((p.x - a.x) * (b.x - a.x) + (p.y - a.y) * (b.y - a.y)) / length);
    const [e, f] = [side(cutter, a), side(cutter, b)];
    if (e * f < 0) cuts.push(e / (e - f));
  }
  cuts.sort((one, other) => one - other);
  return cuts.slice(1).flatMap((to, i) => {
    const from = cuts[i] as number;
    const middle = (from + to) / 2;
    return to > from ? [{ x: a.x + middle * (b.x - a.x), y: a.y + middle * (b.y - a.y) }] : [];
  });
}

/** A point inside: half-way along the widest stretch of a line across. */
function pointInside(area: Area): Point | null {
  const ys = area.flatMap((outline) => outline.map(({ y }) => y)).sort((a, b) => a - b);
  const [south, north] = [ys[0] ?? 0, ys.at(-1) ?? 0];
  // An odd share of the height: a line through a corner would count it twice.
  for (const share of [0.4931, 0.2713, 0.7577, 0.1319]) {
    const y = south + (north - south) * share;
    const xs = area
      .flatMap(edgesOf)
      .filter(({ a, b }) => a.y > y !== b.y > y)
      .map(({ a, b }) => a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x))
      .sort((a, b) => a - b);
    let best: Point | null = null;
    let widest = 0;
    for (let i = 0; i + 1 < xs.length; i += 2) {
      const [from = 0, to = 0] = [xs[i], xs[i + 1]];
      if (to - from > widest) [widest, best] = [to - from, { x: (from + to) / 2, y }];
    }
    if (best !== null) return best;
  }
  return null;
}

interface Box {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}
function boxOf(points: Iterable<Point>): Box {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points) {
    [west, east] = [Math.min(west, x), Math.max(east, x)];
    [south, north] = [Math.min(south, y), Math.max(north, y)];
  }
  return { west, south, east, north };
}

/** Where two areas cover the same ground, deeper than a sliver; null: nowhere. Sharing a border is not overlapping. */
function commonGround(one: Area, other: Area): Point | null {
  const [boxA, boxB] = [boxOf(one[0] ?? []), boxOf(other[0] ?? [])];
  const apart = boxA.west > boxB.east || boxB.west > boxA.east || boxA.south > boxB.north || boxB.south > boxA.north;
  if (apart) return null;
  const near = (area: Area, box: Box) =>
    area
      .flatMap(edgesOf)
      .filter(
        ({ a, b }) =>
          Math.max(a.x, b.x) >= box.west &&
          Math.min(a.x, b.x) <= box.east &&
          Math.max(a.y, b.y) >= box.south &&
          Math.min(a.y, b.y) <= box.north,
      );
  const [edgesA, edgesB] = [near(one, boxB), near(other, boxA)];
  const isDeep = (p: Point, area: Area) => whereInArea(p, area) === "inside" && distanceToBorder(p, area) > SLIVER;
  for (const edge of edgesA) for (const p of piecesOf(edge, edgesB)) if (isDeep(p, other)) return p;
  for (const edge of edgesB) for (const p of piecesOf(edge, edgesA)) if (isDeep(p, one)) return p;
  // The same outline twice has no edge inside the other.
  const [p, q] = [pointInside(one), pointInside(other)];
  if (p !== null && isDeep(p, other)) return p;
  return q !== null && isDeep(q, one) ? q : null;
}

const areaOf = (part: Part): Area => part.map(outlineOf);

/** Where two shapes cover the same ground by more than a sliver of about a metre; null: nowhere. */
export function overlapAt(one: Shape, other: Shape): Position | null {
  const others = other.map(areaOf);
  for (const part of one.map(areaOf))
    for (const against of others) {
      const at = commonGround(part, against);
      if (at !== null) return positionOf(at);
    }
  return null;
}

/** The smallest box around a shape, in degrees. */
export function boundsOfShape(shape: Shape): Box {
  return boxOf(shape.flatMap((part) => part.flatMap((ring) => ring.map(([x, y]) => ({ x, y })))));
}

export const verticesOf = (shape: Shape): number =>
  shape.reduce((sum, part) => sum + part.reduce((inPart, ring) => inPart + Math.max(0, ring.length - 1), 0), 0);

/** Square kilometres, on a sphere and flat enough for a city. */
export function squareKilometres(shape: Shape): number {
  const KM_PER_DEGREE = 111.195;
  const ofRing = (ring: Ring) => {
    const lat = ring.reduce((sum, [, y]) => sum + y, 0) / Math.max(1, ring.length);
    const doubled = Math.abs(doubledArea(outlineOf(ring))) / UNITS ** 2;
    return (doubled / 2) * KM_PER_DEGREE ** 2 * Math.cos((lat * Math.PI) / 180);
  };
  return shape.reduce((sum, [outer = [], ...holes]) => {
    return sum + ofRing(outer) - holes.reduce((inHoles, hole) => inHoles + ofRing(hole), 0);
  }, 0);
}

/** The index of a point at which an outline turns back on its own way; -1: at none. */
function spikeIn(outline: Outline): number {
  return outline.findIndex((tip, i) => {
    const [before, after] = [outline.at(i - 1) as Point, outline[(i + 1) % outline.length] as Point];
    const back = (before.x - tip.x) * (after.x - tip.x) + (before.y - tip.y) * (after.y - tip.y);
    return back > 0 && side({ a: before, b: tip }, after) === 0;
  });
}

/** Crossings looked for in one ring: a ring with more is no drawing that wants mending. */
const MAX_LOOPS = 50;

/**
 * The ring without the small loops that it makes where it crosses itself, as outlines of open data often do; and what was cut
 * off, in square metres each. Null when a loop is larger than `mostSquareMeters`: which side is meant, nobody can tell.
 */
export function withoutLoops(
  ring: Ring,
  mostSquareMeters: number,
): { readonly ring: Ring; readonly cut: readonly number[] } | null {
  let outline = outlineOf(ring);
  const cut: number[] = [];
  for (let tip = spikeIn(outline); tip >= 0 && outline.length > 3; tip = spikeIn(outline)) {
    outline = outlineOf(outline.filter((_, i) => i !== tip).map(positionOf));
    cut.push(0);
  }
  for (let crossed = selfCrossing(outline); crossed !== null; crossed = selfCrossing(outline)) {
    const at = { x: Math.round(crossed.at.x), y: Math.round(crossed.at.y) };
    const loop = [at, ...outline.slice(crossed.one + 1, crossed.other + 1)];
    const rest = [...outline.slice(0, crossed.one + 1), at, ...outline.slice(crossed.other + 1)];
    const kept = Math.abs(doubledArea(loop)) > Math.abs(doubledArea(rest)) ? loop : rest;
    const area = squareKilometres([[(kept === loop ? rest : loop).map(positionOf)]]) * 1e6;
    if (area > mostSquareMeters || cut.length === MAX_LOOPS) return null;
    cut.push(area);
    outline = outlineOf(kept.map(positionOf));
  }
  if (cut.length === 0) return { ring, cut };
  const [first] = outline;
  return { ring: [...outline, ...(first ? [first] : [])].map(positionOf), cut };
}

/** To the centimetre that is kept, closed, each ring once. */
export const tidyShape = (shape: Shape): Shape =>
  shape.map((part) => part.map((ring) => ring.map((position): Position => positionOf(pointOf(position)))));

/** What a position is named in a message: `30.04, 31.23`, latitude first as people say it. */
const say = (p: Point): string => `${(p.y / UNITS).toFixed(5)}, ${(p.x / UNITS).toFixed(5)}`;

function ringFaults(ring: Ring, path: string, name: string): ShapeFault[] {
  const fault = (message: string, at: readonly Position[] = []): ShapeFault[] => [{ path, message, at }];
  const odd = ring.findIndex(([lng, lat]) => !(Number.isFinite(lng) && Number.isFinite(lat)));
  if (odd >= 0) return fault(`${name}: position ${odd + 1} is not a pair of numbers`);
  const far = ring.find(([lng, lat]) => Math.abs(lat) > 90 || Math.abs(lng) > 180);
  if (far !== undefined) {
    const [lng, lat] = far;
    const swapped = Math.abs(lat) <= 180 && Math.abs(lng) <= 90;
    return fault(
      `${name}: ${lng}, ${lat} is not on the globe${swapped ? "; longitude comes first: these look swapped" : ""}`,
    );
  }
  const [first, last] = [ring[0], ring.at(-1)];
  if (first === undefined || last === undefined) return fault(`${name} is empty`);
  if (first[0] !== last[0] || first[1] !== last[1])
    return fault(`${name} is not closed: its last position must be its first`, [last]);
  const jump = ring.findIndex(([lng], i) => i > 0 && Math.abs(lng - (ring[i - 1]?.[0] ?? lng)) > 180);
  if (jump > 0)
    return fault(`${name} crosses the antimeridian: cut the zone there into two parts`, [ring[jump] as Position]);
  const outline = outlineOf(ring);
  const distinct = new Set(outline.map(({ x, y }) => `${x},${y}`)).size;
  if (distinct < 3) return fault(`${name} has ${distinct} different points; it needs at least three`, [first]);
  if (doubledArea(outline) === 0) {
    const flat = edgesOf(outline).every(
      (_, i) => side({ a: outline[0] as Point, b: outline[1] as Point }, outline[i] as Point) === 0,
    );
    if (flat) return fault(`${name} encloses nothing: its points lie on one line`, [first]);
  }
  const crossed = selfCrossing(outline);
  if (crossed !== null) {
    const [one, other] = [edgesOf(outline)[crossed.one] as Edge, edgesOf(outline)[crossed.other] as Edge];
    const named = (edge: Edge, index: number) => `edge ${index + 1} (${say(edge.a)} to ${say(edge.b)})`;
    return fault(
      `${name} crosses or touches itself near ${say(crossed.at)}: ${named(one, crossed.one)} meets ${named(other, crossed.other)}`,
      [positionOf(crossed.at)],
    );
  }
  return [];
}

/** What is wrong between rings that are each right: holes out of their part or over each other, parts over each other. */
function arrangementFaults(shape: Shape): ShapeFault[] {
  const faults: ShapeFault[] = [];
  const areas = shape.map(areaOf);
  for (const [part, [outer, ...holes]] of areas.entries()) {
    for (const [index, hole] of holes.entries()) {
      const path = `parts.${part}.rings.${index + 1}`;
      const name = `Hole ${index + 1} of part ${part + 1}`;
      const border = edgesOf(outer ?? []);
      const out = edgesOf(hole)
        .flatMap((edge) => piecesOf(edge, border))
        .find((p) => whereInOutline(p, outer ?? []) === "outside" && distanceToBorder(p, [outer ?? []]) > 1);
      if (out !== undefined)
        faults.push({ path, message: `${name} reaches out of its part near ${say(out)}`, at: [positionOf(out)] });
      for (const [before, earlier] of holes.slice(0, index).entries()) {
        const at = commonGround([hole], [earlier]);
        if (at !== null)
          faults.push({ path, message: `${name} overlaps hole ${before + 1} near ${say(at)}`, at: [positionOf(at)] });
      }
    }
    for (const [before, earlier] of areas.slice(0, part).entries()) {
      const at = commonGround(areas[part] as Area, earlier);
      if (at !== null)
        faults.push({
          path: `parts.${part}`,
          message: `Part ${part + 1} overlaps part ${before + 1} near ${say(at)}`,
          at: [positionOf(at)],
        });
    }
  }
  return faults;
}

/** All that is wrong with a shape; empty: it can be a zone. */
export function shapeFaults(shape: Shape): ShapeFault[] {
  if (shape.length === 0 || shape.some((part) => part.length === 0))
    return [{ path: "parts", message: "A zone needs at least one part, each with an outline", at: [] }];
  const vertices = verticesOf(shape);
  if (vertices > MAX_VERTICES)
    return [
      {
        path: "parts",
        message: `${vertices} points are too many: at most ${MAX_VERTICES}; simplify the outline`,
        at: [],
      },
    ];
  const faults = shape.flatMap((part, i) =>
    part.flatMap((ring, j) =>
      ringFaults(ring, `parts.${i}.rings.${j}`, j === 0 ? `Part ${i + 1}` : `Hole ${j} of part ${i + 1}`),
    ),
  );
  return faults.length > 0 ? faults : arrangementFaults(shape);
}
