import { EventEmitter } from "node:events";
import { type BusMessage, type ChannelPosition, keepsHistory } from "#server/contracts/realtime.ts";
import type { Clock } from "#server/platform/clock.ts";
import { EventHistory, type Recovery } from "#server/platform/event-history.ts";

export type BusHandler = (message: BusMessage) => void;

/**
 * Live news. Channels that apps listen to keep their last events, each with its place (epoch and offset), so that who was
 * away gets what they missed; topics of our own processes do not: there the database has the facts, and readers refetch.
 */
export interface EventBus {
  /** Never throws and never waits for Redis. */
  publish(channel: string, event: string, data: unknown): void;
  /** Returns the way out. */
  subscribe(channel: string, handler: BusHandler): () => void;
  /**
   * What came after `from` on a channel that keeps history; of null, only where it stands. Whoever subscribed before
   * hears at once all that comes after it, and may hear some of it twice: the offset tells. Never throws.
   */
  recover(channel: string, from: ChannelPosition | null): Promise<Recovery>;
  close(): void;
}

/** Standalone: in this process only. */
export class LocalBus implements EventBus {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #clock: Clock;
  readonly #history: EventHistory;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#history = new EventHistory(clock);
  }

  publish(channel: string, event: string, data: unknown): void {
    const message = { event, data, at: this.#clock.now().toISOString() };
    this.deliver(channel, keepsHistory(channel) ? this.#history.append(channel, message) : message);
  }

  deliver(channel: string, message: BusMessage): void {
    this.#emitter.emit(channel, message);
  }

  subscribe(channel: string, handler: BusHandler): () => void {
    this.#emitter.on(channel, handler);
    return () => this.#emitter.off(channel, handler);
  }

  async recover(channel: string, from: ChannelPosition | null): Promise<Recovery> {
    return this.#history.since(channel, from);
  }

  listeners(channel: string): number {
    return this.#emitter.listenerCount(channel);
  }

  close(): void {
    this.#emitter.removeAllListeners();
  }
}
