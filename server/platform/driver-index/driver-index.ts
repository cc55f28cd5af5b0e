import type { Coordinates } from "#server/contracts/geo.ts";

/** A driver who was free when the index last heard of them. */
export interface NearDriver extends Coordinates {
  readonly driverId: string;
  /** Metres as the crow flies, from where was searched. */
  readonly distanceMeters: number;
}

export interface NearSearch {
  readonly at: Coordinates;
  readonly categoryId: string;
  /** Metres: nobody further is answered. */
  readonly radiusMeters: number;
  /** Drivers at the most, nearest first. */
  readonly limit: number;
}

/**
 * Where the *available* drivers are, by vehicle category. It makes a search fast and decides nothing: whoever it names is
 * looked at in the database before being asked. Two implementations, one contract suite.
 */
export interface DriverIndex {
  /** Nearest first, no further than the radius. Throws when its store is away: the caller then asks the database. */
  nearest(search: NearSearch): Promise<NearDriver[]>;
  /** Drivers who moved. Who is not in the index (not available) is not put there. Never throws. */
  move(drivers: readonly ({ readonly driverId: string } & Coordinates)[]): void;
  /** Drivers whose availability, vehicle or account changed: the database is read, and the index follows. Never throws. */
  refresh(driverIds: readonly string[]): void;
}
