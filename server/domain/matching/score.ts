import type { Coordinates } from "#server/contracts/geo.ts";
import type { MatchingSettings, ScoreParts } from "#server/contracts/matching.ts";

/**
 * What a driver did with what they were asked, each counting half after two weeks (`driver-stats.ts`). Counts, so that a
 * few answers weigh less than many.
 */
export interface DriverHistory {
  readonly accepted: number;
  readonly declined: number;
  readonly ignored: number;
  /** Accepted, and given up before the start. */
  readonly dropped: number;
}

export interface Scorable extends Coordinates {
  readonly driverId: string;
  readonly distanceMeters: number;
  /** Since they became available. */
  readonly idleSeconds: number;
  readonly history: DriverHistory;
}

export interface PickUp {
  readonly seconds: number;
  /** By a straight line, not by road. */
  readonly estimated: boolean;
}

export interface Scored<C extends Scorable> {
  readonly candidate: C;
  /** Seconds: the sum of the parts. The lowest is asked first. */
  readonly score: number;
  readonly parts: ScoreParts;
}

export type ScoreWeights = Pick<MatchingSettings, "unansweredWeight" | "droppedWeight" | "idleWeight">;

/** What somebody of whom nothing is known is taken for: one who takes three of four offers. */
const PRIOR_OFFERS = 4;
const PRIOR_ACCEPTED = 3;
/** Trips that a driver without history is taken to have driven without giving one up. */
const PRIOR_TRIPS = 5;
const FULL_IDLE_SECONDS = 3600;

/** Share of offers that the driver takes, 0…1. */
export const acceptanceRate = ({ accepted, declined, ignored }: DriverHistory): number =>
  (accepted + PRIOR_ACCEPTED) / (accepted + declined + ignored + PRIOR_OFFERS);

/** Share of accepted trips that the driver gives up, 0…1. */
export const dropRate = ({ accepted, dropped }: DriverHistory): number =>
  Math.min(1, dropped / (accepted + PRIOR_TRIPS));

/**
 * All in seconds of the rider's time: the time to the pick-up, plus what the driver's habits are likely to cost, less what
 * a long wait earns. So a weight reads as "we would let the rider wait so much longer to ask a better driver first".
 */
export function scoreOf(
  candidate: Omit<Scorable, "lat" | "lng" | "driverId">,
  pickUp: PickUp,
  weights: ScoreWeights,
): { readonly score: number; readonly parts: ScoreParts } {
  const parts: ScoreParts = {
    pickUp: Math.round(pickUp.seconds),
    unanswered: Math.round(weights.unansweredWeight * (1 - acceptanceRate(candidate.history))),
    dropped: Math.round(weights.droppedWeight * dropRate(candidate.history)),
    // `0 -` and not `-`: no minus zero.
    idle: 0 - Math.round(weights.idleWeight * Math.min(1, Math.max(0, candidate.idleSeconds) / FULL_IDLE_SECONDS)),
    estimated: pickUp.estimated,
  };
  return { score: parts.pickUp + parts.unanswered + parts.dropped + parts.idle, parts };
}

/** Lowest score first; at the same score the nearer, then the lower id: the same drivers always come in the same order. */
export function rank<C extends Scorable>(
  candidates: readonly C[],
  pickUp: (candidate: C) => PickUp,
  weights: ScoreWeights,
): Scored<C>[] {
  return candidates
    .map((candidate) => ({ candidate, ...scoreOf(candidate, pickUp(candidate), weights) }))
    .sort(
      (a, b) =>
        a.score - b.score ||
        a.candidate.distanceMeters - b.candidate.distanceMeters ||
        (a.candidate.driverId < b.candidate.driverId ? -1 : 1),
    );
}
