import type { Queryable } from "#server/platform/db.ts";

export type DriverOutcome = "accepted" | "declined" | "ignored" | "dropped";

/** Days after which an answer counts half: what a driver did last month tells little. */
const HALF_LIFE_DAYS = 14;
/** SQL: what is left of a count kept at `since`. */
export const decayed = (since: string): string =>
  `exp(-0.693147 * GREATEST(0, EXTRACT(EPOCH FROM now() - ${since})) / ${HALF_LIFE_DAYS * 86_400})`;

/**
 * SQL that counts one more `outcome` for each driver of `from` (a relation with `driver_id`, each once). One row a
 * driver, whatever they did: counted down when it is written and when it is read, so nothing has to be swept. In id
 * order, as everybody who counts does it.
 */
export const countSql = (outcome: DriverOutcome, from: string): string => `
  INSERT INTO driver_stats (driver_id, ${outcome}) SELECT driver_id, 1 FROM ${from} ORDER BY driver_id
  ON CONFLICT (driver_id) DO UPDATE SET as_of = now(), ${(["accepted", "declined", "ignored", "dropped"] as const)
    .map((each) => `${each} = driver_stats.${each} * ${decayed("driver_stats.as_of")} + EXCLUDED.${each}`)
    .join(", ")}`;

/** In the transaction of what the driver did. */
export async function countOutcome(tx: Queryable, driverId: string, outcome: DriverOutcome): Promise<void> {
  await tx.query({
    name: `driver-stats-${outcome}`,
    text: countSql(outcome, "(VALUES ($1::uuid)) AS one (driver_id)"),
    values: [driverId],
  });
}
