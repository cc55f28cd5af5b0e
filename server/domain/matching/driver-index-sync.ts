import type { Coordinates } from "#server/contracts/geo.ts";
import { newId } from "#server/contracts/ids.ts";
import { topics, tripIdsSchema } from "#server/contracts/realtime.ts";
import type { LocationSink } from "#server/domain/drivers/location-service.ts";
import * as store from "#server/domain/matching/driver-index-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Clock } from "#server/platform/clock.ts";
import type { Database } from "#server/platform/db.ts";
import type { IndexedDriver } from "#server/platform/driver-index/driver-index.ts";
import type { RedisDriverIndex } from "#server/platform/driver-index/redis-driver-index.ts";
import type { Logger } from "#server/platform/logger.ts";
import type { RedisConnections } from "#server/platform/redis.ts";
import { seldom } from "#server/platform/seldom.ts";

/** News of drivers wait this long for one another: one read for all of a moment. */
const GATHER_MS = 20;
/** A driver nobody knew sent a position: by then it is in the database. */
const HEARD_OF_MS = 3000;
/** A version can be committed after a higher one: changes are looked for this far back. */
const OVERLAP_MS = 30_000;
/** Everything is read again this often, in passing: what no version tells is put right (positions grown old, accounts deleted). */
const WHOLE_EVERY_MS = 5 * 60_000;
/** That may take long: changes are followed every so often in between. */
const KEEP_UP_MS = 2000;
const PAGE = 2000;
const CHANGES_AT_ONCE = 5000;

type Connection = Pick<RedisConnections, "isReady" | "timesConnected">;
type Index = Pick<RedisDriverIndex, "apply" | "move" | "build" | "stillFollowed">;

/**
 * Keeps the index of free drivers in step with the database. News from the bus is followed at once; lost news is found by
 * the versions (`tick`); a flushed or restarted Redis is built anew, and until it is, searches ask the database. Several
 * processes may do all of it at once: of two words on a driver the later version counts.
 */
export class DriverIndexSync {
  readonly #db: Database;
  readonly #index: Index;
  readonly #redis: Connection;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #complain: (error: unknown) => void;
  readonly #onBuilt: (seconds: number) => void;
  readonly #bus: EventBus;
  #leaveNews: (() => void) | null = null;
  readonly #gathered = new Set<string>();
  readonly #heardOf = new Set<string>();
  #gathering: NodeJS.Timeout | null = null;
  #hearing: NodeJS.Timeout | null = null;
  /** Positions that wait while others are written: the newest of each driver. */
  readonly #unmoved = new Map<string, Coordinates>();
  #moving: Promise<void> | null = null;
  #refreshing: Promise<void> = Promise.resolve();
  /** The highest versions seen, and when: the oldest says from where changes are looked for. Empty: everything must be read. */
  #marks: { readonly atMs: number; readonly version: number }[] = [];
  /** Versions followed already within the overlap. */
  readonly #followed = new Map<string, number>();
  #wholeAtMs = 0;
  #timesConnected = 0;

