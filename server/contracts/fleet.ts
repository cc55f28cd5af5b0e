import { z } from "zod";
import type { DriverMapState, LiveDriver, LiveTrip } from "./console.ts";
import { latSchema, lngSchema } from "./geo.ts";
import { idSchema } from "./ids.ts";
import { tripStatusSchema } from "./trips.ts";

/** Who can take a trip first; a cluster's ring goes clockwise in this order. */
export const DRIVER_MAP_STATES = [
  "available",
  "offered",
  "on_trip",
  "stale",
  "temporarily_offline",
  "under_review",
  "offline",
] as const satisfies readonly DriverMapState[];

/** More drivers than this in view come as clusters. */
export const MAX_SINGLES = 2000;
/** A frame is never larger, as JSON: a whole that is comes in several. */
export const MAX_FRAME_BYTES = 100 * 1024;

/** What one map shows: where it looks, and whom of those there it wants to see. */
export const mapViewSchema = z.strictObject({
  /** West, south, east, north. Left out: the whole world. */
  bounds: z.tuple([lngSchema, latSchema, lngSchema, latSchema]).optional(),
  zoom: z.number().min(0).max(24).default(11),
  states: z.array(z.enum(DRIVER_MAP_STATES)).max(7).optional(),
  /** Of the trips. */
  tripStatuses: z.array(tripStatusSchema).max(7).optional(),
  category: z.string().max(40).optional(),
  zoneId: idSchema.optional(),
  /** Who is selected: always sent, wherever they are. */
  driverId: idSchema.optional(),
  tripId: idSchema.optional(),
});
export type MapView = z.output<typeof mapViewSchema>;

/** A driver already told of, somewhere else now: id, latitude, longitude, heading, speed, when. */
export type DriverMove = readonly [
  id: string,
  lat: number,
  lng: number,
  heading: number | null,
  speed: number | null,
  updatedAt: string,
];

/** Many drivers as one; the id is its place on the world's grid, so that it stays where it is. */
export interface DriverCluster {
  readonly id: string;
  readonly lat: number;
  readonly lng: number;
  readonly count: number;
  readonly states: Readonly<Partial<Record<DriverMapState, number>>>;
}

/** One frame of `map.live`, at most one a second but for those that make up the first whole. */
export interface FleetFrame {
  readonly at: string;
  /** Forget all that was told before: this begins anew. */
  readonly whole: boolean;
  /** False: the rest of what is told now follows at once; show it together. */
  readonly last: boolean;
  readonly drivers: readonly LiveDriver[];
  readonly moves: readonly DriverMove[];
  /** All clusters; null: they are as they were. */
  readonly clusters: readonly DriverCluster[] | null;
  readonly trips: readonly LiveTrip[];
  /** Ids that left the view, went offline, or ended. */
  readonly goneDrivers: readonly string[];
  readonly goneTrips: readonly string[];
  /** Drivers in view by state, shown singly or not; null: as before. */
  readonly counts: Readonly<Partial<Record<DriverMapState, number>>> | null;
  /** Vehicle categories of all that are on line; null: as before. */
  readonly categories: readonly string[] | null;
}
