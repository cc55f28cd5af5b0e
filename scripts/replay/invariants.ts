import { once } from "node:events";
import type { Target } from "#scripts/services/running.ts";
import type { InvariantsView } from "#server/contracts/console.ts";
import { checkInvariants } from "#server/domain/ops/invariants.ts";
import { systemClock } from "#server/platform/clock.ts";
import { openDatabase } from "#server/platform/db.ts";
import { MemoryTripLock } from "#server/platform/locks/memory-trip-lock.ts";
import { RedisTripLock } from "#server/platform/locks/redis-trip-lock.ts";
import { createLogger } from "#server/platform/logger.ts";
import { openRedis } from "#server/platform/redis.ts";
import { redisKeys } from "#server/platform/redis-keys.ts";

const LOCK_SECONDS = 300;

/** Checks the database, and Redis' locks where the platform has a Redis (standalone keeps them in the server's memory). */
export async function readInvariants(target: Target): Promise<InvariantsView> {
  const logger = createLogger("silent");
  const db = openDatabase({ url: target.databaseUrl, poolSize: 2, hotPoolSize: 1, logger });
  const redis = target.redisUrl === null ? null : openRedis(target.redisUrl, logger);
  try {
    if (redis !== null && !redis.isReady()) await once(redis.commands, "ready", { signal: AbortSignal.timeout(3000) });
    const shared = { clock: systemClock, ttlSeconds: LOCK_SECONDS };
    const lock =
      redis === null
        ? new MemoryTripLock(shared)
        : new RedisTripLock({ redis: redis.commands, keys: redisKeys(process.env.REDIS_PREFIX ?? ""), ...shared });
    return await checkInvariants(db, lock);
  } finally {
    await redis?.close();
    await db.close();
  }
}

/** As lines of a table. */
export function printInvariants(view: InvariantsView): string[] {
  const width = Math.max(...view.results.map(({ name }) => name.length));
  return [
    ...view.results.flatMap(({ name, description, violations, examples }) => [
      `${violations === 0 ? "✓" : "✗"} ${name.padEnd(width)}  ${violations === 0 ? "holds" : `${violations} violated`}  ${description}`,
      ...examples.slice(0, 5).map(({ id, why }) => `    ${id}  ${why}`),
    ]),
    `${view.results.length} invariants, ${view.results.filter((one) => one.violations > 0).length} violated, ${view.tookMs} ms`,
  ];
}
