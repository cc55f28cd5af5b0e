import type { BusinessSetting } from "#server/contracts/console.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { topics } from "#server/contracts/realtime.ts";
import { SETTING_KEYS, SETTINGS, type SettingKey, type SettingValues } from "#server/contracts/settings.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { readSettings, type StoredSetting, writeSetting } from "#server/domain/settings/settings-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import { ShortCache } from "#server/platform/short-cache.ts";

const MAX_AGE_MS = 2000;

/** A stored value that does not fit its bounds (they were narrowed since) is moved to the nearest that does. */
function settingOf(key: SettingKey, stored: StoredSetting | undefined): number {
  const { fallback, min, max } = SETTINGS[key];
  return typeof stored?.value === "number" ? Math.min(max, Math.max(min, stored.value)) : fallback;
}

function valuesOf(rows: readonly StoredSetting[]): SettingValues {
  const stored = new Map(rows.map((row) => [row.key, row]));
  return Object.fromEntries(SETTING_KEYS.map((key) => [key, settingOf(key, stored.get(key))])) as Record<
    SettingKey,
    number
  >;
}

/** Business settings as they are now: remembered for 2 s, and forgotten in every process when one is changed. */
export class SettingsService {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #cache: ShortCache<SettingValues>;
  readonly #leave: () => void;
  #latest: SettingValues = valuesOf([]);

  constructor(options: { db: Database; bus: EventBus; clock: Clock }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#cache = new ShortCache({
      read: async () => {
        this.#latest = valuesOf(await readSettings(options.db.pool));
        return this.#latest;
      },
      maxAgeMs: MAX_AGE_MS,
      monotonicMs: () => options.clock.monotonicMs(),
    });
    this.#leave = options.bus.subscribe(topics.settings, () => this.#cache.forget());
  }

  values(): Promise<SettingValues> {
    return this.#cache.get("all");
  }

  /** As they were read last, for what must not wait for the database; has them read again for the next time. */
  latest(): SettingValues {
    this.values().catch(() => undefined);
    return this.#latest;
  }

  async list(): Promise<BusinessSetting[]> {
    const stored = new Map((await readSettings(this.#db.pool)).map((row) => [row.key, row]));
    return SETTING_KEYS.map((key) => {
      const row = stored.get(key);
      return {
        key,
        value: settingOf(key, row),
        version: row?.version ?? 0,
        updatedBy: row?.updated_by_name ?? null,
        updatedAt: row?.updated_at.toISOString() ?? null,
      };
    });
  }

  /** VALIDATION_FAILED out of bounds; VERSION_CONFLICT when it changed since it was read. */
  async set(
    actor: { readonly id: string; readonly name: string },
    change: { readonly key: SettingKey; readonly value: number; readonly expectedVersion: number },
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<void> {
    const { title, min, max, unit } = SETTINGS[change.key];
    if (!Number.isInteger(change.value) || change.value < min || change.value > max)
      throw new DomainError("VALIDATION_FAILED", `${title}: a whole number from ${min} to ${max} (${unit}).`, {
        fields: [{ path: "value", message: `from ${min} to ${max}` }],
      });
    await this.#db.transaction(async (tx) => {
      const before = (await readSettings(tx)).find(({ key }) => key === change.key);
      if (!(await writeSetting(tx, change, actor)))
        throw new DomainError("VERSION_CONFLICT", "Somebody changed this setting meanwhile. Nothing was changed.");
      await record(
        tx,
        { type: "setting", id: change.key },
        { before: { value: settingOf(change.key, before) }, after: { value: change.value } },
      );
      await remember(tx, claim, undefined);
    });
    this.#bus.publish(topics.settings, "changed", { key: change.key });
  }

  close(): void {
    this.#leave();
  }
}
