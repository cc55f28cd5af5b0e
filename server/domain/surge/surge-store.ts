import type { Queryable } from "#server/platform/db.ts";

export interface SurgeRow {
  readonly zone_id: string;
  readonly zone_name: string;
  readonly is_active: boolean;
  /** Null: nobody has judged it lately; so also `direction`. */
  readonly multiplier: number | null;
  readonly direction: "up" | "down" | null;
  readonly direction_since: Date | null;
  readonly demand: number | null;
  readonly supply: number | null;
  readonly changed_at: Date | null;
  readonly computed_at: Date | null;
  readonly enabled: boolean | null;
  readonly cap: number | null;
  readonly steps: unknown;
  readonly override_multiplier: number | null;
  readonly override_until: Date | null;
  readonly version: number | null;
  readonly updated_by_name: string | null;
  readonly updated_at: Date | null;
  /** By the database's clock. */
  readonly now: Date;
}

/** SQL: a reading was taken lately. Older ones count no more, neither for a fare nor for the next reading. */
const IS_FRESH = "s.computed_at > now() - interval '2 minutes'";

const ROWS = `
SELECT z.id AS zone_id, z.name AS zone_name, z.is_active, CASE WHEN ${IS_FRESH} THEN s.multiplier END AS multiplier,
  CASE WHEN ${IS_FRESH} THEN s.direction END AS direction, CASE WHEN ${IS_FRESH} THEN s.direction_since END AS direction_since,
  s.demand, s.supply, s.changed_at, s.computed_at, s.enabled, s.cap, s.steps,
  CASE WHEN s.override_until > now() THEN s.override_multiplier END AS override_multiplier,
  CASE WHEN s.override_until > now() THEN s.override_until END AS override_until,
  s.version, s.updated_by_name, s.updated_at, now() AS now
FROM zones z LEFT JOIN zone_surge s ON s.zone_id = z.id`;

export async function readSurge(db: Queryable): Promise<SurgeRow[]> {
  const { rows } = await db.query<SurgeRow>({ name: "surge-zones", text: `${ROWS} ORDER BY z.name, z.id` });
  return rows;
}

/** The zone's row, made if there is none, and locked. Null: no such zone. */
export async function lockSurge(tx: Queryable, zoneId: string): Promise<SurgeRow | null> {
  await tx.query(
    "INSERT INTO zone_surge (zone_id) SELECT id FROM zones WHERE id = $1 ON CONFLICT (zone_id) DO NOTHING",
    [zoneId],
  );
  const { rows } = await tx.query<SurgeRow>(`${ROWS} WHERE z.id = $1 FOR UPDATE OF s`.replace("LEFT JOIN", "JOIN"), [
    zoneId,
  ]);
  return rows[0] ?? null;
}

/** True for the one process that judges now; until the end of the transaction. */
export async function isMyTurn(tx: Queryable): Promise<boolean> {
  const { rows } = await tx.query<{ mine: boolean }>(
    "SELECT pg_try_advisory_xact_lock(hashtext('zone_surge')) AS mine",
  );
  return rows[0]?.mine === true;
}

export interface Reading {
  readonly zone_id: string;
  readonly demand: number;
  readonly supply: number;
}

/**
 * Trips that wait or are under way, and drivers who may be asked and are heard of, by zone. A trip scheduled for later wants no
 * driver yet: its search has not begun.
 */
export async function readDemandAndSupply(db: Queryable, staleSeconds: number): Promise<Reading[]> {
  const { rows } = await db.query<Reading>({
    name: "surge-readings",
    text: `
      SELECT zone_id, sum(demand)::int AS demand, sum(supply)::int AS supply FROM (
        SELECT zone_id, count(*) AS demand, 0 AS supply FROM trip_requests
        WHERE current_status IN ('pending', 'accepted', 'arrived', 'ongoing') AND zone_id IS NOT NULL
          AND (current_status <> 'pending' OR scheduled_at IS NULL OR search_began_at <= now())
        GROUP BY zone_id
        UNION ALL
        SELECT l.zone_id, 0, count(*) FROM user_last_locations l
        JOIN driver_details d ON d.user_id = l.user_id AND d.is_online AND d.availability_status IN ('available', 'on_bidding')
        JOIN users u ON u.id = l.user_id AND u.is_active
        JOIN vehicles v ON v.driver_id = l.user_id AND v.is_active
        WHERE l.zone_id IS NOT NULL AND l.updated_at > now() - make_interval(secs => $1)
        GROUP BY l.zone_id) r
      GROUP BY zone_id`,
    values: [staleSeconds],
  });
  return rows;
}

