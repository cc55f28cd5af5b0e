import { DomainError } from "#server/contracts/errors.ts";
import {
  MATCHING_KEYS,
  MATCHING_SETTINGS,
  type MatchingKey,
  type MatchingSettings,
  type MatchingView,
  type ZoneMatching,
} from "#server/contracts/matching.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import * as store from "#server/domain/matching/matching-settings-store.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import type { Database } from "#server/platform/db.ts";

/** The configuration's part of the defaults. */
export interface DispatchLimits {
  readonly driversPerBatch: number;
  readonly maxBatches: number;
  /** Seconds a search lasts. */
  readonly searchSeconds: number;
  /** Seconds an offer stays open, by the database's clock. */
  readonly offerSeconds: number;
  /** Metres: the first and the last are the radius of the first batch and of the last. */
  readonly ringsMeters: readonly number[];
}

type Own = Partial<Record<MatchingKey, number>>;

export function defaultsOf(limits: DispatchLimits): MatchingSettings {
  const fallbacks = Object.fromEntries(MATCHING_KEYS.map((key) => [key, MATCHING_SETTINGS[key].fallback]));
  const { driversPerBatch, maxBatches, searchSeconds, offerSeconds, ringsMeters } = limits;
  return {
    ...(fallbacks as Record<MatchingKey, number>),
    ...{ driversPerBatch, maxBatches, searchSeconds, offerSeconds },
    startRadiusMeters: ringsMeters[0] ?? MATCHING_SETTINGS.startRadiusMeters.fallback,
    maxRadiusMeters: ringsMeters.at(-1) ?? MATCHING_SETTINGS.maxRadiusMeters.fallback,
  };
}

/** What of a stored row is known and a number; a value that does not fit its bounds (they were narrowed since) is moved into them. */
function ownOf(stored: unknown): Own {
  const own: Own = {};
  if (typeof stored !== "object" || stored === null) return own;
  for (const key of MATCHING_KEYS) {
    const value = (stored as Record<string, unknown>)[key];
    const { min, max } = MATCHING_SETTINGS[key];
    if (typeof value === "number") own[key] = Math.min(max, Math.max(min, Math.round(value)));
  }
  return own;
}

/** What holds in a zone: its own, and the defaults for the rest. */
export const effectiveSettings = (defaults: MatchingSettings, stored: unknown): MatchingSettings => ({
  ...defaults,
  ...ownOf(stored),
});

/** How zones look for drivers. Read with each trip, so a change holds from the next batch on. */
export class MatchingSettingsService {
  readonly #db: Database;
  readonly #defaults: MatchingSettings;

  constructor(options: { db: Database; limits: DispatchLimits }) {
    this.#db = options.db;
    this.#defaults = defaultsOf(options.limits);
  }

  async view(): Promise<MatchingView> {
    const zones = (await store.readZones(this.#db.pool)).map((row) => ({
      zoneId: row.zone_id,
      zoneName: row.zone_name,
      isActive: row.is_active,
      own: ownOf(row.settings),
      effective: effectiveSettings(this.#defaults, row.settings),
      version: row.version ?? 0,
      updatedBy: row.updated_by_name,
      updatedAt: row.updated_at?.toISOString() ?? null,
    }));
    return { defaults: this.#defaults, zones };
  }

  /**
   * Replaces all that a zone sets for itself; what is null or left out is the default from then on. VALIDATION_FAILED out
   * of bounds, each named; VERSION_CONFLICT when it changed since it was read.
   */
  async set(
    actor: { readonly id: string; readonly name: string },
    change: { readonly zoneId: string; readonly settings: ZoneMatching; readonly expectedVersion: number },
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<void> {
    const own: Own = {};
    for (const key of MATCHING_KEYS) {
      const value = change.settings[key];
      if (value !== null && value !== undefined) own[key] = value;
    }
    this.#check(own);
    await this.#db.transaction(async (tx) => {
      const before = (await store.readZones(tx)).find((zone) => zone.zone_id === change.zoneId);
      if (before === undefined) throw new DomainError("NOT_FOUND", "There is no such zone.");
      const written = await store.writeZone(tx, { ...change, settings: own }, actor);
      if (!written)
        throw new DomainError(
          "VERSION_CONFLICT",
          `Somebody changed how ${before.zone_name} looks for drivers meanwhile. Nothing was changed.`,
        );
      await record(tx, { type: "zone_matching", id: change.zoneId }, { before: ownOf(before.settings), after: own });
      await remember(tx, claim, undefined);
    });
  }

  #check(own: Own): void {
    const fields = MATCHING_KEYS.flatMap((key) => {
      const { min, max, title } = MATCHING_SETTINGS[key];
      const value = own[key];
      const fits = value === undefined || (value >= min && value <= max);
      return fits ? [] : [{ path: `settings.${key}`, message: `${title}: from ${min} to ${max}` }];
    });
    const effective = { ...this.#defaults, ...own };
    if (effective.maxRadiusMeters < effective.startRadiusMeters)
      fields.push({
        path: "settings.maxRadiusMeters",
        message: "the last batch must reach as far as the first",
      });
    if (fields.length > 0)
      throw new DomainError("VALIDATION_FAILED", `${fields.map(({ message }) => message).join("; ")}.`, { fields });
  }
}
