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

/** Messages that wait for an app to say what it missed; with more of them it is not waited for any longer. */
const MAX_HELD_UNASKED = 64;

/** One channel on one connection: while what was missed is being looked up, what comes waits behind it. */
export class ChannelFeed {
  readonly #send: (message: BusMessage) => void;
  #held: BusMessage[] | null = null;
  /** The app has asked: it gets what it missed before all that waits. */
  #asked = false;
  leave: () => void = () => undefined;

  constructor(send: (message: BusMessage) => void) {
    this.#send = send;
  }

  readonly take = (message: BusMessage): void => {
    if (this.#held === null) this.#send(message);
    else if (this.#held.push(message) > MAX_HELD_UNASKED && !this.#asked) this.release(null);
  };

  get isHeld(): boolean {
    return this.#held !== null;
  }

  /** `asked`: until it is released, however long that takes and however much comes. */
  hold({ asked }: { readonly asked: boolean }): void {
    this.#held ??= [];
    this.#asked ||= asked;
  }

  /** Lets out what waited: all of it, or what came after a place that has been told already. */
  release(told: ChannelPosition | null): void {
    const held = this.#held ?? [];
    this.#held = null;
    this.#asked = false;
    for (const message of held)
      if (told === null || message.epoch !== told.epoch || (message.offset ?? 0) > told.offset) this.#send(message);
  }
}