export interface Judged extends Reading {
  readonly multiplier: number;
  readonly direction: "up" | "down" | null;
  readonly sinceMs: number | null;
}

/** Readings and what became of them, and a point of the history for those that changed or have had none for a minute. */
export async function writeJudged(tx: Queryable, judged: readonly Judged[]): Promise<void> {
  const column = <K extends keyof Judged>(name: K) => judged.map((one) => one[name]);
  await tx.query({
    name: "surge-write",
    text: `
      WITH judged AS (
        SELECT j.zone_id, j.multiplier, j.direction, to_timestamp(j.since_ms / 1000) AS direction_since, j.demand, j.supply
        FROM unnest($1::uuid[], $2::float8[], $3::text[], $4::float8[], $5::int[], $6::int[])
          AS j(zone_id, multiplier, direction, since_ms, demand, supply)
      ), noted AS (
        INSERT INTO zone_surge_history (zone_id, at, multiplier, demand, supply)
        SELECT j.zone_id, now(), j.multiplier, j.demand, j.supply FROM judged j LEFT JOIN zone_surge s ON s.zone_id = j.zone_id
        WHERE s.multiplier IS DISTINCT FROM j.multiplier OR NOT EXISTS (
          SELECT 1 FROM zone_surge_history h WHERE h.zone_id = j.zone_id AND h.at > now() - interval '1 minute')
        ON CONFLICT DO NOTHING
      )
      INSERT INTO zone_surge AS s (zone_id, multiplier, direction, direction_since, demand, supply)
      SELECT zone_id, multiplier, direction, direction_since, demand, supply FROM judged ORDER BY zone_id
      ON CONFLICT (zone_id) DO UPDATE SET multiplier = EXCLUDED.multiplier, direction = EXCLUDED.direction,
        direction_since = EXCLUDED.direction_since, demand = EXCLUDED.demand, supply = EXCLUDED.supply, computed_at = now(),
        changed_at = CASE WHEN s.multiplier = EXCLUDED.multiplier THEN s.changed_at ELSE now() END`,
    values: [
      column("zone_id"),
      column("multiplier"),
      column("direction"),
      column("sinceMs"),
      column("demand"),
      column("supply"),
    ],
  });
}

/** SQL: what a trip booked in zone `z` now costs more. */
export const SURGE_NOW = `coalesce((
  SELECT CASE WHEN s.override_until > now() THEN s.override_multiplier
              WHEN ${IS_FRESH} THEN s.multiplier ELSE 1 END
  FROM zone_surge s WHERE s.zone_id = z.id), 1)`;

/** What of the policy is changed; stored as version `expectedVersion + 1`. The row is locked. */
export async function writePolicy(
  tx: Queryable,
  zoneId: string,
  policy: {
    readonly enabled: boolean;
    readonly cap: number | null;
    readonly steps: unknown;
    readonly override: { readonly multiplier: number; readonly until: Date } | null;
  },
  byName: string,
): Promise<void> {
  await tx.query(
    `UPDATE zone_surge SET enabled = $2, cap = $3, steps = $4, override_multiplier = $5, override_until = $6,
       version = version + 1, updated_by_name = $7, updated_at = now() WHERE zone_id = $1`,
    [
      zoneId,
      policy.enabled,
      policy.cap,
      policy.steps === null ? null : JSON.stringify(policy.steps),
      policy.override?.multiplier ?? null,
      policy.override?.until ?? null,
      byName,
    ],
  );
}

export async function readHistory(
  db: Queryable,
  zoneId: string,
  hours: number,
): Promise<{ at: Date; multiplier: number; demand: number; supply: number }[]> {
  const { rows } = await db.query<{ at: Date; multiplier: number; demand: number; supply: number }>({
    name: "surge-history",
    text: `SELECT at, multiplier, demand, supply FROM zone_surge_history
           WHERE zone_id = $1 AND at > now() - make_interval(hours => $2) ORDER BY at`,
    values: [zoneId, hours],
  });
  return rows;
}
