import type { Redis } from "ioredis";
import { newId } from "#server/contracts/ids.ts";
import { type BusMessage, type ChannelPosition, isKept } from "#server/contracts/realtime.ts";
import { type BusHandler, type EventBus, LocalBus } from "#server/platform/bus.ts";
import { type ChannelHistory, HISTORY_MESSAGES, HISTORY_MS } from "#server/platform/channel-history.ts";
import type { Clock } from "#server/platform/clock.ts";
import { inTime } from "#server/platform/in-time.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { RedisConnections } from "#server/platform/redis.ts";
import type { RedisKeys } from "#server/platform/redis-keys.ts";

/** Channels in one SUBSCRIBE: a gateway has tens of thousands. */
const CHANNELS_AT_ONCE = 1000;
/** A channel's count outlives its messages: who missed nothing for hours is told so. */
const POSITION_MS = 24 * 3600_000;
const ERA_MS = 7 * POSITION_MS;
const ANSWER_WITHIN_MS = 500;
/** The subscriber's connection may be back before the other one. */
const READY_WITHIN_MS = 5000;
/** Messages this much older than the loss of the connection are told again, where nobody knows what was heard. */
const LOSS_NOTICED_MS = 1000;

/**
 * KEYS 1 is where the channel stands, 2 what is kept, 3 the era. A channel begins anew where there is none, and in a new
 * era: some process has told its own apps, while it was alone, what is kept nowhere, and nobody shall recover over that.
 */
const EPOCH = (fresh: string) => `
local era = redis.call('GET', KEYS[3]) or '0'
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch or string.sub(epoch, 1, #era + 1) ~= era .. '.' then
  epoch = era .. '.' .. ${fresh}
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'offset', 0)
  redis.call('DEL', KEYS[2])
end`;
/** Its place, its keeping and its telling in one step: the order of places is the order in which all processes hear. */
const PUBLISH = `
${EPOCH("ARGV[2]")}
local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
local message = '{"epoch":"' .. epoch .. '","offset":' .. offset .. ',' .. ARGV[1]
redis.call('RPUSH', KEYS[2], message)
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[3]), -1)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('PUBLISH', KEYS[4], message)
return offset`;
/** Begins the count where there is none, so that what comes after can be asked for. */
const HISTORY = `
${EPOCH("ARGV[1]")}
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local offset = tonumber(redis.call('HGET', KEYS[1], 'offset'))
local kept = {}
if ARGV[4] == 'all' then kept = redis.call('LRANGE', KEYS[2], 0, -1)
elseif ARGV[2] == epoch and offset > tonumber(ARGV[4]) then kept = redis.call('LRANGE', KEYS[2], tonumber(ARGV[4]) - offset, -1) end
return {epoch, offset, kept}`;

/**
 * KEYS 1 is the era, 2 the server's run in which it began. A new one begins when the caller was alone, and in another run:
 * a server that began again, or took over, has what was kept some time ago, and would give the same places once more.
 */
