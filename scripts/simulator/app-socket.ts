import { WebSocket } from "ws";
import { type ChannelPosition, CLOSE, isKept } from "#server/contracts/realtime.ts";

/** Longest pause between two tries to connect, milliseconds. */
const LONGEST_PAUSE_MS = 20_000;
const FIRST_PAUSE_MS = 500;
/** The server pings every 25 s; longer silence than this means the line is dead though nobody said so. */
const SILENCE_MS = 60_000;

export interface AppEvent {
  readonly channel: string;
  readonly event: string;
  readonly data: unknown;
}

/** What a driver needs of a socket; tests give their own. */
export interface DriverLink {
  /** Authenticated, and in use. */
  readonly ready: boolean;
  /** Sends a frame if the socket is ready; false otherwise. */
  send(frame: object): boolean;
}

/**
 * An app's WebSocket: signs in with its first frame, hands events on, and connects again after a loss with a jittered,
 * growing pause. Then it asks for what it missed, and hands on each event once. Has no timers of its own: `tick` is called every second.
 */
export class AppSocket implements DriverLink {
  readonly #url: string;
  readonly #token: () => string | null;
  readonly #random: () => number;
  readonly #onEvent: (event: AppEvent) => void;
  readonly #onReady: () => void;
  readonly #onRefused: () => void;
  #socket: WebSocket | null = null;
  #ready = false;
  #retryAt = 0;
  /** Of each channel the last event had: asked from there after a loss. */
  readonly #positions = new Map<string, ChannelPosition>();
  /** What was asked from, until it is answered. */
  readonly #asked = new Map<string, ChannelPosition>();
  #failures = 0;
  #heardAt = 0;
  #now = 0;

  constructor(options: {
    baseUrl: string;
    /** Null while nobody is signed in: then it waits. */
    token: () => string | null;
    random: () => number;
    onEvent: (event: AppEvent) => void;
    /** After each (re)connection: events may have been missed before. */
    onReady: () => void;
    /** The token is not good (any more). */
    onRefused: () => void;
  }) {
    this.#url = `${options.baseUrl.replace(/^http/, "ws").replace(/\/+$/, "")}/ws`;
    this.#token = options.token;
    this.#random = options.random;
    this.#onEvent = options.onEvent;
    this.#onReady = options.onReady;
    this.#onRefused = options.onRefused;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** `now` in epoch milliseconds. */
  tick(now: number): void {
    this.#now = now;
    if (this.#socket === null) {
      if (now >= this.#retryAt && this.#token() !== null) this.#connect();
    } else if (now - this.#heardAt > SILENCE_MS) this.#socket.terminate();
  }

  send(frame: object): boolean {
    if (!this.#ready || this.#socket === null) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  close(): void {
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.#socket?.close(1000);
    this.#socket?.terminate();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, { handshakeTimeout: 10_000, perMessageDeflate: false });
    this.#socket = socket;
    this.#heardAt = this.#now;
    socket.on("open", () => socket.send(JSON.stringify({ type: "auth", token: this.#token() ?? "" })));
    socket.on("ping", () => {
      this.#heardAt = this.#now;
    });
    socket.on("message", (data) => {
      this.#heardAt = this.#now;
      this.#receive(data.toString());
    });
    socket.on("error", () => {
      // "close" follows, and that one plans the next try.
    });
    socket.on("close", (code) => {
      if (code === CLOSE.notAuthenticated) this.#onRefused();
      this.#socket = null;
      this.#ready = false;
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
      this.#retryAt = Math.max(this.#retryAt, this.#now + pause * (0.5 + this.#random()));
    });
  }

  #receive(text: string): void {
    const frame = JSON.parse(text) as Partial<AppEvent> &
      Partial<ChannelPosition> & { type?: string; recovered?: boolean };
    if (frame.type === "ready") {
      this.#ready = true;
      this.#failures = 0;
      this.#askForMissed();
      this.#onReady();
    } else if (frame.type === "subscribed") this.#settle(frame);
    else if (frame.type === "event" && typeof frame.event === "string" && this.#isNew(frame))
      this.#onEvent({ channel: frame.channel ?? "", event: frame.event, data: frame.data });
  }

  #askForMissed(): void {
    this.#asked.clear();
    for (const [channel, position] of this.#positions) {
      this.#asked.set(channel, position);
      this.send({ type: "subscribe", channel, ...position });
    }
  }

  /** Recovered: what follows begins after the place asked from, also where a newer event came in between. */
  #settle({
    channel = "",
    epoch = "",
    offset = 0,
    recovered,
  }: Partial<ChannelPosition> & { channel?: string; recovered?: boolean }): void {
    const asked = this.#asked.get(channel);
    this.#asked.delete(channel);
    if (isKept(channel)) this.#positions.set(channel, recovered && asked !== undefined ? asked : { epoch, offset });
  }

  /** False for an event that came already. */
  #isNew({ channel = "", epoch, offset }: Partial<AppEvent> & Partial<ChannelPosition>): boolean {
    if (epoch === undefined || offset === undefined || !isKept(channel)) return true;
    const last = this.#positions.get(channel);
    if (last?.epoch === epoch && offset <= last.offset) return false;
    this.#positions.set(channel, { epoch, offset });
    return true;
  }
}
