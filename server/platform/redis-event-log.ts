import type { Redis } from "ioredis";
import { newId } from "#server/contracts/ids.ts";
import type { BusMessage, ChannelPosition } from "#server/contracts/realtime.ts";
import { KEPT_EVENTS, KEPT_SECONDS, type Recovery } from "#server/platform/event-history.ts";
import type { RedisKeys } from "#server/platform/redis-keys.ts";

/** Longer than anything that it could be compared with is kept. */
const ERA_SECONDS = 2 * KEPT_SECONDS;

/**
 * The channel's epoch, made anew when it is not there (a flush, a restart, its time was up) or is of an older era (a
 * process had to go on without Redis: what it told its own apps is not in here).
 * KEYS: position, events, era. ARGV[1]: a new epoch's name.
 */
const POSITION = `local era = redis.call('GET', KEYS[3]) or '0'
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch or redis.call('HGET', KEYS[1], 'era') ~= era then
  epoch = ARGV[1]
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'era', era, 'offset', 0)
end`;

/** ARGV: a new epoch's name, the event, the channel of pub/sub, how many are kept, for how many seconds; a new era, if any, for how many. */
const APPEND = `if ARGV[6] ~= '' then redis.call('SET', KEYS[3], ARGV[6], 'EX', ARGV[7]) end
${POSITION}
local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
redis.call('LPUSH', KEYS[2], ARGV[2])
redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[4]) - 1)
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('PUBLISH', ARGV[3], epoch .. ' ' .. offset .. ' ' .. ARGV[2])
return offset`;

/** ARGV: a new epoch's name, the epoch and offset asked from, seconds. Answers epoch, offset, whether recovered, the events newest first. */
const SINCE = `${POSITION}
redis.call('EXPIRE', KEYS[1], ARGV[4])
local offset = tonumber(redis.call('HGET', KEYS[1], 'offset'))
local gone = offset - tonumber(ARGV[3])
if ARGV[2] ~= epoch or gone < 0 or gone > redis.call('LLEN', KEYS[2]) then return {epoch, offset, 0, {}} end
if gone == 0 then return {epoch, offset, 1, {}} end
return {epoch, offset, 1, redis.call('LRANGE', KEYS[2], 0, gone - 1)}`;

/**
 * The last events of each channel, in Redis, for all processes. One script gives an event its offset, keeps it and
 * publishes it, so that what is kept and what is heard have the same order. Sent as text each time: with EVALSHA the
 * first call of a connection may be overtaken by the next.
 */
export class RedisEventLog {
  readonly #redis: Redis;
  readonly #keys: RedisKeys;

  constructor(redis: Redis, keys: RedisKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** `newEra`: see `beginEra`; in the same script, so that this event is already of it. */
  async append(channel: string, message: BusMessage, newEra: boolean): Promise<void> {
    const busChannel = this.#keys.busChannel(channel);
    const event = JSON.stringify(message);
    const era = newEra ? newId() : "";
    const kept = [KEPT_EVENTS, KEPT_SECONDS, era, ERA_SECONDS];
    await this.#redis.eval(APPEND, 3, ...this.#of(channel), newId(), event, busChannel, ...kept);
  }

  async since(channel: string, from: ChannelPosition | null): Promise<Recovery> {
    const asked = from === null ? ["", 0] : [from.epoch, from.offset];
    const answer = await this.#redis.eval(SINCE, 3, ...this.#of(channel), newId(), ...asked, KEPT_SECONDS);
    const [epoch, offset, recovered, events] = answer as [string, number, number, string[]];
    const missed = events
      .reverse()
      .map((text, i): BusMessage => ({ ...JSON.parse(text), epoch, offset: offset - events.length + i + 1 }));
    return { epoch, offset, recovered: recovered === 1, missed };
  }

  /** From now on nobody recovers over what was told without Redis: every channel begins a new epoch. */
  async beginEra(): Promise<void> {
    await this.#redis.set(this.#keys.busEra, newId(), "EX", ERA_SECONDS);
  }

  #of(channel: string): [string, string, string] {
    return [this.#keys.busPosition(channel), this.#keys.busEvents(channel), this.#keys.busEra];
  }
}

/** What APPEND publishes. Null: another kind of message. */
export function readPublished(payload: string): BusMessage | null {
  if (payload.startsWith("{")) return null;
  const [first, second] = [payload.indexOf(" "), payload.indexOf(" ", payload.indexOf(" ") + 1)];
  const message = JSON.parse(payload.slice(second + 1)) as BusMessage;
  return { ...message, epoch: payload.slice(0, first), offset: Number(payload.slice(first + 1, second)) };
}