  constructor(options: {
    db: Database;
    bus: EventBus;
    index: Index;
    redis: Connection;
    clock: Clock;
    logger: Logger;
    onBuilt: (seconds: number) => void;
  }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#index = options.index;
    this.#redis = options.redis;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#onBuilt = options.onBuilt;
    this.#complain = seldom((trouble) =>
      options.logger.warn(trouble, "the index of free drivers lags; searches are right all the same"),
    );
  }

  /** Listens to news of drivers from now on: in the processes that also `tick`. */
  start(): void {
    this.#leaveNews ??= this.#bus.subscribe(topics.drivers, ({ data }) => {
      const news = tripIdsSchema.safeParse(data);
      if (news.success) this.refreshSoon(news.data.ids);
    });
  }

  /** For the stream of positions. One batch is written at a time. */
  readonly sink: LocationSink = (moved) => {
    // What is lost now is put right when all is read again.
    if (!this.#redis.isReady()) return;
    for (const { userId, lat, lng } of moved) this.#unmoved.set(userId, { lat, lng });
    this.#moving ??= this.#move().finally(() => {
      this.#moving = null;
    });
  };

  async #move(): Promise<void> {
    while (this.#unmoved.size > 0) {
      const moves = [...this.#unmoved].map(([driverId, at]) => ({ driverId, ...at }));
      this.#unmoved.clear();
      await this.#index.move(moves).then((unknown) => this.#hearOf(unknown), this.#complain);
    }
  }

  /** Reads these drivers and follows, in a moment. */
  refreshSoon(driverIds: readonly string[]): void {
    for (const id of driverIds) this.#gathered.add(id);
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null;
      const ids = [...this.#gathered];
      this.#gathered.clear();
      this.#refreshAfter(ids);
    }, GATHER_MS);
  }

  #refreshAfter(driverIds: readonly string[]): void {
    const refreshed = this.#refresh(driverIds).catch(this.#complain);
    this.#refreshing = this.#refreshing.then(() => refreshed);
  }

  #hearOf(driverIds: readonly string[]): void {
    if (driverIds.length === 0) return;
    for (const id of driverIds) this.#heardOf.add(id);
    this.#hearing ??= setTimeout(() => {
      this.#hearing = null;
      this.refreshSoon([...this.#heardOf]);
      this.#heardOf.clear();
    }, HEARD_OF_MS);
  }

  async #refresh(driverIds: readonly string[]): Promise<void> {
    if (!this.#redis.isReady()) return;
    for (let from = 0; from < driverIds.length; from += PAGE) {
      const drivers = await store.readIndexed(this.#db.pool, driverIds.slice(from, from + PAGE));
      await this.#index.apply(drivers);
      // Who does not tick looks for no changes, and would remember every driver.
      if (this.#marks.length > 0) for (const { driverId, version } of drivers) this.#followed.set(driverId, version);
    }
  }

  /** One look: what changed since the last, or all of it when the index is not whole. Throws when a store is away. */
  async tick(): Promise<void> {
    if (!this.#redis.isReady()) return;
    const connected = this.#redis.timesConnected();
    if (connected !== this.#timesConnected) {
      this.#marks = [];
      this.#followed.clear();
    }
    this.#timesConnected = connected;
    const grownOld = this.#clock.monotonicMs() - this.#wholeAtMs > WHOLE_EVERY_MS;
    if ((this.#marks.length === 0 || grownOld) && (await this.#build())) return;
    await this.#keepUp();
  }

  async #keepUp(): Promise<void> {
    const [from] = this.#marks;
    if (from === undefined) return;
    await this.#follow(from.version);
    // Only now that all changes are in. It may have expired, or been flushed.
    if (!(await this.#index.stillFollowed())) await this.#build();
  }

  async #follow(since: number): Promise<void> {
    const now = this.#clock.monotonicMs();
    let version = since;
    for (;;) {
      const changed = await store.readChanged(this.#db.pool, version, CHANGES_AT_ONCE);
      await this.#refresh(
        changed.filter((one) => this.#followed.get(one.driverId) !== one.version).map((one) => one.driverId),
      );
      version = changed.at(-1)?.version ?? version;
      if (changed.length < CHANGES_AT_ONCE) break;
    }
    this.#mark(now, version);
  }

  #mark(atMs: number, version: number): void {
    this.#marks.push({ atMs, version });
    while (this.#marks.length > 1 && (this.#marks[1]?.atMs ?? 0) <= atMs - OVERLAP_MS) this.#marks.shift();
    const low = this.#marks[0]?.version ?? 0;
    for (const [id, followed] of this.#followed) if (followed <= low) this.#followed.delete(id);
  }

  /** All drivers. What changes while they are read is followed meanwhile, as long as the index is whole. */
  async *#pages(): AsyncGenerator<IndexedDriver[]> {
    let keptUpMs = this.#clock.monotonicMs();
    for await (const page of store.readAllIndexed(this.#db.pool, PAGE)) {
      yield page;
      if (this.#clock.monotonicMs() - keptUpMs < KEEP_UP_MS) continue;
      await this.#keepUp();
      keptUpMs = this.#clock.monotonicMs();
    }
  }

  /** False when somebody else builds, or it was flushed meanwhile: the next tick looks again. */
  async #build(): Promise<boolean> {
    const started = this.#clock.monotonicMs();
    const version = await store.lastVersion(this.#db.pool);
    const built = await this.#index.build(newId(), this.#pages(), version);
    if (!built) return false;
    const tookMs = this.#clock.monotonicMs() - started;
    this.#wholeAtMs = started;
    this.#marks = [];
    this.#mark(started, version);
    this.#onBuilt(tookMs / 1000);
    this.#logger.debug({ ms: Math.round(tookMs) }, "index of free drivers built");
    return true;
  }

  /** All that was heard of is followed; for tests and shutdown. */
  async drain(): Promise<void> {
    if (this.#gathering !== null) {
      clearTimeout(this.#gathering);
      this.#gathering = null;
      const ids = [...this.#gathered];
      this.#gathered.clear();
      this.#refreshAfter(ids);
    }
    await this.#refreshing;
    await this.#moving;
  }

  close(): void {
    this.#leaveNews?.();
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    if (this.#hearing !== null) clearTimeout(this.#hearing);
  }
}
