import { describe, expect, it } from "vitest";
import { TRIP_STATUSES, type TripStatus } from "#server/contracts/trips.ts";
import { isLive, next, nextOrThrow, TRIP_ACTIONS, type TripAction } from "#server/domain/trips/trip-state.ts";

// Written out by hand from the contract, not from the table under test.
const ALLOWED = new Map<string, TripStatus>([
  ["pending accept", "accepted"],
  ["pending cancel", "cancelled"],
  ["pending expire", "expired"],
  ["accepted arrive", "arrived"],
  ["accepted cancel", "cancelled"],
  ["accepted release", "pending"],
  ["arrived start", "ongoing"],
  ["arrived cancel", "cancelled"],
  ["ongoing complete", "completed"],
]);

describe("trip state machine", () => {
  const pairs = TRIP_STATUSES.flatMap((status) =>
    TRIP_ACTIONS.map((action): [TripStatus, TripAction] => [status, action]),
  );

  it.each(pairs)("%s + %s", (status, action) => {
    const expected = ALLOWED.get(`${status} ${action}`) ?? null;
    expect(next(status, action)).toBe(expected);
    if (expected === null)
      expect(() => nextOrThrow(status, action)).toThrow(expect.objectContaining({ code: "INVALID_TRANSITION" }));
  });

  it("binds a driver in accepted, arrived and ongoing only", () => {
    expect(TRIP_STATUSES.filter(isLive)).toEqual(["accepted", "arrived", "ongoing"]);
  });
});
