import { EventEmitter } from "node:events";
import { newId } from "#server/contracts/ids.ts";
import type { BusMessage } from "#server/contracts/realtime.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { RedisConnections } from "#server/platform/redis.ts";
import type { RedisKeys } from "#server/platform/redis-keys.ts";

/** Channels in one SUBSCRIBE: a gateway has tens of thousands. */
const CHANNELS_AT_ONCE = 1000;

export type BusHandler = (message: BusMessage) => void;

/** Live news to whoever is connected now. Losing a message loses no fact: the database has it, and readers refetch. */
export interface EventBus {
  /** Never throws and never waits for Redis: subscribers in this process get it at once. */
  publish(channel: string, event: string, data: unknown): void;
  /** Returns the way out. */
  subscribe(channel: string, handler: BusHandler): () => void;
  close(): void;
}

/** Standalone: in this process only. */
export class LocalBus implements EventBus {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  publish(channel: string, event: string, data: unknown): void {
    this.deliver(channel, { event, data, at: this.#clock.now().toISOString() });
  }

  deliver(channel: string, message: BusMessage): void {
    this.#emitter.emit(channel, message);
  }

  subscribe(channel: string, handler: BusHandler): () => void {
    this.#emitter.on(channel, handler);
    return () => this.#emitter.off(channel, handler);
  }

  listeners(channel: string): number {
    return this.#emitter.listenerCount(channel);
  }

  close(): void {
    this.#emitter.removeAllListeners();
  }
}

/**
 * Local first, and to other processes through Redis pub/sub; own messages that come back are dropped by their origin.
 * While Redis is away each process still serves its own subscribers. A Redis channel is subscribed to only while
 * someone here listens; whenever the connection is ready again, to all of those.
 */
export class RedisBus implements EventBus {
  readonly #local: LocalBus;
  readonly #redis: RedisConnections;
  readonly #keys: RedisKeys;
  readonly #logger: Logger;
  readonly #origin = newId();
  readonly #channelByKey = new Map<string, string>();

  constructor(options: { clock: Clock; redis: RedisConnections; keys: RedisKeys; logger: Logger }) {
    this.#local = new LocalBus(options.clock);
    this.#redis = options.redis;
    this.#keys = options.keys;
    this.#logger = options.logger;
    this.#redis.subscriber.on("message", (key: string, payload: string) => this.#receive(key, payload));
    this.#redis.subscriber.on("ready", () => this.#join([...this.#channelByKey.keys()]));
  }

  publish(channel: string, event: string, data: unknown): void {
    this.#local.publish(channel, event, data);
    if (!this.#redis.isReady()) return;
    const message = { origin: this.#origin, event, data, at: new Date().toISOString() };
    this.#redis.commands.publish(this.#keys.busChannel(channel), JSON.stringify(message)).catch((error: Error) => {
      this.#logger.debug({ err: error, channel }, "news not published to other processes");
    });
  }

  subscribe(channel: string, handler: BusHandler): () => void {
    const key = this.#keys.busChannel(channel);
    if (this.#local.listeners(channel) === 0) {
      this.#channelByKey.set(key, channel);
      this.#join([key]);
    }
    const leave = this.#local.subscribe(channel, handler);
    return () => {
      leave();
      if (this.#local.listeners(channel) > 0 || !this.#channelByKey.delete(key)) return;
      if (this.#redis.subscriber.status === "ready") this.#redis.subscriber.unsubscribe(key).catch(() => undefined);
    };
  }

  close(): void {
    this.#local.close();
    this.#channelByKey.clear();
    this.#redis.subscriber.removeAllListeners("message");
  }

  /** While the connection is away nothing is asked: `ready` asks for all that is wanted then. */
  #join(keys: readonly string[]): void {
    if (this.#redis.subscriber.status !== "ready") return;
    for (let from = 0; from < keys.length; from += CHANNELS_AT_ONCE) {
      const some = keys.slice(from, from + CHANNELS_AT_ONCE);
      this.#redis.subscriber
        .subscribe(...some)
        .catch((error: Error) => this.#logger.warn({ err: error, channels: some.length }, "not subscribed in Redis"));
    }
  }

  #receive(key: string, payload: string): void {
    const channel = this.#channelByKey.get(key);
    if (channel === undefined) return;
    const { origin, ...message } = JSON.parse(payload) as BusMessage & { origin: string };
    if (origin !== this.#origin) this.#local.deliver(channel, message);
  }
}
