import type { WebSocket } from "ws";
import type { ZodError } from "zod";
import type { AppContext } from "#server/context.ts";
import { DomainError, ERRORS, type ErrorCode } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import { plainLocation } from "#server/contracts/location-frame.ts";
import { type BusMessage, CLOSE, type ClientFrame, channels, clientFrameSchema } from "#server/contracts/realtime.ts";
import type { Actor, Grant } from "#server/domain/identity/tokens.ts";
import type { Admission } from "#server/domain/limits/limit-service.ts";
import { personSubject } from "#server/domain/limits/limit-subject.ts";
import { databaseProblem } from "#server/platform/db.ts";
import { ChannelFeed, eventFrame } from "#server/realtime/channel-feed.ts";
import { followedTrip, lostChannels, mayListen, ownChannels } from "#server/realtime/channels.ts";
import type { ConnectionRegistry } from "#server/realtime/connection-registry.ts";
import type { DriverPositions } from "#server/realtime/driver-positions.ts";

const AUTH_WITHIN_MS = 10_000;
export const HEARTBEAT_SECONDS = 25;
/** Own channels wait this long for the app to say what it has heard of them: what it missed comes first. */
const RECOVER_WITHIN_MS = 250;
/** A reader that lets this much wait for it is closed, so that it does not eat the server's memory. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** What has been told that it is closed is cut off after this; a slow reader, who has all that to read first, later. */
const LEAVE_MS = 2000;
const SLOW_LEAVE_MS = 15_000;
/** Frames refused by a limit within a minute after which the rest is not even answered. */
const MAX_REFUSED_FRAMES = 60;
/** Frames that wait behind a slow one. */
const MAX_WAITING_FRAMES = 256;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const withId = (id: string | undefined): { id?: string } => (id === undefined ? {} : { id });
const idOf = (json: unknown): string | undefined =>
  typeof json === "object" && json !== null && "id" in json && typeof json.id === "string" ? json.id : undefined;
const explain = (error: ZodError): string =>
  error.issues.map((issue) => `${issue.path.join(".") || "frame"}: ${issue.message}`).join("; ");

/** One app's socket: first frame `auth`, then positions in and events out. */
export class Connection {
  readonly id = newId();
  readonly #app: AppContext;
  readonly #socket: WebSocket;
  readonly #positions: DriverPositions;
  readonly #registry: ConnectionRegistry;
  readonly #feeds = new Map<string, ChannelFeed>();
  /** Until it is authenticated, then until its own channels flow. */
  #timer: NodeJS.Timeout;
  #pinged = false;
  #leaveAccess: (() => void) | null = null;
  #actor: Actor | null = null;
  #grant: Grant | null = null;
  /** Made at the first frame of their kind: most connections only listen. */
  #countLocation: (() => Admission | null) | null = null;
  #countOther: (() => Admission | null) | null = null;
  #waiting: (string | null)[] | null = null;
  #working = false;
  #refused = 0;
  #refusedSinceMs = 0;

