import { newId } from "#server/contracts/ids.ts";
import { type BusMessage, type ChannelPosition, keepsHistory } from "#server/contracts/realtime.ts";
import { type BusHandler, type EventBus, LocalBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Recovery } from "#server/platform/event-history.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { RedisConnections } from "#server/platform/redis.ts";
import { RedisEventLog, readPublished } from "#server/platform/redis-event-log.ts";
import type { RedisKeys } from "#server/platform/redis-keys.ts";

/** Channels in one SUBSCRIBE: a gateway has tens of thousands. */
const CHANNELS_AT_ONCE = 1000;
const DONE = Promise.resolve();

/** A channel somebody here listens to. */
interface Joined {
  readonly channel: string;
  /** Resolves when Redis sends us its messages, or when that was given up. */
  joined: Promise<void>;
  /** The last event told here; null before the first. */
  last: ChannelPosition | null;
  /** Events that wait while what came before them is read; null when nothing is being read. */
  held: BusMessage[] | null;
}

/**
 * Topics: local first, and to other processes through Redis pub/sub; own messages that come back are dropped by their
 * origin. Channels with history: through Redis also to this very process, for Redis gives the offsets and so the order.
 * While Redis is away each process still serves its own subscribers, from a history of its own; when it is back, those
 * channels begin a new epoch. A Redis channel is subscribed to only while someone here listens; whenever the connection is
 * ready again, to all of those, and what was missed is read.
 */
export class RedisBus implements EventBus {
  readonly #local: LocalBus;
  readonly #log: RedisEventLog;
  readonly #clock: Clock;
  readonly #redis: RedisConnections;
  readonly #keys: RedisKeys;
  readonly #logger: Logger;
  readonly #origin = newId();
  readonly #byKey = new Map<string, Joined>();
  /** Something was told here that Redis does not know of. */
  #strayed = false;

  constructor(options: { clock: Clock; redis: RedisConnections; keys: RedisKeys; logger: Logger }) {
    this.#clock = options.clock;
    this.#local = new LocalBus(options.clock);
    this.#redis = options.redis;
    this.#keys = options.keys;
    this.#logger = options.logger;
    this.#log = new RedisEventLog(options.redis.commands, options.keys);
    this.#redis.subscriber.on("message", (key: string, payload: string) => this.#receive(key, payload));
    this.#redis.subscriber.on("ready", () => this.#rejoin());
  }

  publish(channel: string, event: string, data: unknown): void {
    if (keepsHistory(channel)) {
      this.#publishKept(channel, event, data);
      return;
    }
    this.#local.publish(channel, event, data);
    if (!this.#redis.isReady()) return;
    const message = { origin: this.#origin, event, data, at: this.#clock.now().toISOString() };
    this.#redis.commands.publish(this.#keys.busChannel(channel), JSON.stringify(message)).catch((error: Error) => {
      this.#logger.debug({ err: error, channel }, "news not published to other processes");
    });
  }

  subscribe(channel: string, handler: BusHandler): () => void {
    const key = this.#keys.busChannel(channel);
    if (this.#local.listeners(channel) === 0) {
      const joined: Joined = { channel, joined: DONE, last: null, held: null };
      this.#byKey.set(key, joined);
      this.#join([key]);
    }
    const leave = this.#local.subscribe(channel, handler);
    return () => {
      leave();
      if (this.#local.listeners(channel) > 0 || !this.#byKey.delete(key)) return;
      if (this.#redis.subscriber.status === "ready") this.#redis.subscriber.unsubscribe(key).catch(() => undefined);
    };
  }

  async recover(channel: string, from: ChannelPosition | null): Promise<Recovery> {
    const entry = this.#byKey.get(this.#keys.busChannel(channel));
    await entry?.joined;
    if (this.#isReady()) {
      try {
        if (this.#strayed) await this.#beginEra();
        const recovery = await this.#log.since(channel, from);
        if (entry !== undefined) entry.last ??= { epoch: recovery.epoch, offset: recovery.offset };
        return recovery;
      } catch (error) {
        this.#logger.debug({ err: error, channel }, "history not read from Redis");
      }
    }
    return this.#local.recover(channel, from);
  }

  close(): void {
    this.#local.close();
    this.#byKey.clear();
    this.#redis.subscriber.removeAllListeners("message");
  }

  /** What is published comes back to us only when both connections stand. */
  #isReady(): boolean {
    return this.#redis.isReady() && this.#redis.subscriber.status === "ready";
  }

  #publishKept(channel: string, event: string, data: unknown): void {
    if (!this.#isReady()) {
      this.#stray(channel, event, data);
      return;
    }
    const newEra = this.#strayed;
    this.#strayed = false;
    const message = { event, data, at: this.#clock.now().toISOString() };
    this.#log.append(channel, message, newEra).catch((error: Error) => {
      this.#logger.debug({ err: error, channel }, "event not published through Redis");
      this.#stray(channel, event, data);
    });
  }

