import type { BusMessage } from "#server/contracts/realtime.ts";

const frames = new WeakMap<BusMessage, Buffer>();

/** The frame of an event, made once for all who listen on this process. */
export function eventFrame(channel: string, message: BusMessage): Buffer {
  let frame = frames.get(message);
  if (frame === undefined) {
    frame = Buffer.from(JSON.stringify({ type: "event", channel, ...message }));
    frames.set(message, frame);
  }
  return frame;
}
