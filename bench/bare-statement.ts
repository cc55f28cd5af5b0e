import pg from "pg";
import { newId } from "#server/contracts/ids.ts";
import { ACCEPT_STATEMENT } from "#server/domain/assignment/assignment-store.ts";
import { HOT_SETTINGS } from "#server/platform/db.ts";
import { type LoadResult, latencyOf } from "./http-load.ts";
import type { Pair } from "./stage.ts";

/** The limit: the engine's own statement, one accept each, from a bare `pg` client over `connections` connections. */
export async function runBareStatement(
  databaseUrl: string,
  pairs: readonly Pair[],
  connections: number,
): Promise<LoadResult> {
  const clients = Array.from(
    { length: connections },
    () => new pg.Client({ connectionString: databaseUrl, options: HOT_SETTINGS }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  const times: number[] = [];
  let won = 0;
  let next = 0;
  const started = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let pair = pairs[next++]; pair !== undefined; pair = pairs[next++]) {
        const sent = performance.now();
        const { rows } = await client.query<{ verdict: string }>({
          name: "accept",
          text: ACCEPT_STATEMENT,
          values: [[newId()], [pair.tripId], [pair.driverId], [null], [null], [false]],
        });
        times.push(performance.now() - sent);
        if (rows[0]?.verdict === "won") won++;
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  await Promise.all(clients.map((client) => client.end()));
  return {
    requests: pairs.length,
    seconds,
    perSecond: pairs.length / seconds,
    statuses: { won },
    failed: pairs.length - won,
    latency: latencyOf(times),
  };
}
