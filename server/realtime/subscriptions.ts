import { type BusMessage, type ChannelPosition, keepsHistory } from "#server/contracts/realtime.ts";
import type { EventBus } from "#server/platform/bus.ts";
import { followedTrip } from "#server/realtime/channels.ts";
import type { DriverPositions } from "#server/realtime/driver-positions.ts";

interface Subscription {
  readonly leave: () => void;
  /** Events that wait while what was missed is read; null when they go out at once. */
  held: BusMessage[] | null;
}

/** Where a subscription stands: events go on from here. */
export interface Standing extends ChannelPosition {
  readonly recovered: boolean;
}

/** What one connection listens to, and in which order it hears it. */
export class Subscriptions {
  readonly #bus: EventBus;
  readonly #positions: DriverPositions;
  readonly #tell: (channel: string, message: BusMessage) => void;
  readonly #open = new Map<string, Subscription>();

  constructor(options: {
    bus: EventBus;
    positions: DriverPositions;
    tell: (channel: string, message: BusMessage) => void;
  }) {
    this.#bus = options.bus;
    this.#positions = options.positions;
    this.#tell = options.tell;
  }

  get channels(): string[] {
    return [...this.#open.keys()];
  }

  /** From now on, without asking what was before: an app's own channels at its start. */
  add(channel: string): void {
    if (!this.#open.has(channel))
      this.#open.set(channel, { leave: this.#bus.subscribe(channel, this.#listener(channel)), held: null });
  }

  /**
   * Listens to a channel, from `from` on where that is still known. Subscribed first, then what was missed is read while
   * new events wait, so that none falls between. `answer` is told where it stands, before the first event. `isWanted`:
   * the connection may be lost meanwhile.
   */
  async join(
    channel: string,
    from: ChannelPosition | null,
    ways: { readonly isWanted: () => boolean; readonly answer: (standing: Standing) => void },
  ): Promise<void> {
    const tripId = followedTrip(channel);
    if (tripId !== null) {
      if (!this.#open.has(channel)) {
        const leave = await this.#positions.follow(tripId, this.#listener(channel));
        if (!ways.isWanted()) return leave();
        this.#open.set(channel, { leave, held: null });
      }
      return ways.answer({ ...this.#positions.position(tripId), recovered: false });
    }
    if (!keepsHistory(channel)) throw new Error(`${channel} has no history`);
    this.add(channel);
    const subscription = this.#open.get(channel);
    if (subscription === undefined) return;
    subscription.held ??= [];
    const { recovered, missed, ...stands } = await this.#bus.recover(channel, from);
    if (!ways.isWanted()) return;
    const start = recovered && from !== null ? from : stands;
    ways.answer({ epoch: start.epoch, offset: start.offset, recovered });
    const held = subscription.held;
    subscription.held = null;
    for (const message of missed) this.#tell(channel, message);
    for (const message of held)
      if (message.epoch !== stands.epoch || (message.offset ?? 0) > stands.offset) this.#tell(channel, message);
  }

  leave(channel: string): void {
    this.#open.get(channel)?.leave();
    this.#open.delete(channel);
  }

  leaveAll(): void {
    for (const { leave } of this.#open.values()) leave();
    this.#open.clear();
  }

  #listener(channel: string): (message: BusMessage) => void {
    return (message) => {
      const held = this.#open.get(channel)?.held ?? null;
      if (held === null) this.#tell(channel, message);
      else held.push(message);
    };
  }
}
