import { hostname } from "node:os";
import type { AppContext } from "#server/context.ts";
import { newId } from "#server/contracts/ids.ts";
import type { OpenConnection } from "#server/domain/presence/presence-store.ts";

/** A person's connections, over all gateways. */
const MAX_OF_A_PERSON = 5;
/** A connection that nobody renews is forgotten after this: its gateway has died. */
const FORGOTTEN_MS = 2 * 60_000;

type Person = Pick<OpenConnection, "userId" | "userType">;

/** Messages of this gateway; the report tells their rates. */
export interface Traffic {
  received: number;
  sent: number;
  /** Frames that were not delivered: to slow readers, or beyond a limit. */
  drops: number;
}

/**
 * The connections of this gateway, told to the platform: at once to what counts a person's connections, in batches and off
 * the messages' path to the database, from which everyone learns who is connected.
 */
export class ConnectionRegistry {
  readonly serverId = newId();
  readonly traffic: Traffic = { received: 0, sent: 0, drops: 0 };
  readonly #app: AppContext;
  readonly #open = new Map<string, OpenConnection>();
  #opened = new Map<string, OpenConnection>();
  #closed = new Map<string, OpenConnection>();
  readonly #timers: NodeJS.Timeout[];
  #reporting: Promise<void> | null = null;
  #enlisted = false;
  #told = { received: 0, sent: 0, atMs: 0 };

  constructor(app: AppContext) {
    this.#app = app;
    const { reportMs, heartbeatMs } = app.config.presence;
    this.#timers = [
      setInterval(() => this.#reportSoon(), reportMs),
      setInterval(() => void this.#heartbeat(), heartbeatMs),
    ];
    void this.#heartbeat();
  }

  /** False when the person has as many connections as one may have. */
  async admit(connectionId: string, { userId, userType }: Person): Promise<boolean> {
    const key = this.#app.keys.socketsOf(userId);
    const count = await this.#app.memberships.add(key, connectionId, { ttlMs: FORGOTTEN_MS, max: MAX_OF_A_PERSON });
    if (count === null) return false;
    const connection = { id: connectionId, userId, userType, connectedAt: this.#app.clock.now() };
    this.#open.set(connectionId, connection);
    this.#opened.set(connectionId, connection);
    return true;
  }

  release(connectionId: string): void {
    const connection = this.#open.get(connectionId);
    if (connection === undefined) return;
    this.#open.delete(connectionId);
    void this.#app.memberships.remove(this.#app.keys.socketsOf(connection.userId), connectionId);
    // Who came and went between two reports is told of too: somebody may have been taken for gone meanwhile.
    this.#opened.delete(connectionId);
    this.#closed.set(connectionId, connection);
  }

  /** Every heartbeat of the sockets: those that are still here stay counted. */
  renew(): void {
    const members = [...this.#open.values()].map(({ id, userId }) => ({
      key: this.#app.keys.socketsOf(userId),
      member: id,
    }));
    this.#app.memberships.keep(members, FORGOTTEN_MS);
  }

  /** All connections have been released: tells so, and leaves. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#reporting;
    await this.#report();
    await this.#app.presence.leave(this.serverId).catch(() => undefined);
  }

  #reportSoon(): void {
    this.#reporting ??= this.#report().finally(() => {
      this.#reporting = null;
    });
  }

  async #report(): Promise<void> {
    if (this.#opened.size === 0 && this.#closed.size === 0) return;
    const [opened, closed] = [this.#opened, this.#closed];
    [this.#opened, this.#closed] = [new Map(), new Map()];
    try {
      if (!this.#enlisted) await this.#enlist();
      await this.#app.presence.report(this.serverId, { opened: [...opened.values()], closed: [...closed.values()] });
    } catch (error) {
      this.#app.logger.warn(
        { err: error, opened: opened.size, closed: closed.size },
        "connections not told; they will be",
      );
      for (const [id, one] of opened) if (this.#open.has(id)) this.#opened.set(id, one);
      for (const [id, one] of closed) this.#closed.set(id, one);
    }
  }

  async #enlist(): Promise<void> {
    await this.#app.presence.enlist({ id: this.serverId, host: hostname(), pid: process.pid });
    this.#enlisted = true;
  }

  async #heartbeat(): Promise<void> {
    try {
      if (!this.#enlisted) await this.#enlist();
      if (await this.#app.presence.isAlive(this.serverId, this.#stats())) return;
      // Taken for dead while the database could not be reached: everything is told anew.
      await this.#enlist();
      for (const [id, one] of this.#open) this.#opened.set(id, one);
    } catch (error) {
      this.#app.logger.warn({ err: error }, "gateway's heartbeat not told");
    }
  }

  #stats(): Record<string, number> {
    const { received, sent, drops } = this.traffic;
    const atMs = this.#app.clock.monotonicMs();
    const seconds = (atMs - this.#told.atMs) / 1000;
    const perSecond = (now: number, before: number) => Math.round(((now - before) / seconds) * 10) / 10;
    const stats = {
      receivedPerSecond: perSecond(received, this.#told.received),
      sentPerSecond: perSecond(sent, this.#told.sent),
      drops,
    };
    this.#told = { received, sent, atMs };
    return stats;
  }
}
