import type { ExclusionRule, MatchingSettings } from "#server/contracts/matching.ts";
import { type CandidateSearch, type NearbyDriver, readNearby } from "#server/domain/matching/candidate-store.ts";
import { type Exclusion, exclusionOf } from "#server/domain/matching/exclusion.ts";
import { type PickUp, rank, type Scored } from "#server/domain/matching/score.ts";
import type { Queryable } from "#server/platform/db.ts";
import type { DriverIndex, NearDriver } from "#server/platform/driver-index/driver-index.ts";
import { inTime } from "#server/platform/in-time.ts";
import type { Logger } from "#server/platform/logger.ts";
import { type Router, straightLine } from "#server/platform/routing.ts";

/** A driver who may be asked: their place is known. */
export type Candidate = NearbyDriver & { readonly distanceMeters: number };

export interface Found {
  /** Best first. */
  readonly ranked: readonly Scored<Candidate>[];
  /** How far the batch reached. */
  readonly radiusMeters: number;
  readonly source: "index" | "database";
  readonly excluded: readonly Exclusion[];
  readonly rules: Partial<Readonly<Record<ExclusionRule, number>>>;
}

/** Nearest drivers of any kind who are looked at, so that the record can say why they were not asked. */
const LOOKED_AT = 60;
/** Of those, so many are kept by name; all are counted. */
const KEPT = 30;
/** The best by straight lines are asked of the router for their real pick-up times. */
const RERANKED = 5;
const RERANK_WITHIN_MS = 800;
/** Who may be asked and is not one of the best stays on the record as passed over. */
const RANKED = 20;
/** Wider circles are tried one after another when nobody is in the batch's own. */
const STEPS = 4;

/** The radius of each batch, from the first to the last; wider within a batch by the same steps. */
export function radiiOf(
  settings: Pick<MatchingSettings, "startRadiusMeters" | "maxRadiusMeters" | "maxBatches">,
  batch: number,
): readonly number[] {
  const { startRadiusMeters: start, maxBatches } = settings;
  const max = Math.max(start, settings.maxRadiusMeters);
  const share = maxBatches === 1 ? 1 : Math.min(1, (batch - 1) / (maxBatches - 1));
  const own = Math.round(start + (max - start) * share);
  const steps = Array.from({ length: STEPS }, (_, i) => Math.round(start + ((max - start) * i) / (STEPS - 1)));
  return [own, ...steps.filter((step) => step > own)];
}

/** Who is near a pick-up, who of them is asked first, and why the others are not. */
export class CandidateFinder {
  readonly #db: Queryable;
  readonly #index: DriverIndex | null;
  readonly #router: Pick<Router, "etas">;
  readonly #logger: Logger;

  constructor(options: { db: Queryable; index: DriverIndex | null; router: Pick<Router, "etas">; logger: Logger }) {
    this.#db = options.db;
    this.#index = options.index;
    this.#router = options.router;
    this.#logger = options.logger;
  }

  /** `search.radiusMeters` is the widest; `radii` the circles to try. */
  async find(
    search: CandidateSearch,
    settings: MatchingSettings,
    { batch, radii }: { readonly batch: number; readonly radii: readonly number[] },
  ): Promise<Found> {
    const free = settings.driversPerBatch * 2 + 10;
    const named = await this.#named(search, free * 2 + settings.driversPerBatch * batch);
    let source: Found["source"] = named === null ? "database" : "index";
    let nearby = await readNearby(this.#db, search, { named, nearest: LOOKED_AT, free });
    const mayBeAsked = (driver: NearbyDriver): driver is Candidate => exclusionOf(driver, search) === null;
    if (named !== null && !nearby.some(mayBeAsked)) {
      // Before saying that nobody is near: the index may be behind, or all whom it named have been asked.
      source = "database";
      nearby = await readNearby(this.#db, search, { named: null, nearest: LOOKED_AT, free });
    }
    const candidates = nearby.filter(mayBeAsked);
    const nearest = candidates[0]?.distanceMeters ?? Number.POSITIVE_INFINITY;
    const radiusMeters = radii.find((radius) => nearest <= radius) ?? radii.at(-1) ?? search.radiusMeters;
    const ranked = await this.rank(
      search.at,
      candidates.filter(({ distanceMeters }) => distanceMeters <= radiusMeters),
      settings,
    );
    const out = new Set(ranked.slice(0, RANKED).map(({ candidate }) => candidate.driverId));
    const excluded = nearby
      .filter((driver) => !out.has(driver.driverId))
      .map(
        (driver): Exclusion => ({
          driverId: driver.driverId,
          rule: exclusionOf(driver, { ...search, radiusMeters }) ?? "outscored",
          meters: driver.distanceMeters,
          ...(driver.positionAgeSeconds === null ? {} : { positionAge: Math.round(driver.positionAgeSeconds) }),
        }),
      );
    const rules: Partial<Record<ExclusionRule, number>> = {};
    for (const { rule } of excluded) rules[rule] = (rules[rule] ?? 0) + 1;
    return { ranked: ranked.slice(0, RANKED), radiusMeters, source, excluded: excluded.slice(0, KEPT), rules };
  }

  /**
   * Best first; the best few by their real way to the pick-up. The others are further by as much as those were: a road is
   * longer than a straight line, and who was not asked of the router must not come first for that.
   */
  async rank(
    at: CandidateSearch["at"],
    candidates: readonly Candidate[],
    settings: MatchingSettings,
  ): Promise<Scored<Candidate>[]> {
    const straight = (candidate: Candidate) => straightLine([candidate, at]).durationSeconds;
    const byLine = rank(candidates, (candidate) => ({ seconds: straight(candidate), estimated: true }), settings);
    // Of one driver there is nothing to put in order.
    if (settings.rerankByRoute !== 1 || byLine.length < 2) return byLine;
    const first = byLine.slice(0, RERANKED).map(({ candidate }) => candidate);
    const seconds = await this.#byRoad(at, first);
    const [road, line] = first.reduce(
      ([sum, lines], each) => {
        const known = seconds.get(each.driverId);
        return known === undefined ? [sum, lines] : [sum + known, lines + straight(each)];
      },
      [0, 0],
    );
    const longer = line === 0 ? 1 : road / line;
    return rank(
      candidates,
      (candidate): PickUp => {
        const known = seconds.get(candidate.driverId);
        return known === undefined
          ? { seconds: straight(candidate) * longer, estimated: true }
          : { seconds: known, estimated: false };
      },
      settings,
    );
  }

  /** Seconds, by driver; without those whom the router does not know. */
  async #byRoad(at: CandidateSearch["at"], drivers: readonly Candidate[]): Promise<ReadonlyMap<string, number>> {
    const etas = await inTime(RERANK_WITHIN_MS, this.#router.etas(drivers, at)).catch((error: unknown) => {
      this.#logger.warn({ err: error }, "pick-up times not asked of the router; using straight lines");
      return [];
    });
    return new Map(
      drivers.flatMap(({ driverId }, i) => {
        const eta = etas[i];
        return eta === undefined || eta.estimated ? [] : [[driverId, eta.durationSeconds]];
      }),
    );
  }

  async #named(search: CandidateSearch, limit: number): Promise<NearDriver[] | null> {
    if (this.#index === null) return null;
    const { at, categoryId, radiusMeters } = search;
    try {
      return await this.#index.nearest({ at, categoryId, radiusMeters, limit });
    } catch (error) {
      this.#logger.warn({ err: error }, "the driver index is away; asking the database");
      return null;
    }
  }
}
