import { expect, test } from "vitest";
import { EXCLUSION_RULES } from "#server/contracts/matching.ts";
import { type DriverFacts, exclusionOf, exclusionSentence, standingOf } from "#server/domain/matching/exclusion.ts";

const free: DriverFacts = {
  driverId: "d",
  isActive: true,
  underReview: false,
  isOnline: true,
  availability: "available",
  categoryId: "economy",
  positionAgeSeconds: 4,
  distanceMeters: 900,
  asked: false,
  declined: false,
  openOffers: 0,
};
const search = { categoryId: "economy", bidding: false, radiusMeters: 2000, offersPerDriver: 1 };
const rule = (more: Partial<DriverFacts>, limits = search) => exclusionOf({ ...free, ...more }, limits);

test("who is free, near and not asked yet may be asked; who bids, only for a trip to bid for", () => {
  expect(rule({})).toBeNull();
  expect(rule({ availability: "on_bidding" })).toBe("not_available");
  expect(rule({ availability: "on_bidding" }, { ...search, bidding: true })).toBeNull();
  expect(rule({ distanceMeters: 2000 })).toBeNull();
});

test.each([
  ["inactive", { isActive: false, isOnline: false }],
  ["under_review", { underReview: true, availability: "unavailable" }],
  ["offline", { isOnline: false, availability: "unavailable" }],
  ["on_trip", { availability: "on_trip", isOnline: false }],
  ["not_available", { availability: "unavailable" }],
  ["no_vehicle", { categoryId: null }],
  ["other_category", { categoryId: "comfort" }],
  ["stale_position", { positionAgeSeconds: 1801 }],
  ["stale_position", { positionAgeSeconds: null, distanceMeters: null }],
  ["declined", { declined: true, asked: true }],
  ["asked_before", { asked: true, openOffers: 1 }],
  ["offer_on_screen", { openOffers: 1 }],
  ["too_far", { distanceMeters: 2001 }],
] as const)("%s", (expected, more) => {
  expect(rule(more)).toBe(expected);
});

test("more places on the screen, more offers", () => {
  expect(rule({ openOffers: 1 }, { ...search, offersPerDriver: 2 })).toBeNull();
});

test("what keeps one from being asked does not keep an operator from giving the trip", () => {
  const busy = {
    ...free,
    asked: true,
    declined: true,
    openOffers: 1,
    distanceMeters: 40_000,
    positionAgeSeconds: 9000,
  };
  expect(standingOf(busy, search)).toBeNull();
});

test("every rule has its sentence, with the numbers that decided", () => {
  for (const each of EXCLUSION_RULES)
    expect(exclusionSentence({ rule: each, meters: 900 }, search)).toMatch(/^[A-Z].*\.$/);
  expect(exclusionSentence({ rule: "too_far", meters: 3210 }, search)).toBe(
    "Was 3.2 km away; the search went to 2.0 km.",
  );
  expect(exclusionSentence({ rule: "outscored", meters: 900, score: 140, lastScore: 131 }, search)).toBe(
    "Was 900 m away with a score of 140 s; the last who was asked had 131 s.",
  );
});
