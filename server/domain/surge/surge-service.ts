import { DomainError } from "#server/contracts/errors.ts";
import { topics } from "#server/contracts/realtime.ts";
import {
  DEFAULT_SURGE_CAP,
  DEFAULT_SURGE_STEPS,
  type SurgePoint,
  type SurgeStep,
  surgeStepsSchema,
  type ZoneSurgeRow,
} from "#server/contracts/surge.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import { STALE_SECONDS } from "#server/domain/matching/exclusion.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { nextSurge, ratioOf, type SurgePolicy } from "#server/domain/surge/surge-state.ts";
import * as store from "#server/domain/surge/surge-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Database } from "#server/platform/db.ts";

/** How a zone wants its fares multiplied. `steps` null: by the platform's table. */
export interface SurgeChange {
  readonly zoneId: string;
  readonly enabled: boolean;
  readonly cap: number;
  readonly steps: readonly SurgeStep[] | null;
  /** Charged instead of what the readings say, for so many minutes; null: none. */
  readonly override: { readonly multiplier: number; readonly minutes: number } | null;
  readonly expectedVersion: number;
}

/** A stored table that does not fit any more is the platform's. */
const stepsOf = (stored: unknown): readonly SurgeStep[] =>
  surgeStepsSchema.safeParse(stored).data ?? DEFAULT_SURGE_STEPS;
const policyOf = (row: store.SurgeRow): SurgePolicy => ({
  enabled: row.enabled ?? true,
  cap: row.cap ?? DEFAULT_SURGE_CAP,
  steps: stepsOf(row.steps),
});
const briefOf = (row: store.SurgeRow) => ({
  ...policyOf(row),
  override:
    row.override_multiplier === null ? null : { multiplier: row.override_multiplier, until: row.override_until },
});

/** What each zone's fares are multiplied by: judged by one process at a time from live demand and supply. */
export class SurgeService {
  readonly #db: Database;
  readonly #bus: EventBus;

  constructor(options: { db: Database; bus: EventBus }) {
    this.#db = options.db;
    this.#bus = options.bus;
  }

  /** One reading of every zone, by the database's clock. Answers which zones charge otherwise than before. */
  async tick(): Promise<string[]> {
    const changed = await this.#db.transaction(async (tx) => {
      if (!(await store.isMyTurn(tx))) return [];
      const readings = new Map((await store.readDemandAndSupply(tx, STALE_SECONDS)).map((one) => [one.zone_id, one]));
      const rows = (await store.readSurge(tx)).filter((row) => row.is_active);
      const judged = rows.map((row): store.Judged => {
        const { demand = 0, supply = 0 } = readings.get(row.zone_id) ?? {};
        const before = {
          multiplier: row.multiplier ?? 1,
          direction: row.direction,
          sinceMs: row.direction_since?.getTime() ?? null,
        };
        const after = nextSurge(before, { demand, supply }, policyOf(row), row.now.getTime());
        return { zone_id: row.zone_id, demand, supply, ...after };
      });
      if (judged.length > 0) await store.writeJudged(tx, judged);
      return judged.flatMap((one, i) => (one.multiplier === (rows[i]?.multiplier ?? 1) ? [] : [one.zone_id]));
    });
    if (changed.length > 0) this.#tell(changed);
    return changed;
  }

  async view(): Promise<ZoneSurgeRow[]> {
    return (await store.readSurge(this.#db.pool)).map((row) => {
      const reading = { demand: row.demand ?? 0, supply: row.supply ?? 0 };
      const ratio = ratioOf(reading);
      const override =
        row.override_multiplier === null || row.override_until === null
          ? null
          : { multiplier: row.override_multiplier, until: row.override_until.toISOString() };
      return {
        zoneId: row.zone_id,
        zoneName: row.zone_name,
        isActive: row.is_active,
        multiplier: override?.multiplier ?? row.multiplier ?? 1,
        ...reading,
        ratio: Number.isFinite(ratio) ? Math.round(ratio * 100) / 100 : null,
        direction: row.direction,
        directionSince: row.direction_since?.toISOString() ?? null,
        changedAt: row.changed_at?.toISOString() ?? null,
        computedAt: row.computed_at?.toISOString() ?? null,
        ...policyOf(row),
        ownSteps: row.steps !== null,
        override,
        version: row.version ?? 0,
        updatedBy: row.updated_by_name,
        updatedAt: row.updated_at?.toISOString() ?? null,
      };
    });
  }

  /** The last hours of a zone, a point a minute or where it changed. */
  async history(zoneId: string, hours: number): Promise<SurgePoint[]> {
    return (await store.readHistory(this.#db.pool, zoneId, hours)).map((row) => ({ ...row, at: row.at.toISOString() }));
  }

  /** NOT_FOUND; VERSION_CONFLICT when somebody changed it since it was read. */
  async set(
    actor: { readonly name: string },
    change: SurgeChange,
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<void> {
    await this.#db.transaction(async (tx) => {
      const before = await store.lockSurge(tx, change.zoneId);
      if (before === null) throw new DomainError("NOT_FOUND", "There is no such zone.");
      if (before.version !== change.expectedVersion)
        throw new DomainError(
          "VERSION_CONFLICT",
          `Somebody changed the surge of ${before.zone_name} meanwhile. Nothing was changed.`,
        );
      const { override } = change;
      const until = override === null ? null : new Date(before.now.getTime() + override.minutes * 60_000);
      const policy = {
        enabled: change.enabled,
        cap: change.cap,
        steps: change.steps,
        override: override === null || until === null ? null : { multiplier: override.multiplier, until },
      };
      await store.writePolicy(tx, change.zoneId, policy, actor.name);
      const after = { ...policy, steps: change.steps ?? DEFAULT_SURGE_STEPS };
      await record(tx, { type: "zone_surge", id: change.zoneId }, { before: briefOf(before), after });
      await remember(tx, claim, undefined);
    });
    this.#tell([change.zoneId]);
  }

  #tell(zoneIds: readonly string[]): void {
    this.#bus.publish(topics.zones, "changed", { ids: zoneIds });
  }
}
