import { newId } from "#server/contracts/ids.ts";
import type { BusMessage, ChannelPosition } from "#server/contracts/realtime.ts";
import type { Clock } from "#server/platform/clock.ts";

/** Events that a channel keeps for those who were away, and for how long after its last one. */
export const KEPT_EVENTS = 256;
export const KEPT_SECONDS = 600;
const SWEEP_EVERY = 1000;

/** What has happened on a channel since a position. */
export interface Recovery extends ChannelPosition {
  /** True: `missed` is all that came after the position asked from, in order. */
  readonly recovered: boolean;
  readonly missed: readonly BusMessage[];
}

interface Kept {
  readonly epoch: string;
  offset: number;
  readonly events: BusMessage[];
  untilMs: number;
}

/** The last events of each channel in this process's memory. What has not been used for ten minutes is forgotten. */
export class EventHistory {
  readonly #clock: Clock;
  readonly #channels = new Map<string, Kept>();
  #untilSweep = SWEEP_EVERY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  append(channel: string, message: BusMessage): BusMessage {
    const kept = this.#touch(channel);
    kept.offset++;
    const positioned = { ...message, epoch: kept.epoch, offset: kept.offset };
    kept.events.push(positioned);
    if (kept.events.length > KEPT_EVENTS) kept.events.shift();
    return positioned;
  }

  since(channel: string, from: ChannelPosition | null): Recovery {
    const { epoch, offset, events } = this.#touch(channel);
    const gone = from === null ? -1 : offset - from.offset;
    const recovered = from !== null && from.epoch === epoch && gone >= 0 && gone <= events.length;
    return { epoch, offset, recovered, missed: recovered && gone > 0 ? events.slice(-gone) : [] };
  }

  #touch(channel: string): Kept {
    const now = this.#clock.monotonicMs();
    if (--this.#untilSweep <= 0) this.#sweep(now);
    let kept = this.#channels.get(channel);
    // A forgotten channel begins anew, under another name: its old offsets must not be taken for these.
    if (kept === undefined || kept.untilMs < now) kept = { epoch: newId(), offset: 0, events: [], untilMs: 0 };
    kept.untilMs = now + KEPT_SECONDS * 1000;
    this.#channels.set(channel, kept);
    return kept;
  }

  #sweep(now: number): void {
    for (const [channel, kept] of this.#channels) if (kept.untilMs < now) this.#channels.delete(channel);
    this.#untilSweep = Math.max(SWEEP_EVERY, this.#channels.size);
  }
}