  #stray(channel: string, event: string, data: unknown): void {
    this.#strayed = true;
    this.#local.publish(channel, event, data);
  }

  #beginEra(): Promise<void> {
    this.#strayed = false;
    return this.#log.beginEra().catch((error: Error) => {
      this.#strayed = true;
      throw error;
    });
  }

  #rejoin(): void {
    this.#join([...this.#byKey.keys()]);
    for (const entry of this.#byKey.values()) if (entry.last !== null) this.#catchUp(entry);
  }

  /** While the connection is away nothing is asked: `ready` asks for all that is wanted then. */
  #join(keys: readonly string[]): void {
    if (this.#redis.subscriber.status !== "ready") return;
    for (let from = 0; from < keys.length; from += CHANNELS_AT_ONCE) {
      const some = keys.slice(from, from + CHANNELS_AT_ONCE);
      const joined = this.#redis.subscriber.subscribe(...some).then(
        () => undefined,
        (error: Error) => this.#logger.warn({ err: error, channels: some.length }, "not subscribed in Redis"),
      );
      for (const key of some) {
        const entry = this.#byKey.get(key);
        if (entry !== undefined) entry.joined = joined;
      }
      // There are as many as apps' channels: what has been waited for is let go.
      void joined.then(() => {
        for (const key of some) {
          const entry = this.#byKey.get(key);
          if (entry?.joined === joined) entry.joined = DONE;
        }
      });
    }
  }

  #receive(key: string, payload: string): void {
    const entry = this.#byKey.get(key);
    if (entry === undefined) return;
    const kept = readPublished(payload);
    if (kept !== null) {
      this.#receiveKept(entry, kept);
      return;
    }
    const { origin, ...message } = JSON.parse(payload) as BusMessage & { origin: string };
    if (origin !== this.#origin) this.#local.deliver(entry.channel, message);
  }

  #receiveKept(entry: Joined, message: BusMessage): void {
    if (entry.held !== null) {
      entry.held.push(message);
      return;
    }
    const { epoch = "", offset = 0 } = message;
    const { last } = entry;
    if (last !== null && last.epoch === epoch && offset > last.offset + 1) {
      this.#catchUp(entry);
      entry.held = [message];
      return;
    }
    this.#tell(entry, message);
  }

  /** Reads what was missed since the last event told here; what comes meanwhile waits behind it. */
  #catchUp(entry: Joined): void {
    if (entry.held !== null) return;
    entry.held = [];
    const read = async () => {
      await entry.joined;
      if (!this.#isReady() || entry.last === null) return;
      const { recovered, epoch, missed } = await this.#log.since(entry.channel, entry.last);
      if (recovered) return missed;
      // A new epoch, which began after what was told here: all of it that is still kept.
      return epoch === entry.last.epoch ? [] : (await this.#log.since(entry.channel, { epoch, offset: 0 })).missed;
    };
    read()
      .catch((error: Error) => this.#logger.debug({ err: error, channel: entry.channel }, "missed events not read"))
      .then((missed) => {
        const held = entry.held ?? [];
        entry.held = null;
        for (const message of [...(missed ?? []), ...held]) this.#tell(entry, message);
      });
  }

  /** In the order of the offsets, each once. */
  #tell(entry: Joined, message: BusMessage): void {
    const { epoch = "", offset = 0 } = message;
    if (entry.last?.epoch === epoch && offset <= entry.last.offset) return;
    entry.last = { epoch, offset };
    this.#local.deliver(entry.channel, message);
  }
}
