import type { Queryable } from "#server/platform/db.ts";

export interface ZoneMatchingRecord {
  readonly zone_id: string;
  readonly zone_name: string;
  readonly is_active: boolean;
  readonly settings: unknown;
  readonly version: number | null;
  readonly updated_by_name: string | null;
  readonly updated_at: Date | null;
}

/** Every zone, with what it set for itself. */
export async function readZones(db: Queryable): Promise<ZoneMatchingRecord[]> {
  const { rows } = await db.query<ZoneMatchingRecord>({
    name: "matching-zones",
    text: `SELECT z.id AS zone_id, z.name AS zone_name, z.is_active, m.settings, m.version, m.updated_by_name, m.updated_at
           FROM zones z LEFT JOIN zone_matching_settings m ON m.zone_id = z.id ORDER BY z.name, z.id`,
  });
  return rows;
}

/** Stores version `expectedVersion + 1`; 0 is a zone that has set nothing. False when it is at another version. */
export async function writeZone(
  tx: Queryable,
  zone: { readonly zoneId: string; readonly settings: object; readonly expectedVersion: number },
  by: { readonly id: string; readonly name: string },
): Promise<boolean> {
  const values = [zone.zoneId, JSON.stringify(zone.settings), by.id, by.name];
  const { rowCount } =
    zone.expectedVersion === 0
      ? await tx.query(
          `INSERT INTO zone_matching_settings (zone_id, settings, updated_by, updated_by_name) VALUES ($1, $2, $3, $4)
           ON CONFLICT (zone_id) DO NOTHING`,
          values,
        )
      : await tx.query(
          `UPDATE zone_matching_settings SET settings = $2, updated_by = $3, updated_by_name = $4, version = version + 1, updated_at = now()
           WHERE zone_id = $1 AND version = $5`,
          [...values, zone.expectedVersion],
        );
  return rowCount === 1;
}
