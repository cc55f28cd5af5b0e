import { Redis } from "ioredis";
import { inTime } from "#server/platform/in-time.ts";
import type { Logger } from "#server/platform/logger.ts";
import { seldom } from "#server/platform/seldom.ts";

/** Three connections: commands, a subscriber (it can do nothing else), and none of BullMQ's, which makes its own. */
export interface RedisConnections {
  readonly commands: Redis;
  readonly subscriber: Redis;
  /** False from the moment the connection is lost: callers then go on without Redis, at once. */
  isReady(): boolean;
  /** How often the connection was made. After another one it may be a Redis that was restarted, with what it last saved. */
  timesConnected(): number;
  /** Resolves when commands can be sent, or after so long. */
  becomesReady(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

/** For what does not look at the time itself, as the locks and the limits do. */
const COMMAND_TIMEOUT_MS = 2000;
/** A line on which nothing comes for so long after a command, or as it is made, has died in silence: another is made. */
const SILENCE_MS = 3000;
/** The subscriber only listens: without a command now and then it would be deaf for hours, and not know it. */
const PULSE_MS = 5000;

export function openRedis(url: string, logger: Logger): RedisConnections {
  const options = {
    lazyConnect: false,
    // Without these two a command waits for Redis to come back, for as long as it takes.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    socketTimeout: SILENCE_MS,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, 2000) * (0.5 + Math.random() / 2),
  };
  const commands = new Redis(url, {
    ...options,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableAutoPipelining: true,
    connectionName: "smartline",
  });
  const subscriber = new Redis(url, {
    ...options,
    // The bus knows its channels and subscribes to them all whenever the connection is ready. ioredis repeats only what
    // was answered before the loss, and lets the rejection of that go unhandled when the connection is lost again.
    autoResubscribe: false,
    connectionName: "smartline-bus",
  });
  const pulse = setInterval(() => {
    for (const line of [commands, subscriber]) if (line.status === "ready") line.ping().catch(() => undefined);
  }, PULSE_MS).unref();
  const complain = seldom((trouble) => logger.warn(trouble, "Redis is away; running without it"));
  commands.on("error", complain);
  subscriber.on("error", complain);
  let connected = 0;
  commands.on("ready", () => {
    connected++;
    logger.info("Redis is ready");
  });
  return {
    commands,
    subscriber,
    isReady: () => commands.status === "ready",
    timesConnected: () => connected,
    async becomesReady(withinMs) {
      if (commands.status === "ready") return;
      const ready = new Promise<void>((resolve) => commands.once("ready", resolve));
      await inTime(withinMs, ready).catch(() => undefined);
    },
    async close() {
      clearInterval(pulse);
      commands.disconnect();
      subscriber.disconnect();
    },
  };
}
