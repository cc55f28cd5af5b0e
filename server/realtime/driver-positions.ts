import type { AppContext } from "#server/context.ts";
import { newId } from "#server/contracts/ids.ts";
import {
  type BusMessage,
  type ChannelPosition,
  channels,
  positionsSchema,
  topics,
} from "#server/contracts/realtime.ts";
import { isLive } from "#server/domain/trips/trip-state.ts";
import type { BusHandler } from "#server/platform/bus.ts";

/** News can be lost with Redis: a trip looked at longer ago than this is looked at again, so that no rider follows a driver for long after the ride. */
const RECHECK_MS = 30_000;
/** Trips looked at again at once: the database has other work. */
const RECHECKS_PER_BATCH = 20;

interface FollowedTrip {
  readonly tripId: string;
  readonly listeners: Set<BusHandler>;
  readonly leaveNews: () => void;
  /** Null while no driver is bound to the trip. */
  driverId: string | null;
  version: number;
  checkedAtMs: number;
  /** Positions are not kept: these tell an app only that it has missed some. */
  readonly epoch: string;
  offset: number;
}

/**
 * `driver-location.{tripId}`: where the driver of a live trip is, to those who follow the trip on this gateway. The
 * positions come from the one topic that has them all, listened to only while somebody follows a trip.
 */
export class DriverPositions {
  readonly #app: AppContext;
  readonly #trips = new Map<string, FollowedTrip>();
  #leavePositions: (() => void) | null = null;

  constructor(app: AppContext) {
    this.#app = app;
  }

  /** Returns the way out. Throws, and follows nothing, when the trip cannot be read. */
  async follow(tripId: string, listener: BusHandler): Promise<() => void> {
    const trip = this.#trips.get(tripId) ?? this.#open(tripId);
    trip.listeners.add(listener);
    const leave = () => {
      if (trip.listeners.delete(listener) && trip.listeners.size === 0) this.#close(trip);
    };
    try {
      await this.#look(trip);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  /** Where the channel of a followed trip stands. */
  position(tripId: string): ChannelPosition {
    const { epoch = newId(), offset = 0 } = this.#trips.get(tripId) ?? {};
    return { epoch, offset };
  }

  #open(tripId: string): FollowedTrip {
    const trip: FollowedTrip = {
      tripId,
      listeners: new Set(),
      // Before the first look: what changes during it is looked at again.
      leaveNews: this.#app.bus.subscribe(channels.trip(tripId), (news) => this.#onNews(trip, news)),
      driverId: null,
      version: 0,
      checkedAtMs: 0,
      epoch: newId(),
      offset: 0,
    };
    this.#trips.set(tripId, trip);
    this.#leavePositions ??= this.#app.bus.subscribe(topics.locations, ({ data, at }) => this.#onMoved(data, at));
    return trip;
  }

  #close(trip: FollowedTrip): void {
    trip.leaveNews();
    this.#trips.delete(trip.tripId);
    if (this.#trips.size > 0) return;
    this.#leavePositions?.();
    this.#leavePositions = null;
  }

  async #look(trip: FollowedTrip): Promise<void> {
    trip.checkedAtMs = this.#app.clock.monotonicMs();
    const { driverId, status, version } = await this.#app.trips.get({ type: "operator", id: "gateway" }, trip.tripId);
    // An older answer may come after a newer one.
    if (version < trip.version) return;
    trip.version = version;
    trip.driverId = isLive(status) ? driverId : null;
  }

  #lookAgain(trip: FollowedTrip): void {
    this.#look(trip).catch((error: Error) =>
      this.#app.logger.warn({ err: error, tripId: trip.tripId }, "followed trip not read; it will be again"),
    );
  }

  #onMoved(data: unknown, at: string): void {
    const parsed = positionsSchema.safeParse(data);
    if (!parsed.success) return;
    const moved = new Map(parsed.data.drivers.map((driver) => [driver.id, driver]));
    const checkedBefore = this.#app.clock.monotonicMs() - RECHECK_MS;
    let rechecks = 0;
    for (const trip of this.#trips.values()) {
      if (trip.checkedAtMs < checkedBefore && ++rechecks <= RECHECKS_PER_BATCH) this.#lookAgain(trip);
      const position = trip.driverId === null ? undefined : moved.get(trip.driverId);
      if (position === undefined) continue;
      const { id: _id, ...where } = position;
      this.#tell(trip, { event: "driver.moved", data: { tripId: trip.tripId, ...where }, at });
    }
  }

  /** That the driver's connection is lost, or back, is said here too; all else may have changed who the driver is. */
  #onNews(trip: FollowedTrip, { event, data, at }: BusMessage): void {
    if (event.startsWith("driver.connection_")) this.#tell(trip, { event, data, at });
    else this.#lookAgain(trip);
  }

  #tell(trip: FollowedTrip, news: Pick<BusMessage, "event" | "data" | "at">): void {
    trip.offset++;
    const message = { epoch: trip.epoch, offset: trip.offset, ...news };
    for (const listener of trip.listeners) listener(message);
  }
}
