import { EventEmitter } from "node:events";
import { type BusMessage, type ChannelPosition, isKept } from "#server/contracts/realtime.ts";
import { type ChannelHistory, MemoryHistory } from "#server/platform/channel-history.ts";
import type { Clock } from "#server/platform/clock.ts";

export type BusHandler = (message: BusMessage) => void;

/**
 * Live news to whoever listens now. Losing a message loses no fact: the database has it, and readers refetch. What apps
 * listen to is kept for a while as well (`isKept`), each message with its place, so that who reconnects misses nothing.
 */
export interface EventBus {
  /** Never throws and never waits for Redis. */
  publish(channel: string, event: string, data: unknown): void;
  /** Returns the way out. */
  subscribe(channel: string, handler: BusHandler): () => void;
  /** Resolves once what is published from now on is heard here; also when Redis is away, for then all is heard that there is. */
  joined(channel: string): Promise<void>;
  /** Where a kept channel stands now, and what came after `since`. Never throws. */
  history(channel: string, since: ChannelPosition | null): Promise<ChannelHistory>;
  close(): void;
}

/** Standalone: in this process only. */
export class LocalBus implements EventBus {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #clock: Clock;
  readonly #history: MemoryHistory;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#history = new MemoryHistory(() => clock.monotonicMs());
  }

  publish(channel: string, event: string, data: unknown): void {
    const message = { event, data, at: this.#clock.now().toISOString() };
    this.deliver(channel, isKept(channel) ? this.#history.add(channel, message) : message);
  }

  deliver(channel: string, message: BusMessage): void {
    this.#emitter.emit(channel, message);
  }

  subscribe(channel: string, handler: BusHandler): () => void {
    this.#emitter.on(channel, handler);
    return () => this.#emitter.off(channel, handler);
  }

  async joined(): Promise<void> {}

  async history(channel: string, since: ChannelPosition | null): Promise<ChannelHistory> {
    return this.#history.since(channel, since);
  }

  listeners(channel: string): number {
    return this.#emitter.listenerCount(channel);
  }

  close(): void {
    this.#emitter.removeAllListeners();
  }
}
