import { setTimeout as delay } from "node:timers/promises";
import type { Target } from "#scripts/services/running.ts";
import type { InvariantsView } from "#server/contracts/console.ts";
import { checkInvariants } from "#server/domain/ops/invariants.ts";
import { systemClock } from "#server/platform/clock.ts";
import { openDatabase } from "#server/platform/db.ts";
import { FallbackTripLock } from "#server/platform/locks/fallback-trip-lock.ts";
import { MemoryTripLock } from "#server/platform/locks/memory-trip-lock.ts";
import { RedisTripLock } from "#server/platform/locks/redis-trip-lock.ts";
import { createLogger } from "#server/platform/logger.ts";
import { openRedis } from "#server/platform/redis.ts";
import { redisKeys } from "#server/platform/redis-keys.ts";

const LOCK_SECONDS = 300;
const REDIS_WAIT_MS = 2000;

/**
 * Checks the database, and Redis' locks where the platform has a Redis (standalone keeps them in the server's memory).
 * With a Redis that does not answer, all but the locks are checked.
 */
export async function readInvariants(target: Target): Promise<InvariantsView> {
  const logger = createLogger("silent");
  const db = openDatabase({ url: target.databaseUrl, poolSize: 2, hotPoolSize: 1, logger });
  const redis = target.redisUrl === null ? null : openRedis(target.redisUrl, logger);
  try {
    const shared = { clock: systemClock, ttlSeconds: LOCK_SECONDS };
    const memory = new MemoryTripLock(shared);
    if (redis === null) return await checkInvariants(db, memory);
    const { commands, isReady } = redis;
    const deadline = performance.now() + REDIS_WAIT_MS;
    while (!isReady() && performance.now() < deadline) await delay(20);
    const keys = redisKeys(process.env.REDIS_PREFIX ?? "");
    const primary = new RedisTripLock({ redis: commands, keys, ...shared });
    // As in the server: it tells locks that cannot be seen from locks that are not there.
    return await checkInvariants(db, new FallbackTripLock({ primary, secondary: memory, isReady }));
  } finally {
    await redis?.close();
    await db.close();
  }
}

/** As lines of a table, and a last one that says what it comes to. */
export function printInvariants(view: InvariantsView): string[] {
  const width = Math.max(...view.results.map(({ name }) => name.length));
  const violated = view.results.filter((one) => one.violations > 0).length;
  const unchecked = view.results.filter((one) => one.unchecked !== null).length;
  return [
    ...view.results.flatMap(({ name, description, unchecked, violations, examples }) => [
      unchecked === null
        ? `${violations === 0 ? "✓" : "✗"} ${name.padEnd(width)}  ${violations === 0 ? "holds" : `${violations} violated`}  ${description}`
        : `? ${name.padEnd(width)}  ${unchecked}  ${description}`,
      ...examples.slice(0, 5).map(({ id, why }) => `    ${id}  ${why}`),
    ]),
    [
      `${view.results.length} invariants, ${violated} violated`,
      ...(unchecked > 0 ? [`${unchecked} not checked: this is no full pass`] : []),
      `${view.tookMs} ms`,
    ].join(", "),
  ];
}
