import WebSocket from "ws";
import { waitUntil } from "#server/testing/wait.ts";

export type Frame = Record<string, unknown> & { type: string };

/** An app's side of `/ws`. */
export interface SocketClient {
  readonly frames: Frame[];
  send(...frames: (object | string | Buffer)[]): void;
  terminate(): void;
  /** Reads nothing any more, and again. */
  pause(): void;
  resume(): void;
  /** The first frame that fits, also when it came already. */
  next(fits: (frame: Frame) => boolean): Promise<Frame>;
  /** The code it was closed with. */
  readonly closed: Promise<number>;
  /** The status that refused the upgrade. */
  readonly refused: Promise<number>;
}

/** `baseUrl` as of HTTP. */
export function openSocket(
  baseUrl: string,
  options: { path?: string; headers?: Record<string, string> } = {},
): SocketClient {
  const { path = "/ws", headers = {} } = options;
  const socket = new WebSocket(`${baseUrl.replace(/^http/, "ws")}${path}`, { headers });
  const frames: Frame[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(String(data)) as Frame));
  socket.on("error", () => undefined);
  const ready = new Promise<void>((resolve) => socket.once("open", () => resolve()));
  return {
    frames,
    send: (...sent) =>
      void ready.then(() => {
        for (const frame of sent)
          socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
      }),
    terminate: () => socket.terminate(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    async next(fits) {
      await waitUntil("a frame", () => frames.some(fits), 8000);
      return frames.find(fits) as Frame;
    },
    closed: new Promise((resolve) => socket.once("close", (code) => resolve(code))),
    refused: new Promise((resolve) =>
      socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0)),
    ),
  };
}
