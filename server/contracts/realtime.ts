import { z } from "zod";
import { coordinatesSchema } from "./geo.ts";
import { idSchema } from "./ids.ts";

/** The channels of the WebSocket and who may listen to each; names are those the shipped apps use. */
export const channels = {
  /** Offers to a driver, and their revocation. */
  offers: (driverId: string) => `customer-trip-request.${driverId}`,
  /** To a customer: a driver has your trip. */
  accepted: (customerId: string) => `driver-trip-accepted.${customerId}`,
  /** To a driver who had an offer: another driver has the trip. */
  takenByAnother: (driverId: string) => `another-driver-trip-accepted.${driverId}`,
  /** To a driver: the customer cancelled. */
  cancelled: (driverId: string) => `customer-trip-cancelled.${driverId}`,
  /** To a trip's customer and operators: where the driver is. */
  driverLocation: (tripId: string) => `driver-location.${tripId}`,
  /** To a trip's people: every change of state. */
  trip: (tripId: string) => `trip.${tripId}`,
} as const;

/** What apps listen to is kept for those who reconnect; not where drivers are, which is old by then. */
const KEPT: ReadonlySet<string> = new Set([
  "customer-trip-request",
  "driver-trip-accepted",
  "another-driver-trip-accepted",
  "customer-trip-cancelled",
  "trip",
  "drivers_channel",
  "users_channel",
]);
export function isKept(channel: string): boolean {
  const dot = channel.indexOf(".");
  return KEPT.has(dot < 0 ? channel : channel.slice(0, dot));
}

/** A place in a channel's messages. A new epoch begins the count anew: nothing is known of what was before. */
export interface ChannelPosition {
  readonly epoch: string;
  /** Of the last message; 0: none yet. */
  readonly offset: number;
}

/** Topics of the bus that only our own processes listen to. */
export const topics = {
  /** Batches of driver positions, for the console's map. */
  locations: "ops.locations",
  /** Ids of trips that changed. */
  trips: "ops.trips",
  /** Ids of drivers whose availability changed. */
  drivers: "ops.drivers",
  /** Roles or operators changed: what is remembered of who may do what is read again. */
  access: "ops.access",
  /** Sessions were ended, or tokens: read which. */
  revocations: "ops.revocations",
  /** Ids of zones whose shape, fares or surge changed. */
  zones: "ops.zones",
  /** Business settings changed. */
  settings: "ops.settings",
  /** Alerts were raised or resolved. */
  alerts: "ops.alerts",
  /** Ids of webhook events that came or were processed. */
  webhooks: "ops.webhooks",
} as const;

/** One driver's position as it came in. Metres, degrees clockwise from north, metres per second. */
export const locationUpdateSchema = coordinatesSchema.extend({
  accuracy: z.number().min(0).max(100_000).optional(),
  heading: z.number().min(0).max(360).optional(),
  speed: z.number().min(0).max(150).optional(),
  recordedAt: z.iso.datetime({ offset: true }).optional(),
});
export type LocationUpdate = z.infer<typeof locationUpdateSchema>;

/** Frames from an app. The first must be `auth`. */
export const clientFrameSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("auth"), id: z.string().max(64).optional(), token: z.string().min(1).max(4096) }),
  z.strictObject({ type: z.literal("ping"), id: z.string().max(64).optional() }),
  locationUpdateSchema.extend({ type: z.literal("location"), id: z.string().max(64).optional() }).strict(),
  z.strictObject({
    type: z.literal("subscribe"),
    id: z.string().max(64).optional(),
    channel: z.string().min(1).max(120),
    epoch: z.string().max(64).optional(),
    offset: z.int().min(0).optional(),
  }),
  z.strictObject({ type: z.literal("viewing"), id: z.string().max(64).optional(), tripId: idSchema }),
  z.strictObject({
    type: z.literal("unsubscribe"),
    id: z.string().max(64).optional(),
    channel: z.string().min(1).max(120),
  }),
]);
export type ClientFrame = z.infer<typeof clientFrameSchema>;

/** WebSocket close codes. */
export const CLOSE = {
  tooLarge: 1009,
  goingAway: 1001,
  notAuthenticated: 3003,
  slowConsumer: 3008,
  noPong: 3012,
  tooManyConnections: 3013,
  tooManyMessages: 4290,
} as const;

/** A place in a channel's events: the n-th of its epoch. Another epoch: the events before are not known any more. */
export interface ChannelPosition {
  readonly epoch: string;
  readonly offset: number;
}

/** What the bus carries: the name of the event and its data; on channels that keep history, also its place. */
export interface BusMessage extends Partial<ChannelPosition> {
  readonly event: string;
  readonly data: unknown;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** Its place, in a kept channel. */
  readonly epoch?: string;
  readonly offset?: number;
}

export const tripIdsSchema = z.object({ ids: z.array(idSchema) });

/** What `topics.locations` carries: a batch of positions, as LocationService publishes it. */
export const positionsSchema = z.object({
  drivers: z.array(
    z.object({
      id: z.string(),
      lat: z.number(),
      lng: z.number(),
      heading: z.number().nullable(),
      speed: z.number().nullable(),
      at: z.string(),
    }),
  ),
});
