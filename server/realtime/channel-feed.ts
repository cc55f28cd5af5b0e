import type { BusMessage, ChannelPosition } from "#server/contracts/realtime.ts";

/** Many sockets hear the same message: it is written as a frame once. */
const frames = new WeakMap<BusMessage, string>();

export function eventFrame(channel: string, message: BusMessage): string {
  const known = frames.get(message);
  if (known !== undefined) return known;
  const { epoch, offset, event, data, at } = message;
  const frame = JSON.stringify({ type: "event", channel, epoch, offset, event, data, at });
  frames.set(message, frame);
  return frame;
}

/** One channel on one connection: while what was missed is being looked up, what comes waits behind it. */
export class ChannelFeed {
  readonly #send: (message: BusMessage) => void;
  #held: BusMessage[] | null = null;
  leave: () => void = () => undefined;

  constructor(send: (message: BusMessage) => void) {
    this.#send = send;
  }

  readonly take = (message: BusMessage): void => {
    if (this.#held === null) this.#send(message);
    else this.#held.push(message);
  };

  get isHeld(): boolean {
    return this.#held !== null;
  }

  hold(): void {
    this.#held ??= [];
  }

  /** Lets out what waited: all of it, or what came after a place that has been told already. */
  release(told: ChannelPosition | null): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const message of held)
      if (told === null || message.epoch !== told.epoch || (message.offset ?? 0) > told.offset) this.#send(message);
  }
}
