import type { ExclusionRule } from "#server/contracts/matching.ts";

/** How a driver stands to a search, as the database says. */
export interface DriverFacts {
  readonly driverId: string;
  readonly isActive: boolean;
  readonly underReview: boolean;
  readonly isOnline: boolean;
  readonly availability: string;
  /** Of the active vehicle; null: has none. */
  readonly categoryId: string | null;
  /** Since the last position was received; null: there never was one. */
  readonly positionAgeSeconds: number | null;
  /** Metres from the pick-up as the crow flies; null without a position. */
  readonly distanceMeters: number | null;
  /** Asked in this search. */
  readonly asked: boolean;
  /** Declined this trip, in whichever search. */
  readonly declined: boolean;
  /** Offers on the screen, of whichever trips. */
  readonly openOffers: number;
}

export interface SearchLimits {
  readonly categoryId: string;
  /** The trip is one to name a fare for. */
  readonly bidding: boolean;
  readonly radiusMeters: number;
  readonly offersPerDriver: number;
}

/** A driver whose last position is older is not asked: nobody knows where they are. */
export const STALE_SECONDS = 1800;
/** States of who has no trip and takes one. `on_bidding` (older apps set it) waits for a bid to be taken: only that gives them a trip. */
export const FREE_AVAILABILITIES = ["available", "on_bidding"] as const;

/** The first rule that keeps the driver from being asked, or null: they may be. */
export function exclusionOf(driver: DriverFacts, search: SearchLimits): ExclusionRule | null {
  const standing = standingOf(driver, search);
  if (standing !== null) return standing;
  if (driver.distanceMeters === null || (driver.positionAgeSeconds ?? Number.POSITIVE_INFINITY) > STALE_SECONDS)
    return "stale_position";
  if (driver.declined) return "declined";
  if (driver.asked) return "asked_before";
  if (driver.openOffers >= search.offersPerDriver) return "offer_on_screen";
  return driver.distanceMeters > search.radiusMeters ? "too_far" : null;
}

/** What would refuse the driver the trip itself, whoever gives it: the assignment engine's own conditions. */
export function standingOf(
  driver: DriverFacts,
  { categoryId, bidding }: Pick<SearchLimits, "categoryId" | "bidding">,
): ExclusionRule | null {
  if (!driver.isActive) return "inactive";
  if (driver.underReview) return "under_review";
  if (!driver.isOnline) return driver.availability === "on_trip" ? "on_trip" : "offline";
  if (driver.availability === "on_trip") return "on_trip";
  if (driver.availability !== "available" && !(bidding && driver.availability === "on_bidding")) return "not_available";
  if (driver.categoryId === null) return "no_vehicle";
  return driver.categoryId === categoryId ? null : "other_category";
}

/** What the record keeps of one driver who was not asked. */
export interface Exclusion {
  readonly driverId: string;
  readonly rule: ExclusionRule;
  readonly meters: number | null;
  /** For who was passed over: their score, and that of the last who was asked. */
  readonly score?: number;
  readonly lastScore?: number | null;
  readonly positionAge?: number | null;
}

const km = (meters: number | null | undefined) =>
  meters === null || meters === undefined
    ? "at an unknown distance"
    : meters < 1000
      ? `${meters} m away`
      : `${(meters / 1000).toFixed(1)} km away`;
const radius = (meters: number) => (meters < 1000 ? `${meters} m` : `${(meters / 1000).toFixed(1)} km`);

/** The rule in a sentence with its numbers: `then` is how it was at the batch, else how it is now. */
export function exclusionSentence(
  { rule, meters, score, lastScore, positionAge }: Omit<Exclusion, "driverId">,
  search: { readonly radiusMeters: number },
): string {
  const where = km(meters);
  switch (rule) {
    case "inactive":
      return "The account is not active.";
    case "under_review":
      return `Under review, ${where}.`;
    case "offline":
      return `Off line, last seen ${where}.`;
    case "on_trip":
      return `On another trip, ${where}.`;
    case "not_available":
      return `Not taking trips, ${where}.`;
    case "no_vehicle":
      return `Has no active vehicle, ${where}.`;
    case "other_category":
      return `The vehicle is not of the category asked for, ${where}.`;
    case "stale_position":
      return positionAge === null || positionAge === undefined
        ? "There is no position: nobody knows where they are."
        : `The last position was ${Math.round(positionAge / 60)} min old; after ${STALE_SECONDS / 60} min nobody is asked.`;
    case "declined":
      return "Had declined this trip, and is never asked for it again.";
    case "asked_before":
      return "Had been asked in this search already.";
    case "offer_on_screen":
      return `Had another offer on the screen, ${where}.`;
    case "too_far":
      return `Was ${where}; the search went to ${radius(search.radiusMeters)}.`;
    case "outscored":
      return score === undefined
        ? `Was ${where}, and others scored better.`
        : `Was ${where} with a score of ${score} s; the last who was asked had ${lastScore ?? "a better one"}${typeof lastScore === "number" ? " s" : ""}.`;
    case "changed_meanwhile":
      return `Was ${where} and about to be asked, but took something else at that very moment.`;
  }
}
