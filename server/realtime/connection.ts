import type { WebSocket } from "ws";
import type { AppContext } from "#server/context.ts";
import { DomainError, type ErrorCode } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import { type BusMessage, CLOSE, type ClientFrame, clientFrameSchema } from "#server/contracts/realtime.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import { mayListen, ownChannels } from "#server/realtime/channels.ts";

const AUTH_WITHIN_MS = 10_000;
export const HEARTBEAT_SECONDS = 25;
const PONG_WITHIN_MS = 8000;
/** A reader that lets this much wait for it is closed, so that it does not eat the server's memory. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** One app's socket: first frame `auth`, then positions in and events out. */
export class Connection {
  readonly id = newId();
  readonly #app: AppContext;
  readonly #socket: WebSocket;
  readonly #subscriptions = new Map<string, () => void>();
  readonly #authTimer: NodeJS.Timeout;
  #pongTimer: NodeJS.Timeout | null = null;
  #actor: Actor | null = null;

  constructor(app: AppContext, socket: WebSocket) {
    this.#app = app;
    this.#socket = socket;
    this.#authTimer = setTimeout(() => this.#close(CLOSE.notAuthenticated, "no auth frame in 10 s"), AUTH_WITHIN_MS);
    socket.on("message", (data, isBinary) => {
      if (isBinary) return this.#refuse(undefined, "VALIDATION_FAILED", "Send JSON text frames.");
      this.#receive(data.toString()).catch((error: Error) => {
        app.logger.error({ err: error, connectionId: this.id }, "socket frame failed");
        this.#refuse(undefined, "INTERNAL", "Something went wrong on our side.");
      });
    });
    socket.on("pong", () => this.#alive());
    socket.on("error", (error) => app.logger.debug({ err: error, connectionId: this.id }, "socket error"));
    socket.on("close", () => this.#dispose());
  }

  /** Called every 25 s: no pong within 8 s closes the socket. */
  heartbeat(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.ping();
    this.#pongTimer ??= setTimeout(() => this.#close(CLOSE.noPong, "no pong"), PONG_WITHIN_MS);
  }

  goAway(): void {
    this.#close(CLOSE.goingAway, "the server restarts; connect again");
  }

  #alive(): void {
    if (this.#pongTimer !== null) clearTimeout(this.#pongTimer);
    this.#pongTimer = null;
  }

  async #receive(text: string): Promise<void> {
    this.#alive();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return this.#refuse(undefined, "VALIDATION_FAILED", "The frame is not valid JSON.");
    }
    const parsed = clientFrameSchema.safeParse(json);
    const id =
      typeof json === "object" && json !== null && "id" in json && typeof json.id === "string" ? json.id : undefined;
    if (!parsed.success) {
      if (this.#actor === null) return this.#close(CLOSE.notAuthenticated, "the first frame must be auth");
      const detail = parsed.error.issues
        .map((issue) => `${issue.path.join(".") || "frame"}: ${issue.message}`)
        .join("; ");
      return this.#refuse(id, "VALIDATION_FAILED", detail);
    }
    if (this.#actor === null) {
      if (parsed.data.type !== "auth") return this.#close(CLOSE.notAuthenticated, "the first frame must be auth");
      return this.#authenticate(parsed.data.token);
    }
    return this.#handle(parsed.data, this.#actor);
  }

  async #authenticate(token: string): Promise<void> {
    let actor: Actor;
    try {
      actor = await this.#app.tokens.verify(token);
    } catch (error) {
      return this.#close(CLOSE.notAuthenticated, error instanceof DomainError ? error.message : "not authenticated");
    }
    clearTimeout(this.#authTimer);
    this.#actor = actor;
    this.#app.metrics.sockets.inc({ role: actor.type });
    for (const channel of ownChannels(actor)) this.#listen(channel);
    this.#send({ type: "ready", connectionId: this.id, heartbeatSeconds: HEARTBEAT_SECONDS });
  }

  async #handle(frame: ClientFrame, actor: Actor): Promise<void> {
    switch (frame.type) {
      case "auth":
        return this.#refuse(frame.id, "VALIDATION_FAILED", "This connection is authenticated already.");
      case "ping":
        return this.#send({ type: "pong", ...(frame.id === undefined ? {} : { id: frame.id }) });
      case "location": {
        if (actor.type !== "driver") return this.#refuse(frame.id, "FORBIDDEN", "Only drivers send positions.");
        const { type: _type, id: _id, ...update } = frame;
        this.#app.locations.accept(actor.id, update);
        return;
      }
      case "subscribe":
        if (!(await mayListen(this.#app, actor, frame.channel)))
          return this.#refuse(frame.id, "FORBIDDEN", `You may not listen to ${frame.channel}.`);
        this.#listen(frame.channel);
        return this.#send({
          type: "subscribed",
          channel: frame.channel,
          ...(frame.id === undefined ? {} : { id: frame.id }),
        });
      case "unsubscribe":
        this.#subscriptions.get(frame.channel)?.();
        this.#subscriptions.delete(frame.channel);
        return this.#send({
          type: "unsubscribed",
          channel: frame.channel,
          ...(frame.id === undefined ? {} : { id: frame.id }),
        });
    }
  }

  #listen(channel: string): void {
    if (this.#subscriptions.has(channel)) return;
    const leave = this.#app.bus.subscribe(channel, (message: BusMessage) =>
      this.#send({ type: "event", channel, ...message }),
    );
    this.#subscriptions.set(channel, leave);
  }

  #refuse(id: string | undefined, code: ErrorCode, detail: string): void {
    this.#send({ type: "error", ...(id === undefined ? {} : { id }), code, detail });
  }

  #send(frame: object): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) this.#close(CLOSE.slowConsumer, "reading too slowly");
    else this.#socket.send(JSON.stringify(frame));
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    // A peer that does not answer the close keeps its socket for ever.
    setTimeout(() => this.#socket.terminate(), 2000).unref();
  }

  #dispose(): void {
    clearTimeout(this.#authTimer);
    this.#alive();
    for (const leave of this.#subscriptions.values()) leave();
    this.#subscriptions.clear();
    if (this.#actor === null) return;
    this.#app.metrics.sockets.dec({ role: this.#actor.type });
    if (this.#actor.type === "driver") this.#app.locations.forget(this.#actor.id);
  }
}
