import { z } from "zod";
import { moneySchema, tripPersonSchema, tripVehicleSchema } from "./trips.ts";

/**
 * How a zone looks for drivers: whole numbers with bounds, and switches (0 or 1). The table `zone_matching_settings` holds
 * only what somebody set for a zone; all else is the platform's default, which for the search's own limits comes from the
 * configuration.
 */
interface MatchingSpec {
  readonly title: string;
  readonly unit: string;
  readonly kind: "number" | "switch";
  readonly group: "Search" | "Score" | "Bids" | "Scheduled trips";
  readonly description: string;
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

const amount =
  (group: MatchingSpec["group"]) =>
  (
    title: string,
    unit: string,
    [fallback, min, max]: readonly [fallback: number, min: number, max: number],
    description: string,
  ): MatchingSpec => ({ title, unit, kind: "number", group, description, fallback, min, max });
const onOff = (group: MatchingSpec["group"], title: string, fallback: 0 | 1, description: string): MatchingSpec => ({
  ...{ title, unit: "", kind: "switch", group, description, fallback, min: 0, max: 1 },
});
const search = amount("Search");
const score = amount("Score");
const bids = amount("Bids");

export const MATCHING_SETTINGS = {
  driversPerBatch: search("Drivers asked at once", "", [5, 1, 20], "So many are asked in each batch."),
  offerSeconds: search(
    "Time to answer",
    "s",
    [15, 5, 120],
    "An offer stays on the screen so long; then the next batch.",
  ),
  startRadiusMeters: search("Radius of the first batch", "m", [2000, 200, 20_000], "As the crow flies."),
  maxRadiusMeters: search("Radius of the last batch", "m", [5000, 500, 50_000], "Nobody further is ever asked."),
  maxBatches: search("Batches", "", [6, 1, 20], "After so many without a taker the search ends."),
  searchSeconds: search("Length of a search", "s", [180, 30, 1800], "Then the trip expires and the rider is told."),
  offersPerDriver: search("Offers on one screen", "", [1, 1, 5], "A driver sees at most so many at once."),
  rerankByRoute: onOff(
    "Score",
    "Ask the router for pick-up times",
    1,
    "For the five best by straight lines; the others by those lines, as much longer. Off: at 40 km/h for all.",
  ),
  unansweredWeight: score(
    "Unanswered and declined offers",
    "s",
    [60, 0, 600],
    "Added to the pick-up time of a driver who takes none of the offers; in proportion for who takes some.",
  ),
  droppedWeight: score(
    "Trips given up",
    "s",
    [120, 0, 900],
    "Added to the pick-up time of a driver who gives up every trip; in proportion for who gives up some.",
  ),
  idleWeight: score(
    "Time without a trip",
    "s",
    [60, 0, 600],
    "Taken off the pick-up time of a driver who has waited an hour; in proportion before.",
  ),
  bidding: onOff("Bids", "Bidding", 0, "Drivers who are asked name their fare, and the rider chooses."),
  bidMinPercent: bids("Lowest bid", "%", [50, 10, 100], "Of the estimated fare."),
  bidMaxPercent: bids("Highest bid", "%", [200, 100, 500], "Of the estimated fare."),
  scheduleLeadMinutes: amount("Scheduled trips")(
    "Search begins before the pick-up",
    "min",
    [15, 5, 120],
    "A trip booked for later is offered to drivers from then on.",
  ),
} as const satisfies Record<string, MatchingSpec>;

export type MatchingKey = keyof typeof MATCHING_SETTINGS;
export const MATCHING_KEYS = Object.keys(MATCHING_SETTINGS) as MatchingKey[];
export type MatchingSettings = Readonly<Record<MatchingKey, number>>;

/** What a zone sets for itself: null or left out is the default. Bounds are the service's to check, with words. */
export const zoneMatchingSchema = z.strictObject(
  Object.fromEntries(MATCHING_KEYS.map((key) => [key, z.int().nullable().optional()])) as Record<
    MatchingKey,
    z.ZodOptional<z.ZodNullable<z.ZodInt>>
  >,
);
export type ZoneMatching = z.infer<typeof zoneMatchingSchema>;

/** `matching.zones`: one zone, what holds there, and what of it the zone set itself. */
export interface ZoneMatchingRow {
  readonly zoneId: string;
  readonly zoneName: string;
  readonly isActive: boolean;
  readonly effective: MatchingSettings;
  readonly own: Partial<Readonly<Record<MatchingKey, number>>>;
  /** 0: the zone has set nothing. */
  readonly version: number;
  readonly updatedBy: string | null;
  readonly updatedAt: string | null;
}
export interface MatchingView {
  readonly defaults: MatchingSettings;
  readonly zones: readonly ZoneMatchingRow[];
}

/** Why a driver was put before another. Seconds; the score is their sum, and the lowest is asked first. */
export interface ScoreParts {
  /** To the pick-up. */
  readonly pickUp: number;
  /** For offers not answered or declined. */
  readonly unanswered: number;
  /** For accepted trips given up. */
  readonly dropped: number;
  /** Off for waiting; zero or below. */
  readonly idle: number;
  /** Whether the pick-up time is a straight line's. */
  readonly estimated: boolean;
}

/** Rules that keep a driver from being asked, the first that applies is named. */
export const EXCLUSION_RULES = [
  "inactive",
  "under_review",
  "offline",
  "on_trip",
  "not_available",
  "no_vehicle",
  "other_category",
  "stale_position",
  "declined",
  "asked_before",
  "offer_on_screen",
  "too_far",
  "outscored",
  "changed_meanwhile",
] as const;
export type ExclusionRule = (typeof EXCLUSION_RULES)[number];

export interface BatchRow {
  readonly id: string;
  readonly batch: number;
  readonly looks: number;
  readonly radiusMeters: number;
  readonly asked: number;
  readonly source: "index" | "database";
  readonly rules: Partial<Readonly<Record<ExclusionRule, number>>>;
  readonly tookMs: number;
  readonly at: string;
}

/** `trips.whyNot`: one sentence, and whether it is from the record of the search or from how things stand now. */
export interface WhyNot {
  readonly driverId: string;
  readonly driverName: string;
  readonly verdict: "asked" | ExclusionRule | "never_looked";
  readonly sentence: string;
  /** What each batch says of the driver; newest search only. */
  readonly batches: readonly { readonly batch: number; readonly at: string; readonly sentence: string }[];
  readonly from: "record" | "as_far_as_known";
}

/** `trips.candidates`: a driver to whom an operator may give the trip, or why they may not. */
export interface AssignCandidate {
  readonly driverId: string;
  readonly name: string;
  readonly phone: string;
  readonly plate: string | null;
  readonly distanceMeters: number | null;
  readonly etaSeconds: number | null;
  readonly scoreSeconds: number | null;
  readonly parts: ScoreParts | null;
  /** Null: may be given the trip. */
  readonly refusal: string | null;
}

export const BID_STATUSES = ["open", "accepted", "replaced", "closed"] as const;
export const bidSchema = z.object({
  id: z.string(),
  tripId: z.string(),
  driver: tripPersonSchema,
  vehicle: tripVehicleSchema,
  amount: moneySchema,
  status: z.enum(BID_STATUSES),
  createdAt: z.string(),
});
export type Bid = z.infer<typeof bidSchema>;
