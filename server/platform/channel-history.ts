import { newId } from "#server/contracts/ids.ts";
import type { BusMessage, ChannelPosition } from "#server/contracts/realtime.ts";

/** Messages kept of a channel, and for how long after its last: who was away for longer reads anew. */
export const HISTORY_MESSAGES = 256;
export const HISTORY_MS = 10 * 60_000;
/** Channels kept in memory; the ones silent for longest are forgotten first. */
const MAX_CHANNELS = 50_000;

/** Where a channel stands, and what came after a position in it; `missed` is null when not all of that is known any more. */
export interface ChannelHistory extends ChannelPosition {
  readonly missed: readonly BusMessage[] | null;
}

interface Kept {
  readonly epoch: string;
  offset: number;
  touchedAtMs: number;
  readonly messages: BusMessage[];
}

/** What was said on channels in this process, for those who reconnect. A channel forgotten and begun anew has a new epoch. */
export class MemoryHistory {
  readonly #channels = new Map<string, Kept>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** The message with its place in the channel. */
  add(channel: string, message: BusMessage): BusMessage {
    const kept = this.#touch(channel);
    kept.offset++;
    const placed = { ...message, epoch: kept.epoch, offset: kept.offset };
    kept.messages.push(placed);
    if (kept.messages.length > HISTORY_MESSAGES) kept.messages.shift();
    return placed;
  }

  since(channel: string, since: ChannelPosition | null): ChannelHistory {
    const { epoch, offset, messages } = this.#touch(channel);
    if (since?.epoch !== epoch || since.offset > offset) return { epoch, offset, missed: null };
    const missed = messages.filter((message) => (message.offset ?? 0) > since.offset);
    return { epoch, offset, missed: missed.length === offset - since.offset ? missed : null };
  }

  #touch(channel: string): Kept {
    const now = this.#monotonicMs();
    const kept = this.#channels.get(channel) ?? { epoch: newId(), offset: 0, touchedAtMs: now, messages: [] };
    kept.touchedAtMs = now;
    // Last in line: the first are those silent for longest.
    this.#channels.delete(channel);
    this.#channels.set(channel, kept);
    for (const [name, { touchedAtMs }] of this.#channels) {
      if (now - touchedAtMs < HISTORY_MS && this.#channels.size <= MAX_CHANNELS) break;
      this.#channels.delete(name);
    }
    return kept;
  }
}
