import { DomainError } from "#server/contracts/errors.ts";
import type { AssignCandidate, ExclusionRule, MatchingSettings, WhyNot } from "#server/contracts/matching.ts";
import * as store from "#server/domain/matching/batch-store.ts";
import { type Candidate, CandidateFinder, radiiOf } from "#server/domain/matching/candidate-finder.ts";
import {
  type CandidateSearch,
  type NearbyDriver,
  readDriverFacts,
  readNearby,
} from "#server/domain/matching/candidate-store.ts";
import { exclusionOf, exclusionSentence, standingOf } from "#server/domain/matching/exclusion.ts";
import { type DispatchLimits, defaultsOf, effectiveSettings } from "#server/domain/matching/matching-settings.ts";
import { listDrivers } from "#server/domain/ops/driver-view-store.ts";
import type { Database } from "#server/platform/db.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { Router } from "#server/platform/routing.ts";

/** What would refuse a driver the trip, in the words of who gives it to them. */
const REFUSALS: Partial<Readonly<Record<ExclusionRule, string>>> = {
  inactive: "account not active",
  under_review: "under review",
  offline: "off line",
  on_trip: "on another trip",
  not_available: "not taking trips",
  no_vehicle: "no active vehicle",
  other_category: "another category",
};
const SHOWN = 12;
const clock = (at: Date) => at.toISOString().slice(11, 19);
const ANSWERS: Readonly<Record<string, string>> = {
  open: "has not answered yet",
  accepted: "took it",
  rejected: "declined",
  expired: "did not answer in time",
  revoked: "was told that it had ended",
};

/** Why a search asked whom it asked, and whom an operator could give a trip to. Reads only. */
export class SearchExplainer {
  readonly #db: Database;
  readonly #finder: CandidateFinder;
  readonly #defaults: MatchingSettings;

  constructor(options: { db: Database; router: Pick<Router, "etas">; logger: Logger; limits: DispatchLimits }) {
    this.#db = options.db;
    this.#finder = new CandidateFinder({ ...options, db: options.db.pool, index: null });
    this.#defaults = defaultsOf(options.limits);
  }

