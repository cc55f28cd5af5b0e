import { EventEmitter, on } from "node:events";
import { tripIdsSchema } from "#server/contracts/realtime.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { RequestContext } from "#server/trpc/init.ts";

/** Ends when the client goes or may no longer listen, and when the server stops: a stream must not hold up a restart. */
export function streamSignal(ctx: RequestContext, signal: AbortSignal | undefined): AbortSignal {
  return AbortSignal.any([signal, ctx.lost, ctx.app.stopping].filter((each) => each !== undefined));
}

/**
 * Ids of what changed under a topic, gathered for `everyMs` so that a burst is one tick. The first tick comes at once,
 * with no ids: whoever (re)connects refetches, so nothing that happened meanwhile is missed.
 */
export async function* changedIds(
  bus: EventBus,
  topic: string,
  everyMs: number,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const wake = new EventEmitter();
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  const leave = bus.subscribe(topic, ({ data }) => {
    const parsed = tripIdsSchema.safeParse(data);
    if (!parsed.success) return;
    for (const id of parsed.data.ids) waiting.add(id);
    timer ??= setTimeout(() => {
      timer = null;
      wake.emit("tick");
    }, everyMs);
  });
  try {
    const ticks = on(wake, "tick", { signal });
    yield [];
    for await (const _ of ticks) {
      const ids = [...waiting];
      waiting.clear();
      yield ids;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    leave();
    if (timer !== null) clearTimeout(timer);
  }
}
