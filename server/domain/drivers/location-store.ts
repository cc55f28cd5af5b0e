import type { Coordinates } from "#server/contracts/geo.ts";
import { zoneAt } from "#server/domain/zones/zone-store.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface StoredLocation extends Coordinates {
  readonly userId: string;
  readonly heading: number | null;
  readonly speed: number | null;
  readonly accuracy: number | null;
  /** By the phone's clock, held to ours. */
  readonly recordedAt: Date;
  /** When it reached us, which orders positions; left out: as it is written. */
  readonly receivedAt?: Date;
  /** Where it is, when that is known already (null: in no zone); left out, the database looks. */
  readonly zoneId?: string | null;
}

/**
 * Upserts many positions at once; one received earlier never overwrites a later one, whatever the phones' clocks say.
 * `updated_at` is the time of receipt, by a server whose clock can be right: nothing waits for a minute to be written. One
 * that is ahead must not block what follows, nor one that is behind, or was set back, go unheard.
 */
const UPSERT = `
INSERT INTO user_last_locations (user_id, type, location, heading, speed, accuracy, zone_id, recorded_at, updated_at)
SELECT l.user_id, 'driver', point(l.lng, l.lat), l.heading, l.speed, l.accuracy,
  CASE WHEN l.zoned THEN l.zone_id ELSE (${zoneAt("z.id", "l.lng", "l.lat")}) END,
  l.recorded_at, CASE WHEN l.received_at BETWEEN now() - interval '1 minute' AND now() THEN l.received_at ELSE now() END
FROM unnest($1::uuid[], $2::float8[], $3::float8[], $4::float8[], $5::float8[], $6::float8[], $7::timestamptz[], $8::timestamptz[],
    $9::boolean[], $10::uuid[])
  AS l(user_id, lat, lng, heading, speed, accuracy, recorded_at, received_at, zoned, zone_id)
JOIN users u ON u.id = l.user_id
ORDER BY l.user_id
ON CONFLICT (user_id) DO UPDATE SET location = EXCLUDED.location, heading = EXCLUDED.heading, speed = EXCLUDED.speed,
  accuracy = EXCLUDED.accuracy, zone_id = EXCLUDED.zone_id, recorded_at = EXCLUDED.recorded_at, updated_at = EXCLUDED.updated_at
WHERE user_last_locations.updated_at <= EXCLUDED.updated_at`;

/** At most one position per user: the caller keeps the newest. */
export async function upsertLocations(db: Queryable, batch: readonly StoredLocation[]): Promise<void> {
  await db.query({
    name: "locations-upsert",
    text: UPSERT,
    values: [
      batch.map((l) => l.userId),
      batch.map((l) => l.lat),
      batch.map((l) => l.lng),
      batch.map((l) => l.heading),
      batch.map((l) => l.speed),
      batch.map((l) => l.accuracy),
      batch.map((l) => l.recordedAt),
      batch.map((l) => l.receivedAt ?? null),
      batch.map((l) => l.zoneId !== undefined),
      batch.map((l) => l.zoneId ?? null),
    ],
  });
}
