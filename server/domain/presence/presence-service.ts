import { channels, topics } from "#server/contracts/realtime.ts";
import { revokeOpenOffersOf } from "#server/domain/drivers/driver-store.ts";
import * as store from "#server/domain/presence/presence-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Database } from "#server/platform/db.ts";

/** Drivers taken off line in one round. */
const AT_ONCE = 200;
const LOST = "Driver connection lost. Showing last known location.";
const RESTORED = "The driver is connected again.";

/** What a gateway has to tell: what was opened and closed since it last did. */
export interface ConnectionChanges {
  readonly opened: readonly store.OpenConnection[];
  readonly closed: readonly Pick<store.OpenConnection, "id" | "userId" | "userType">[];
}

export interface GatewayStats {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly connections: number;
  readonly startedAt: string;
  readonly lastSeenAt: string;
  /** As the gateway last reported them: received and sent messages a second, frames dropped. */
  readonly traffic: Readonly<Record<string, unknown>>;
}

export interface SocketStats {
  readonly connections: { readonly total: number; readonly byRole: Readonly<Record<string, number>> };
  readonly activeDrivers: number;
  readonly activeUsers: number;
  readonly messagesPerSecond: { readonly received: number; readonly sent: number };
  readonly drops: number;
  readonly servers: readonly GatewayStats[];
}

/**
 * Who is connected, over all gateways, and what follows when a driver is not: on a trip they stay on it, shown where they
 * were last; idle they are off line after the grace. The database's clock decides all of it.
 */
export class PresenceService {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #graceSeconds: number;
  readonly #deadAfterSeconds: number;
  readonly #settleMs: number;
  #watchingSinceMs = 0;
  #lookedAtMs = 0;

  constructor(options: {
    db: Database;
    bus: EventBus;
    graceSeconds: number;
    deadAfterSeconds: number;
    /** In this time every gateway that lives says so. */
    settleMs: number;
  }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#graceSeconds = options.graceSeconds;
    this.#deadAfterSeconds = options.deadAfterSeconds;
    this.#settleMs = options.settleMs;
  }

  /** False when this gateway was taken for dead: it must tell all its connections anew. Throws when the database is away. */
  async isAlive(serverId: string, stats: object): Promise<boolean> {
    return store.touchServer(this.#db.pool, serverId, stats);
  }

  async enlist(server: { readonly id: string; readonly host: string; readonly pid: number }): Promise<void> {
    await store.addServer(this.#db.pool, server);
  }

  async leave(serverId: string): Promise<void> {
    await store.removeServer(this.#db.pool, serverId);
  }

  /** Idempotent: told again after a failure, the same comes of it. Throws when the database is away. */
  async report(serverId: string, { opened, closed }: ConnectionChanges): Promise<void> {
    const { pool } = this.#db;
    if (opened.length > 0) await store.addConnections(pool, serverId, opened);
    if (closed.length > 0)
      await store.removeConnections(
        pool,
        closed.map((one) => one.id),
      );
    const drivers = (list: readonly { readonly userType: string; readonly userId: string }[]) =>
      list.filter((one) => one.userType === "driver").map((one) => one.userId);
    const [came, went] = [drivers(opened), drivers(closed)];
    if (went.length > 0) this.#tellLost(await store.markDisconnected(pool, went));
    if (came.length > 0) this.#tellRestored(await store.markConnected(pool));
  }

  /**
   * A round of the clock's work, unless the database was away, or its clock leapt, just now: those who could not say that
   * they live get the time to, before they are taken for gone. Throws when the database is away.
   */
  async watch(): Promise<number> {
    const nowMs = (await store.readClock(this.#db.pool)).getTime();
    if (Math.abs(nowMs - this.#lookedAtMs) > this.#settleMs) this.#watchingSinceMs = nowMs;
    this.#lookedAtMs = nowMs;
    return nowMs - this.#watchingSinceMs < this.#settleMs ? 0 : this.tick();
  }

  /** One round. Answers how many drivers went off line. */
  async tick(): Promise<number> {
    const { pool } = this.#db;
    this.#tellLost(await store.dropDeadServers(pool, this.#deadAfterSeconds));
    this.#tellRestored(await store.markConnected(pool));
    let gone = 0;
    for (const driverId of await store.findSilent(pool, this.#graceSeconds, AT_ONCE)) {
      const went = await this.#db.transaction(async (tx) => {
        if (!(await store.takeOffline(tx, driverId, this.#graceSeconds))) return false;
        await revokeOpenOffersOf(tx, driverId, "the driver lost the connection");
        return true;
      });
      if (!went) continue;
      gone++;
      this.#bus.publish(topics.drivers, "changed", { ids: [driverId] });
    }
    return gone;
  }

  async stats(): Promise<SocketStats> {
    const [servers, counts] = await Promise.all([
      store.readServers(this.#db.pool),
      store.countConnected(this.#db.pool),
    ]);
    const people = (type: string) => counts.find((row) => row.user_type === type)?.people ?? 0;
    const sum = (name: string) =>
      servers.reduce((total, { stats }) => total + (typeof stats[name] === "number" ? stats[name] : 0), 0);
    return {
      connections: {
        total: counts.reduce((total, row) => total + row.connections, 0),
        byRole: Object.fromEntries(counts.map((row) => [row.user_type, row.connections])),
      },
      activeDrivers: people("driver"),
      activeUsers: people("customer"),
      messagesPerSecond: { received: sum("receivedPerSecond"), sent: sum("sentPerSecond") },
      drops: sum("drops"),
      servers: servers.map((row) => ({
        id: row.id,
        host: row.host,
        pid: row.pid,
        connections: row.connections,
        startedAt: row.started_at.toISOString(),
        lastSeenAt: row.last_seen_at.toISOString(),
        traffic: row.stats,
      })),
    };
  }

  #tellLost(drivers: readonly store.TripConnection[]): void {
    this.#tell(drivers, "driver.connection_lost", { status: "temporarily_offline", message: LOST });
  }

  #tellRestored(drivers: readonly store.TripConnection[]): void {
    this.#tell(drivers, "driver.connection_restored", { status: "connected", message: RESTORED });
  }

  #tell(drivers: readonly store.TripConnection[], event: string, words: object): void {
    if (drivers.length > 0) this.#bus.publish(topics.drivers, "changed", { ids: drivers.map((one) => one.driverId) });
    for (const { tripId, last } of drivers) {
      if (tripId === null) continue;
      // Gateways pass it on to those who follow the driver's position.
      this.#bus.publish(channels.trip(tripId), event, { tripId, ...words, lastKnownLocation: last });
    }
  }
}