  /**
   * Why a driver was not offered a trip: from the record of its batches; for who is not in it, from how things stand now,
   * and said so. NOT_FOUND for no such trip or driver.
   */
  async whyNot(tripId: string, driverId: string): Promise<WhyNot> {
    const { pool } = this.#db;
    const [search, names, offers, batches] = await Promise.all([
      this.#searchOf(tripId),
      store.readDriverNames(pool, [driverId]),
      store.readOffersOf(pool, tripId, driverId),
      store.readBatches(pool, tripId),
    ]);
    const driverName = names.get(driverId)?.name;
    if (driverName === undefined) throw new DomainError("NOT_FOUND", "There is no such driver.");
    const began = search.searchBegan.getTime();
    const newest = batches.filter((batch) => batch.searchBegan.getTime() === began);
    const said = (newest.length > 0 ? newest : batches).flatMap(({ batch, at, radiusMeters, excluded }) => {
      const entry = excluded.find((each) => each.driverId === driverId);
      if (entry === undefined) return [];
      return [{ batch, at, rule: entry.rule, sentence: exclusionSentence(entry, { radiusMeters }) }];
    });
    const lines = said.map(({ batch, at, sentence }) => ({ batch, at: at.toISOString(), sentence }));
    const answer = { driverId, driverName, batches: lines };
    const offer = offers.at(-1);
    if (offer !== undefined) {
      const took =
        offer.ended_at === null ? "" : ` after ${Math.round((+offer.ended_at - +offer.offered_at) / 1000)} s`;
      const when = `at ${clock(offer.offered_at)} UTC in batch ${offer.batch}, ${offer.distance_meters} m away`;
      const sentence = `${driverName} was asked ${when}, and ${ANSWERS[offer.status] ?? offer.status}${took}.`;
      return { ...answer, verdict: "asked", sentence, from: "record" };
    }
    const last = said.at(-1);
    if (last !== undefined)
      return { ...answer, verdict: last.rule, sentence: `Batch ${last.batch}: ${last.sentence}`, from: "record" };
    return { ...answer, ...(await this.#fromNow(search, driverId, batches)), from: "as_far_as_known" };
  }

  async #fromNow(
    search: CandidateSearch,
    driverId: string,
    batches: readonly store.BatchRecord[],
  ): Promise<Pick<WhyNot, "verdict" | "sentence">> {
    if (batches.length === 0)
      return { verdict: "never_looked", sentence: "No search has been made for this trip yet: nobody was asked." };
    const reached = Math.max(...batches.map((batch) => batch.radiusMeters));
    const [facts] = await readDriverFacts(this.#db.pool, search, [driverId]);
    const rule = facts === undefined ? null : exclusionOf(facts, { ...search, radiusMeters: reached });
    const about = "Not among the nearest who were looked at. As far as known now:";
    if (facts === undefined || rule === null)
      return {
        verdict: "never_looked",
        sentence: `${about} nothing keeps this driver from being asked; they may have come near or become free since.`,
      };
    const numbers = { rule, meters: facts.distanceMeters, positionAge: facts.positionAgeSeconds };
    const sentence = exclusionSentence(numbers, { radiusMeters: reached });
    return { verdict: rule, sentence: `${about} ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}` };
  }

  /** Whom the trip can be given to, best first, and then who is near and cannot have it; or who is looked for by name. */
  async candidates(tripId: string, q: string | null): Promise<AssignCandidate[]> {
    const { pool } = this.#db;
    const search = await this.#searchOf(tripId);
    const found =
      q === null || q.trim() === ""
        ? await readNearby(pool, search, { named: null, nearest: SHOWN * 2, free: SHOWN })
        : await readDriverFacts(
            pool,
            search,
            (await listDrivers(pool, { q, state: null, cursor: null, limit: SHOWN })).items.map(({ id }) => id),
          );
    const refusal = (driver: NearbyDriver) => {
      const rule = standingOf(driver, { ...search, bidding: false });
      return rule === null ? null : (REFUSALS[rule] ?? rule);
    };
    const free = found.filter((driver) => refusal(driver) === null);
    const placed = free.filter((driver): driver is Candidate => driver.distanceMeters !== null);
    const ranked = await this.#finder.rank(search.at, placed, search.settings);
    const scores = new Map(ranked.map((each) => [each.candidate.driverId, each]));
    const order = [
      ...ranked.map(({ candidate }) => candidate as NearbyDriver),
      ...free.filter((driver) => driver.distanceMeters === null),
      ...found.filter((driver) => refusal(driver) !== null),
    ].slice(0, SHOWN * 2);
    const names = await store.readDriverNames(
      pool,
      order.map(({ driverId }) => driverId),
    );
    return order.map((driver) => {
      const scored = scores.get(driver.driverId);
      const person = names.get(driver.driverId);
      return {
        driverId: driver.driverId,
        name: person?.name ?? "",
        phone: person?.phone ?? "",
        plate: person?.plate ?? null,
        distanceMeters: driver.distanceMeters,
        etaSeconds: scored?.parts.pickUp ?? null,
        scoreSeconds: scored?.score ?? null,
        parts: scored?.parts ?? null,
        refusal: refusal(driver),
      };
    });
  }

  async #searchOf(tripId: string): Promise<CandidateSearch & { readonly settings: MatchingSettings }> {
    const row = await store.readSearch(this.#db.pool, tripId);
    if (row === null) throw new DomainError("NOT_FOUND", "There is no such trip.");
    const settings = effectiveSettings(this.#defaults, row.settings);
    return {
      tripId,
      settings,
      at: { lat: row.at.y, lng: row.at.x },
      categoryId: row.category_id,
      bidding: row.bidding,
      searchBegan: row.search_began,
      radiusMeters: Math.max(...radiiOf(settings, settings.maxBatches)),
      offersPerDriver: settings.offersPerDriver,
    };
  }
}