  constructor(
    app: AppContext,
    socket: WebSocket,
    shared: { positions: DriverPositions; registry: ConnectionRegistry },
  ) {
    this.#app = app;
    this.#positions = shared.positions;
    this.#registry = shared.registry;
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#close(CLOSE.notAuthenticated, "no auth frame in 10 s"), AUTH_WITHIN_MS);
    socket.on("message", (data, isBinary) => this.#take(isBinary ? null : data.toString()));
    socket.on("pong", () => this.#alive());
    socket.on("error", (error) => app.logger.debug({ err: error, connectionId: this.id }, "socket error"));
    socket.on("close", () => this.#dispose());
  }

  /** Called every 25 s. */
  ping(): void {
    if (!this.#isOpen()) return;
    this.#pinged = true;
    this.#socket.ping();
  }

  /** Called 8 s later: who has said nothing since is gone. */
  dropSilent(): void {
    if (this.#pinged) this.#close(CLOSE.noPong, "no pong");
  }

  /** Somebody's access changed: theirs ends here and now, with all subscriptions. */
  recheck(): void {
    const refusal = this.#grant === null ? null : this.#app.revocations.refusal(this.#grant);
    if (refusal === null) return;
    this.#close(CLOSE.notAuthenticated, refusal);
    this.#leaveAll();
  }

  goAway(): void {
    this.#close(CLOSE.goingAway, "the server restarts; connect again");
  }

  #alive(): void {
    this.#pinged = false;
  }

  /**
   * Frames are handled one after another, in the order sent: those that come behind one that asks the database wait for
   * it. The others never wait. Null: a binary frame.
   */
  #take(text: string | null): void {
    this.#alive();
    this.#registry.traffic.received++;
    if (!this.#isOpen()) return;
    if (!this.#working) {
      const unfinished = this.#process(text);
      if (unfinished !== undefined) void this.#work(unfinished);
      return;
    }
    this.#waiting ??= [];
    if (this.#waiting.length < MAX_WAITING_FRAMES) this.#waiting.push(text);
    else this.#close(CLOSE.tooManyMessages, "too many frames at once");
  }

  async #work(first: Promise<void>): Promise<void> {
    this.#working = true;
    await first;
    for (let text = this.#waiting?.shift(); text !== undefined && this.#isOpen(); text = this.#waiting?.shift()) {
      const unfinished = this.#process(text);
      if (unfinished !== undefined) await unfinished;
    }
    this.#waiting = null;
    this.#working = false;
  }

  /** What must be waited for before the next frame, if anything; it never rejects. */
  #process(text: string | null): Promise<void> | undefined {
    const { frame, id, fault } = this.#parse(text);
    try {
      if (this.#actor !== null) this.#count(frame?.type, this.#actor);
      if (frame !== null) return this.#handle(frame)?.catch((error: unknown) => this.#fail(id, error));
      this.#refuse(id, "VALIDATION_FAILED", fault);
    } catch (error) {
      this.#fail(id, error);
    }
    return undefined;
  }

  /** Without a frame: why it is none. */
  #parse(text: string | null): { frame: ClientFrame | null; id: string | undefined; fault: string } {
    const json = text === null ? undefined : parseJson(text);
    if (this.#actor !== null) {
      const frame = plainLocation(json);
      if (frame !== null) return { frame, id: frame.id, fault: "" };
    }
    const parsed = clientFrameSchema.safeParse(json);
    if (this.#actor === null && parsed.data?.type !== "auth")
      this.#close(CLOSE.notAuthenticated, "the first frame must be auth");
    if (parsed.success) return { frame: parsed.data, id: parsed.data.id, fault: "" };
    return {
      frame: null,
      id: idOf(json),
      fault: json === undefined ? "Send JSON text frames." : explain(parsed.error),
    };
  }

  async #authenticate(token: string): Promise<void> {
    let grant: Grant;
    try {
      grant = await this.#app.tokens.read(token);
    } catch (error) {
      return this.#close(CLOSE.notAuthenticated, error instanceof DomainError ? error.message : "not authenticated");
    }
    const { actor } = grant;
    if (actor.type === "operator" && (await this.#app.access.of(actor.id)) === null)
      return this.#close(CLOSE.notAuthenticated, "This account may not sign in any more.");
    if (!(await this.#registry.admit(this.id, { userId: actor.id, userType: actor.type })))
      return this.#close(CLOSE.tooManyConnections, "you have five connections open; close one of them");
    // What is taken now would never be given back.
    if (!this.#isOpen()) return this.#registry.release(this.id);
    this.#grant = grant;
    this.#actor = actor;
    if (actor.type === "operator") this.#leaveAccess = this.#app.access.watch(() => this.#lookAgain(actor.id));
    this.#app.metrics.sockets.inc({ role: actor.type });
    for (const channel of ownChannels(actor)) this.#open(channel).hold({ asked: false });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#releaseOwn(), RECOVER_WITHIN_MS);
    this.#send({ type: "ready", connectionId: this.id, heartbeatSeconds: HEARTBEAT_SECONDS });
    // It may have been revoked while the account was looked up.
    this.recheck();
  }

  /** RATE_LIMIT_EXCEEDED for a frame, readable or not, beyond its limit; who goes on all the same is closed. */
  #count(type: ClientFrame["type"] | undefined, actor: Actor): void {
    const { limits, clock } = this.#app;
    if (type === "location") this.#countLocation ??= limits.counterHere("location.update", personSubject(actor));
    else this.#countOther ??= limits.counterHere("socket.message", personSubject(actor));
    const refused = (type === "location" ? this.#countLocation : this.#countOther)?.() ?? null;
    if (refused === null) return;
    const now = clock.monotonicMs();
    if (now - this.#refusedSinceMs > 60_000) {
      this.#refusedSinceMs = now;
      this.#refused = 0;
    }
    this.#refused++;
    this.#registry.traffic.drops++;
    if (this.#refused > MAX_REFUSED_FRAMES) this.#close(CLOSE.tooManyMessages, "too many messages");
    throw limits.refusal(refused);
  }

  /** What must be waited for before the next frame, if anything. */
  #handle(frame: ClientFrame): Promise<void> | undefined {
    const actor = this.#actor;
    if (frame.type === "auth" && actor === null) return this.#authenticate(frame.token);
    if (actor === null) return undefined;
    switch (frame.type) {
      case "auth":
        this.#refuse(frame.id, "VALIDATION_FAILED", "This connection is authenticated already.");
        return undefined;
      case "ping":
        this.#send({ type: "pong", ...withId(frame.id) });
        return undefined;
      case "location": {
        const { type: _type, id, ...update } = frame;
        if (actor.type === "driver") this.#app.locations.accept(actor.id, update);
        else this.#refuse(id, "FORBIDDEN", "Only drivers send positions.");
        return undefined;
      }
      case "subscribe":
        return this.#subscribe(frame, actor);
      case "viewing":
        return this.#view(frame.tripId, frame.id, actor);
      case "unsubscribe":
        this.#leave(frame.channel);
        this.#send({ type: "unsubscribed", channel: frame.channel, ...withId(frame.id) });
        return undefined;
    }
  }

  /** What was missed since the place that the app knows, then all that comes. */
  async #subscribe(frame: ClientFrame & { type: "subscribe" }, actor: Actor): Promise<void> {
    const { channel, id, epoch, offset } = frame;
    const allowed = await mayListen(this.#app, actor, channel);
    if (!this.#isOpen()) return;
    if (!allowed) return this.#refuse(id, "FORBIDDEN", `You may not listen to ${channel}.`);
    const tripId = followedTrip(channel);
    if (tripId !== null) return this.#follow(tripId, channel, id);
    const feed = this.#feeds.get(channel) ?? this.#open(channel);
    feed.hold({ asked: true });
    await this.#app.bus.joined(channel);
    const since = epoch === undefined || offset === undefined ? null : { epoch, offset };
    const { missed, ...at } = await this.#app.bus.history(channel, since);
    if (!this.#isOpen() || this.#feeds.get(channel) !== feed) return;
    // Recovered, the place is the one asked from: what follows counts on from there.
    const from = missed === null || since === null ? at : since;
    this.#send({ type: "subscribed", channel, ...withId(id), ...from, recovered: missed !== null });
    for (const message of missed ?? []) this.#sendEvent(channel, message);
    feed.release(at);
  }

  async #follow(tripId: string, channel: string, id: string | undefined): Promise<void> {
    if (!this.#feeds.has(channel)) {
      const feed = new ChannelFeed((message) => this.#sendEvent(channel, message));
      feed.leave = await this.#positions.follow(tripId, feed.take);
      if (!this.#isOpen()) return feed.leave();
      this.#feeds.set(channel, feed);
    }
    this.#send({ type: "subscribed", channel, ...withId(id), ...this.#positions.placeOf(tripId), recovered: false });
  }

  async #view(tripId: string, id: string | undefined, actor: Actor): Promise<void> {
    const viewers = await this.#app.viewers.look(actor, tripId);
    if (viewers === null) return this.#refuse(id, "FORBIDDEN", "Only drivers who were offered the trip look at it.");
    this.#send({ type: "viewing", ...withId(id), tripId, viewers });
  }

  #open(channel: string): ChannelFeed {
    const feed = new ChannelFeed((message) => this.#sendEvent(channel, message));
    const asDriver = this.#actor?.type === "driver" && channel.startsWith(channels.trip(""));
    const take = asDriver ? (message: BusMessage) => this.#takeOfTrip(channel, feed, message) : feed.take;
    feed.leave = this.#app.bus.subscribe(channel, take);
    this.#feeds.set(channel, feed);
    return feed;
  }

  /** A driver whose trip is given to another hears of its release, and nothing of who has it then. */
  #takeOfTrip(channel: string, feed: ChannelFeed, message: BusMessage): void {
    const mayBeAnothers = message.event === "trip.released" || message.event === "trip.accepted";
    if (message.event === "trip.released") feed.take(message);
    const wasHeld = feed.isHeld;
    if (mayBeAnothers) feed.hold({ asked: true });
    if (message.event !== "trip.released") feed.take(message);
    if (mayBeAnothers) void this.#keepIfAllowed(channel, feed, wasHeld);
  }

  async #keepIfAllowed(channel: string, feed: ChannelFeed, wasHeld: boolean): Promise<void> {
    const actor = this.#actor;
    const allowed = actor !== null && (await mayListen(this.#app, actor, channel).catch(() => false));
    if (this.#feeds.get(channel) !== feed) return;
    if (!allowed) this.#lose(channel);
    else if (!wasHeld) feed.release(null);
  }

  #lose(channel: string): void {
    this.#leave(channel);
    this.#send({ type: "unsubscribed", channel });
    this.#refuse(undefined, "FORBIDDEN", `You may no longer listen to ${channel}.`);
  }

  /** The app has said nothing of its own channels: what came meanwhile, and all that comes. */
  #releaseOwn(): void {
    if (this.#working) this.#timer = setTimeout(() => this.#releaseOwn(), RECOVER_WITHIN_MS);
    else for (const feed of this.#feeds.values()) if (feed.isHeld) feed.release(null);
  }

  /** An operator keeps what they still may listen to. */
  #lookAgain(operatorId: string): void {
    const app = this.#app;
    const look = async () => {
      if ((await app.access.of(operatorId)) === null)
        return this.#close(CLOSE.notAuthenticated, "This account may not sign in any more.");
      for (const channel of await lostChannels(app, operatorId, [...this.#feeds.keys()])) this.#lose(channel);
    };
    look().catch((error: Error) => app.logger.warn({ err: error }, "an operator's socket was not looked at again"));
  }

  #leave(channel: string): void {
    this.#feeds.get(channel)?.leave();
    this.#feeds.delete(channel);
  }

  #leaveAll(): void {
    for (const feed of this.#feeds.values()) feed.leave();
    this.#feeds.clear();
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #fail(id: string | undefined, error: unknown): void {
    const known = error instanceof DomainError ? error : databaseProblem(error);
    if (known === null) this.#app.logger.error({ err: error, connectionId: this.id }, "socket frame failed");
    const { code, message } = known ?? { code: "INTERNAL", message: "" };
    this.#refuse(id, code, ERRORS[code].expose ? message : `${ERRORS[code].title}.`);
  }

  #refuse(id: string | undefined, code: ErrorCode, detail: string): void {
    this.#send({ type: "error", ...withId(id), code, detail });
  }

  #send(frame: object): void {
    this.#write(JSON.stringify(frame));
  }

  #sendEvent(channel: string, message: BusMessage): void {
    if (this.#isOpen()) this.#write(eventFrame(channel, message));
  }

  #write(text: string): void {
    if (!this.#isOpen()) return;
    const { traffic } = this.#registry;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      traffic.drops++;
      this.#close(CLOSE.slowConsumer, "reading too slowly");
    } else {
      traffic.sent++;
      this.#socket.send(text);
    }
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    // A peer that does not answer the close would keep its socket for ever.
    const patienceMs = code === CLOSE.slowConsumer ? SLOW_LEAVE_MS : LEAVE_MS;
    setTimeout(() => this.#socket.terminate(), patienceMs).unref();
  }

  #dispose(): void {
    clearTimeout(this.#timer);
    this.#leaveAccess?.();
    this.#leaveAll();
    this.#registry.release(this.id);
    if (this.#actor === null) return;
    this.#app.metrics.sockets.dec({ role: this.#actor.type });
    if (this.#actor.type === "driver") this.#app.locations.forget(this.#actor.id);
  }
}
