import { describe, expect, test } from "vitest";
import {
  MAX_VERTICES,
  overlapAt,
  type Ring,
  type Shape,
  shapeFaults,
  squareKilometres,
  withoutLoops,
} from "./zone-shape.ts";

const box = (west: number, south: number, east: number, north: number): Ring => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];
const CITY = box(31, 29.8, 31.5, 30.3);
const messages = (shape: Shape) => shapeFaults(shape).map(({ message }) => message);

describe("a shape that can be a zone has no faults", () => {
  test.each<[string, Shape]>([
    ["a box", [[CITY]]],
    ["with a hole", [[CITY, box(31.1, 29.9, 31.2, 30)]]],
    ["with an island in the hole", [[CITY, box(31.1, 29.9, 31.2, 30)], [box(31.12, 29.92, 31.15, 29.95)]]],
    ["two parts that share a border", [[box(31, 30, 31.1, 30.1)], [box(31.1, 30, 31.2, 30.1)]]],
    ["a hole against the border", [[CITY, box(31, 29.9, 31.2, 30)]]],
    ["holes side by side", [[CITY, box(31.1, 29.9, 31.2, 30), box(31.2, 29.9, 31.3, 30)]]],
    ["drawn clockwise", [[CITY.toReversed()]]],
    ["the same point twice in a row", [[[CITY[0] ?? [0, 0], ...CITY]]]],
  ])("%s", (_, shape) => expect(messages(shape)).toEqual([]));
});

describe("what is wrong is said, with its place", () => {
  const bowTie: Ring = [
    [31, 30],
    [31.2, 30.2],
    [31.2, 30],
    [31, 30.2],
    [31, 30],
  ];
  test.each<[string, Shape, RegExp]>([
    ["no parts", [], /at least one part/],
    ["no outline", [[]], /each with an outline/],
    ["open", [[CITY.slice(0, -1)]], /not closed/],
    ["two points", [[[CITY[0] ?? [0, 0], CITY[1] ?? [0, 0], CITY[0] ?? [0, 0]]]], /2 different points/],
    [
      "on a line",
      [
        [
          [
            [31, 30],
            [31.1, 30.1],
            [31.2, 30.2],
            [31, 30],
          ],
        ],
      ],
      /encloses nothing/,
    ],
    ["not a number", [[[[31, Number.NaN], ...CITY]]], /position 1 is not a pair of numbers/],
    ["infinite", [[[[31, Number.POSITIVE_INFINITY], ...CITY]]], /not a pair of numbers/],
    ["swapped", [[box(40, -120, 41, -119)]], /longitude comes first: these look swapped/],
    ["off the globe", [[box(200, 95, 201, 96)]], /is not on the globe$/],
    ["across the antimeridian", [[box(-179, 10, 179, 11)]], /antimeridian/],
    [
      "a bow tie",
      [[bowTie]],
      /near 30\.10000, 31\.10000: edge 1 \(30\.00000, 31\.00000 to 30\.20000, 31\.20000\) meets edge 3/,
    ],
    [
      "an edge drawn back over another",
      [
        [
          [
            [0, 0],
            [3, 0],
            [3, 1],
            [2, 0],
            [1, 0],
            [0, 1],
            [0, 0],
          ],
        ],
      ],
      /crosses or touches/,
    ],
    [
      "a corner on an edge",
      [
        [
          [
            [0, 0],
            [4, 0],
            [4, 2],
            [2, 0],
            [0, 2],
            [0, 0],
          ],
        ],
      ],
      /crosses or touches/,
    ],
    ["a hole that reaches out", [[CITY, box(31.4, 30, 31.6, 30.1)]], /Hole 1 of part 1 reaches out of its part/],
    ["a hole elsewhere", [[CITY, box(35, 30, 35.1, 30.1)]], /reaches out of its part/],
    [
      "holes over each other",
      [[CITY, box(31.1, 30, 31.3, 30.1), box(31.2, 30, 31.4, 30.1)]],
      /Hole 2 of part 1 overlaps hole 1/,
    ],
    ["parts over each other", [[box(31, 30, 31.2, 30.1)], [box(31.1, 30, 31.3, 30.1)]], /Part 2 overlaps part 1 near/],
    ["a part within another", [[CITY], [box(31.1, 30, 31.2, 30.1)]], /Part 2 overlaps part 1/],
    ["the same part twice", [[CITY], [CITY]], /Part 2 overlaps part 1/],
  ])("%s", (_, shape, expected) => {
    expect(messages(shape)).toHaveLength(1);
    expect(messages(shape)[0]).toMatch(expected);
  });

  test("its place in the data, and on the map", () => {
    expect(
      shapeFaults([[CITY], [CITY.map(([x, y]) => [x + 1, y] as const), bowTie.map(([x, y]) => [x + 1.1, y - 0.05])]]),
    ).toEqual([
      expect.objectContaining({ path: "parts.1.rings.1", at: [[expect.closeTo(32.2), expect.closeTo(30.05)]] }),
    ]);
  });

  test("more points than anybody edits", () => {
    const circle = (n: number): Ring => {
      const ring = Array.from({ length: n }, (_, i) => {
        const angle = (i / n) * 2 * Math.PI;
        return [31 + Math.cos(angle), 30 + Math.sin(angle)] as const;
      });
      return [...ring, ring[0] ?? [0, 0]];
    };
    expect(messages([[circle(MAX_VERTICES)]])).toEqual([]);
    expect(messages([[circle(MAX_VERTICES + 1)]])[0]).toMatch(/5001 points are too many/);
  });
});