const BEGIN_ERA = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if ARGV[1] == 'alone' or redis.call('GET', KEYS[2]) ~= run then redis.call('INCR', KEYS[1]) end
redis.call('SET', KEYS[2], run, 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

type Scripted = Redis & {
  beginEra(era: string, server: string, why: "alone" | "connected", eraMs: number): Promise<null>;
  publishKept(
    position: string,
    kept: string,
    era: string,
    channel: string,
    ...args: (string | number)[]
  ): Promise<number>;
  historyOf(
    position: string,
    kept: string,
    era: string,
    newEpoch: string,
    epoch: string,
    positionMs: number,
    offset: number | "all",
  ): Promise<[epoch: string, offset: number, kept: string[]]>;
};

/** A channel with listeners here. */
interface Joined {
  readonly channel: string;
  /** Redis sends it to us from then on. */
  joined: Promise<void>;
  /** The last message heard, of a kept channel. */
  last: ChannelPosition | null;
  /** While what was missed is being read: what came meanwhile. */
  waiting: BusMessage[] | null;
}

/**
 * To all processes through Redis pub/sub; a Redis channel is subscribed to only while someone here listens. Kept channels
 * are heard from Redis alone, our own messages too, so that everybody hears them in the order of their places; what got
 * lost on the way to us is read from what is kept. All others are heard here at once, and from Redis by other processes.
 * While Redis is away each process still serves its own subscribers, under epochs of its own.
 */
export class RedisBus implements EventBus {
  readonly #local: LocalBus;
  readonly #redis: RedisConnections;
  readonly #commands: Scripted;
  readonly #keys: RedisKeys;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #origin = newId();
  readonly #joined = new Map<string, Joined>();
  #lostAtMs: number | null = null;
  /** While Redis was away our own apps were told what nobody else was. */
  #saidAlone = false;
  /** It may be another run of the server than the one that was spoken to last. */
  #isNewLine = true;

  constructor(options: { clock: Clock; redis: RedisConnections; keys: RedisKeys; logger: Logger }) {
    this.#clock = options.clock;
    this.#local = new LocalBus(options.clock);
    this.#redis = options.redis;
    this.#keys = options.keys;
    this.#logger = options.logger;
    const { commands, subscriber } = options.redis;
    commands.defineCommand("beginEra", { numberOfKeys: 2, lua: BEGIN_ERA });
    commands.defineCommand("publishKept", { numberOfKeys: 4, lua: PUBLISH });
    commands.defineCommand("historyOf", { numberOfKeys: 3, lua: HISTORY });
    this.#commands = commands as Scripted;
    commands.on("close", () => {
      this.#isNewLine = true;
    });
    subscriber.on("message", (key: string, payload: string) => this.#receive(key, payload));
    subscriber.on("close", () => {
      this.#lostAtMs ??= this.#clock.now().getTime();
    });
    subscriber.on("ready", () => this.#rejoin());
  }

  publish(channel: string, event: string, data: unknown): void {
    const kept = isKept(channel);
    const ready = this.#redis.isReady();
    if (!kept || !ready) this.#local.publish(channel, event, data);
    if (kept && !ready) this.#saidAlone = true;
    if (!ready) return;
    this.#beginEra();
    const at = this.#clock.now().toISOString();
    if (!kept) {
      const message = { origin: this.#origin, event, data, at };
      this.#commands
        .publish(this.#keys.busChannel(channel), JSON.stringify(message))
        .catch((error: Error) => this.#notPublished(channel, error));
      return;
    }
    // Without its first brace: the script puts the place in front.
    const rest = JSON.stringify({ event, data, at }).slice(1);
    const { position, kept: list } = this.#keys.busHistory(channel);
    this.#commands
      .publishKept(
        position,
        list,
        this.#keys.busEra,
        ...[this.#keys.busChannel(channel), rest, newId(), HISTORY_MESSAGES, POSITION_MS, HISTORY_MS],
      )
      .catch((error: Error) => {
        // Whether it got there nobody knows; told twice does less harm than not at all.
        this.#saidAlone = true;
        this.#local.publish(channel, event, data);
        this.#notPublished(channel, error);
      });
  }

  subscribe(channel: string, handler: BusHandler): () => void {
    const key = this.#keys.busChannel(channel);
    if (!this.#joined.has(key)) {
      const entry: Joined = { channel, joined: Promise.resolve(), last: null, waiting: null };
      this.#joined.set(key, entry);
      entry.joined = this.#join([key]);
    }
    const leave = this.#local.subscribe(channel, handler);
    return () => {
      leave();
      if (this.#local.listeners(channel) > 0 || !this.#joined.delete(key)) return;
      if (this.#redis.subscriber.status === "ready") this.#redis.subscriber.unsubscribe(key).catch(() => undefined);
    };
  }

  async joined(channel: string): Promise<void> {
    const { joined } = this.#joined.get(this.#keys.busChannel(channel)) ?? {};
    if (joined !== undefined) await inTime(ANSWER_WITHIN_MS, joined).catch(() => undefined);
  }

  async history(channel: string, since: ChannelPosition | null): Promise<ChannelHistory> {
    if (this.#redis.isReady()) {
      try {
        const [epoch, offset, kept] = await inTime(
          ANSWER_WITHIN_MS,
          this.#read(channel, since?.epoch ?? "", since?.offset ?? 0),
        );
        const entry = this.#joined.get(this.#keys.busChannel(channel));
        if (entry !== undefined) entry.last ??= { epoch, offset };
        if (since?.epoch !== epoch || since.offset > offset) return { epoch, offset, missed: null };
        return { epoch, offset, missed: kept.length === offset - since.offset ? kept : null };
      } catch (error) {
        this.#logger.debug({ err: error, channel }, "what was kept of a channel cannot be read");
      }
    }
    return this.#local.history(channel, since);
  }

  close(): void {
    this.#local.close();
    this.#joined.clear();
    this.#redis.subscriber.removeAllListeners("message");
  }

  /** Before anything else is said over Redis: commands of one connection are done in their order. */
  #beginEra(): void {
    if (!this.#saidAlone && !this.#isNewLine) return;
    const alone = this.#saidAlone;
    this.#saidAlone = false;
    this.#isNewLine = false;
    this.#commands
      .beginEra(this.#keys.busEra, this.#keys.busServer, alone ? "alone" : "connected", ERA_MS)
      .catch((error: Error) => {
        this.#logger.debug({ err: error }, "no new era begun; it will be");
        this.#saidAlone ||= alone;
        this.#isNewLine = true;
      });
  }

  #notPublished(channel: string, error: Error): void {
    this.#logger.debug({ err: error, channel }, "news not published to other processes");
  }

  async #read(
    channel: string,
    epoch: string,
    offset: number | "all",
  ): Promise<[epoch: string, offset: number, kept: BusMessage[]]> {
    this.#beginEra();
    const { position, kept } = this.#keys.busHistory(channel);
    const [now, at, texts] = await this.#commands.historyOf(
      position,
      kept,
      this.#keys.busEra,
      newId(),
      epoch,
      POSITION_MS,
      offset,
    );
    return [now, at, texts.map((text) => JSON.parse(text) as BusMessage)];
  }

  /** While the connection is away nothing is asked: `ready` asks for all that is wanted then. */
  async #join(keys: readonly string[]): Promise<void> {
    if (this.#redis.subscriber.status !== "ready") return;
    const asked: Promise<unknown>[] = [];
    for (let from = 0; from < keys.length; from += CHANNELS_AT_ONCE)
      asked.push(this.#redis.subscriber.subscribe(...keys.slice(from, from + CHANNELS_AT_ONCE)));
    await Promise.all(asked).catch((error: Error) =>
      this.#logger.warn({ err: error, channels: keys.length }, "not subscribed in Redis"),
    );
  }

  /** The connection is there again: all channels anew, and what was said while it was away. */
  #rejoin(): void {
    const lostAtMs = this.#lostAtMs;
    this.#lostAtMs = null;
    const entries = [...this.#joined];
    const joined = this.#join(entries.map(([key]) => key));
    const readable = joined.then(() => this.#redis.becomesReady(READY_WITHIN_MS));
    for (const [, entry] of entries) {
      entry.joined = joined;
      if (lostAtMs === null || !isKept(entry.channel)) continue;
      entry.waiting ??= [];
      void readable.then(() => this.#catchUp(entry, lostAtMs));
    }
  }

  #receive(key: string, payload: string): void {
    const entry = this.#joined.get(key);
    if (entry === undefined) return;
    const { origin, ...message } = JSON.parse(payload) as BusMessage & { origin?: string };
    if (!isKept(entry.channel)) {
      if (origin !== this.#origin) this.#local.deliver(entry.channel, message);
    } else if (entry.waiting !== null) entry.waiting.push(message);
    else if (follows(entry.last, message)) this.#tell(entry, message);
    else if (isNews(entry.last, message)) {
      // Something is missing between the last and this one.
      entry.waiting = [message];
      void this.#catchUp(entry, null);
    }
  }

  #tell(entry: Joined, message: BusMessage): void {
    entry.last = { epoch: message.epoch ?? "", offset: message.offset ?? 0 };
    this.#local.deliver(entry.channel, message);
  }

  /** Reads what is missing after the last message, or since a moment when none was heard; then what waited. */
  async #catchUp(entry: Joined, sinceMs: number | null): Promise<void> {
    const { last } = entry;
    try {
      if (last !== null || sinceMs !== null) {
        let [epoch, , kept] = await this.#read(entry.channel, last?.epoch ?? "", last?.offset ?? "all");
        // Begun anew meanwhile: all there is in it is new.
        if (last !== null && epoch !== last.epoch) [epoch, , kept] = await this.#read(entry.channel, "", "all");
        const since = (sinceMs ?? 0) - LOSS_NOTICED_MS;
        // Another look, begun when the line was lost once more, may have told it meanwhile.
        for (const message of kept)
          if (isNews(entry.last, message) && (last !== null || Date.parse(message.at) >= since))
            this.#tell(entry, message);
      }
    } catch (error) {
      this.#logger.debug({ err: error, channel: entry.channel }, "what was missed of a channel cannot be read");
    }
    const waiting = entry.waiting ?? [];
    entry.waiting = null;
    for (const message of waiting) if (isNews(entry.last, message)) this.#tell(entry, message);
  }
}

/** The first that is heard, or the very next. */
const follows = (last: ChannelPosition | null, { epoch, offset }: BusMessage): boolean =>
  last === null || (last.epoch === epoch && offset === last.offset + 1);

const isNews = (last: ChannelPosition | null, { epoch, offset }: BusMessage): boolean =>
  last === null || last.epoch !== epoch || (offset ?? 0) > last.offset;
