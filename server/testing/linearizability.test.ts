import { expect, test } from "vitest";
import { checkLinearizable } from "#server/testing/linearizability.ts";
import { type TripInput, type TripOutput, tripModel } from "#server/testing/trip-register.ts";

type Row = readonly [from: number, to: number, input: TripInput, output: TripOutput | null];
const check = (...rows: Row[]) =>
  checkLinearizable(
    tripModel,
    rows.map(([calledAt, answeredAt, input, output]) => ({ calledAt, answeredAt, input, output })),
  ).linearizable;
const accept = (driver: string): TripInput => ({ op: "accept", driver });
const won = (version: number): TripOutput => ({ kind: "accepted", version });
const read: TripInput = { op: "read" };
const is = (status: "pending" | "accepted" | "cancelled", driver: string | null, version: number): TripOutput => ({
  kind: "state",
  state: { status, driver, version },
});
const never = Number.POSITIVE_INFINITY;

test("one accept wins, the other is refused, in any overlap", () => {
  expect(
    check([0, 5, accept("a"), won(1)], [1, 4, accept("b"), { kind: "refused" }], [6, 7, read, is("accepted", "a", 1)]),
  ).toBe(true);
});

test("two winners of one trip are none", () => {
  expect(check([0, 5, accept("a"), won(1)], [1, 4, accept("b"), won(1)])).toBe(false);
  expect(check([0, 5, accept("a"), won(1)], [6, 9, accept("b"), won(2)])).toBe(false);
});

test("a release between them makes two winners right", () => {
  expect(
    check(
      [0, 1, accept("a"), won(1)],
      [2, 9, { op: "release" }, { kind: "ok", version: 2 }],
      [3, 8, accept("b"), won(3)],
    ),
  ).toBe(true);
  expect(
    check(
      [0, 1, accept("a"), won(1)],
      [5, 9, { op: "release" }, { kind: "ok", version: 2 }],
      [2, 3, accept("b"), won(3)],
    ),
  ).toBe(false);
});

test("a read may not go back behind what was answered before it began", () => {
  expect(check([0, 1, accept("a"), won(1)], [2, 3, read, is("pending", null, 0)])).toBe(false);
  expect(check([0, 3, accept("a"), won(1)], [1, 2, read, is("pending", null, 0)])).toBe(true);
});

test("who has the trip may not be told that another has it", () => {
  expect(check([0, 1, accept("a"), won(1)], [2, 3, accept("a"), { kind: "refused" }])).toBe(false);
  expect(check([0, 1, accept("a"), won(1)], [2, 3, accept("a"), { kind: "already" }])).toBe(true);
});

test("what was never answered may have happened late, or never", () => {
  expect(
    check([0, never, accept("a"), null], [5, 6, read, is("pending", null, 0)], [7, 8, read, is("accepted", "a", 1)]),
  ).toBe(true);
  expect(check([0, never, accept("a"), null], [5, 6, read, is("pending", null, 0)])).toBe(true);
  expect(check([0, never, accept("a"), null], [5, 6, read, is("accepted", "b", 1)])).toBe(false);
});

test("a cancelled trip stays cancelled", () => {
  expect(check([0, 1, { op: "cancel" }, { kind: "ok", version: 1 }], [2, 3, accept("a"), won(2)])).toBe(false);
});

test("a failure shows how far an order could be found", () => {
  const verdict = checkLinearizable(tripModel, [
    { calledAt: 0, answeredAt: 1, input: accept("a"), output: won(1) },
    { calledAt: 2, answeredAt: 3, input: accept("b"), output: won(2) },
  ]);
  expect(verdict).toMatchObject({
    linearizable: false,
    longest: [{ input: accept("a") }],
    stuck: [{ input: accept("b") }],
  });
});
