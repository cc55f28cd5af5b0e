import type { SettingKey } from "#server/contracts/settings.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface StoredSetting {
  readonly key: string;
  readonly value: unknown;
  readonly version: number;
  readonly updated_by_name: string;
  readonly updated_at: Date;
}

export async function readSettings(db: Queryable): Promise<StoredSetting[]> {
  const { rows } = await db.query<StoredSetting>({
    name: "settings-all",
    text: "SELECT key, value, version, updated_by_name, updated_at FROM business_settings",
  });
  return rows;
}

/**
 * Stores version `expectedVersion + 1`; 0 is a setting that nobody has changed yet. False when it is at another version.
 */
export async function writeSetting(
  tx: Queryable,
  setting: { readonly key: SettingKey; readonly value: number; readonly expectedVersion: number },
  by: { readonly id: string; readonly name: string },
): Promise<boolean> {
  const values = [setting.key, JSON.stringify(setting.value), by.id, by.name];
  const { rowCount } =
    setting.expectedVersion === 0
      ? await tx.query(
          `INSERT INTO business_settings (key, value, updated_by, updated_by_name) VALUES ($1, $2, $3, $4)
           ON CONFLICT (key) DO NOTHING`,
          values,
        )
      : await tx.query(
          `UPDATE business_settings SET value = $2, updated_by = $3, updated_by_name = $4, version = version + 1, updated_at = now()
           WHERE key = $1 AND version = $5`,
          [...values, setting.expectedVersion],
        );
  return rowCount === 1;
}
