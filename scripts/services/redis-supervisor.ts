import { setTimeout as delay } from "node:timers/promises";
import { describeExit } from "#scripts/services/process-group.ts";
import type { RunningRedis } from "#scripts/services/redis.ts";
import { describeFailure } from "#scripts/services/startup-error.ts";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** One that ran this long was well: the next end of it waits the shortest time again. */
const WELL_AFTER_MS = 60_000;

export interface RedisSupervisor {
  /** Of the server that runs now, or ran last. */
  pid(): number | undefined;
  /** Ends the supervision and the server. */
  stop(): Promise<void>;
}

/**
 * Starts a private Redis again whenever it ends by itself: the platform goes on without it, on locks in its memory and
 * jobs that wait in the outbox, which is to be a matter of seconds. Waits 0.5 s, doubled up to 30 s while it keeps
 * ending. Prints one line for each time it ended, and one when it does not start.
 *
 * @param wanted false once the whole product is stopping: an end is then none of ours
 */
export function superviseRedis(
  first: RunningRedis,
  options: { print: (line: string) => void; wanted: () => boolean },
): RedisSupervisor {
  const { print } = options;
  let current = first;
  const stopped = new AbortController();
  const wanted = () => !stopped.signal.aborted && options.wanted();

  async function startAgain(wait: number): Promise<{ server: RunningRedis; wait: number } | null> {
    let complained = false;
    for (let next = wait; ; next = Math.min(next * 2, LONGEST_WAIT_MS)) {
      await delay(next, undefined, { signal: stopped.signal }).catch(() => undefined);
      if (!wanted()) return null;
      try {
        return { server: await current.startAgain(), wait: next };
      } catch (error) {
        if (!complained) print(`! Redis does not start again, and is tried on: ${describeFailure(error)}`);
        complained = true;
      }
    }
  }

  async function watch(): Promise<void> {
    let wait = FIRST_WAIT_MS;
    for (;;) {
      const since = performance.now();
      const exit = await current.exited;
      if (!wanted()) return;
      if (performance.now() - since > WELL_AFTER_MS) wait = FIRST_WAIT_MS;
      const ended = performance.now();
      const again = await startAgain(wait);
      if (again === null) return;
      current = again.server;
      if (!wanted()) return void (await current.stop());
      const away = ((performance.now() - ended) / 1000).toFixed(1);
      print(`! Redis ended (${describeExit(exit)}); started again on port ${current.port} after ${away} s`);
      wait = Math.min(again.wait * 2, LONGEST_WAIT_MS);
    }
  }

  const watching = watch();
  return {
    pid: () => current.pid,
    async stop() {
      stopped.abort();
      await current.stop();
      await watching;
    },
  };
}