describe("overlaps", () => {
  const one: Shape = [[CITY, box(31.1, 29.9, 31.2, 30)]];
  test.each<[string, Shape, boolean]>([
    ["beside it, sharing its border", [[box(31.5, 29.8, 31.7, 30.3)]], false],
    ["beside it, sharing a stretch of its border", [[box(31.5, 29.9, 31.7, 30.1)]], false],
    ["in its hole, filling it", [[box(31.1, 29.9, 31.2, 30)]], false],
    ["elsewhere", [[box(41, 29.8, 41.5, 30.3)]], false],
    ["over by less than a metre", [[box(31.499995, 29.8, 31.7, 30.3)]], false],
    ["over by three metres", [[box(31.49997, 29.8, 31.7, 30.3)]], true],
    ["across it", [[box(31.4, 29.9, 31.7, 30.1)]], true],
    ["inside it", [[box(31.3, 29.9, 31.4, 30.1)]], true],
    ["around it", [[box(30, 29, 32, 31)]], true],
    ["the same", [[CITY]], true],
    ["half of it, between its own borders", [[box(31, 29.8, 31.25, 30.3)]], true],
    ["reaching out of its hole", [[box(31.15, 29.95, 31.3, 29.98)]], true],
  ])("%s: either way round", (_, other, expected) => {
    expect([overlapAt(one, other) !== null, overlapAt(other, one) !== null]).toEqual([expected, expected]);
  });
});

test("square kilometres: a tenth of a degree square at 30° north is 107, less its hole", () => {
  expect(squareKilometres([[box(31, 29.95, 31.1, 30.05)]])).toBeCloseTo(107.1, 0);
  expect(squareKilometres([[box(31, 29.95, 31.1, 30.05), box(31, 29.95, 31.05, 30.05)]])).toBeCloseTo(53.5, 0);
});

describe("loops where a ring crosses itself", () => {
  /** A square of some ten kilometres with a loop at its north-eastern corner, `size` degrees wide. */
  const looped = (size: number): Ring => [
    [31, 30],
    [31.1, 30],
    [31.1, 30.1 + size],
    [31.1 + size, 30.1 + size],
    [31.1 + size, 30.1],
    [31, 30.1],
    [31, 30],
  ];

  test("are cut off while they are small, and the ring is then right", () => {
    expect(messages([[looped(0.0002)]])[0]).toMatch(/crosses or touches itself/);
    const mended = withoutLoops(looped(0.0002), 5000);
    expect(mended?.cut).toEqual([expect.closeTo(428, 0)]);
    expect(messages([[mended?.ring ?? []]])).toEqual([]);
    expect(mended?.ring).toEqual(box(31, 30, 31.1, 30.1));
  });

  test("are left alone when large: either side may be meant", () => {
    expect(withoutLoops(looped(0.01), 5000)).toBeNull();
  });

  test("a spike there and back again is cut off; a ring without any stays the very same", () => {
    const spike: Ring = [
      [31, 30],
      [31.1, 30],
      [31.2, 30],
      [31.1, 30],
      [31.1, 30.1],
      [31, 30.1],
      [31, 30],
    ];
    expect(withoutLoops(spike, 5000)?.ring).toEqual(box(31, 30, 31.1, 30.1));
    expect(withoutLoops(CITY, 5000)?.ring).toBe(CITY);
  });
});
