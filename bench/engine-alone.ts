import { loadConfig } from "#server/config/env.ts";
import { createContext } from "#server/context.ts";
import { type LoadResult, latencyOf } from "./http-load.ts";
import type { Pair } from "./stage.ts";

/** The assignment engine called in this process: lock, group, statement, events; no HTTP, token, limit or validation. */
export async function runEngineAlone(
  env: Readonly<Record<string, string>>,
  pairs: readonly Pair[],
  connections: number,
): Promise<LoadResult> {
  const app = createContext(loadConfig({ ...env, LOG_LEVEL: "warn" }));
  const times: number[] = [];
  let won = 0;
  let next = 0;
  // A first statement opens the connections and prepares the plan.
  await app.assignment.accept({ ...(pairs[next++] as Pair), expectedVersion: null, requestId: null });
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let pair = pairs[next++]; pair !== undefined; pair = pairs[next++]) {
        const asked = performance.now();
        const outcome = await app.assignment.accept({ ...pair, expectedVersion: null, requestId: null });
        times.push(performance.now() - asked);
        if (outcome.accepted && !outcome.alreadyAccepted) won++;
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  await app.dispose();
  return {
    requests: times.length,
    seconds,
    perSecond: times.length / seconds,
    statuses: { won },
    failed: times.length - won,
    latency: latencyOf(times),
  };
}
