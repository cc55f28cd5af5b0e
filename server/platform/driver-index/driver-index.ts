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
  /** The nearest of all within the radius, nearest first. */
  nearest(search: NearSearch): Promise<NearDriver[]>;
}

/** A driver as the database has them, and how late that was. */
export type IndexedDriver = {
  readonly driverId: string;
  /** Of two states of one driver the later has the higher one (`driver_details.index_version`). */
  readonly version: number;
} & (
  | ({ readonly state: "free"; readonly categoryId: string } & Coordinates)
  /** On a trip, off line, under review, …: remembered, so that an older word of them does not bring them back. */
  | { readonly state: "taken" }
  /** Free, but nobody knows where: forgotten until they are heard of. */
  | { readonly state: "lost" }
);

/** The index has no whole picture of the database now: ask the database itself. */
export class IndexNotBuilt extends Error {
  override readonly name = "IndexNotBuilt";
}
