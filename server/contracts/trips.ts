import { z } from "zod";
import { placeSchema } from "./geo.ts";

export const TRIP_STATUSES = [
  "pending",
  "accepted",
  "arrived",
  "ongoing",
  "completed",
  "cancelled",
  "expired",
] as const;
export type TripStatus = (typeof TRIP_STATUSES)[number];
export const tripStatusSchema = z.enum(TRIP_STATUSES);

/** Codes of `vehicle_categories`. */
export const vehicleCategorySchema = z.string().min(1).max(40);

export const AVAILABILITIES = ["available", "unavailable", "on_trip", "on_bidding"] as const;
export type Availability = (typeof AVAILABILITIES)[number];

/** Integer minor units (piastres, cents) and the ISO 4217 code. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}
export const moneySchema = z.strictObject({ amount: z.int(), currency: z.string().length(3) });

export const tripPersonSchema = z.object({ id: z.string(), name: z.string(), phone: z.string() });
export const tripVehicleSchema = z.object({
  id: z.string(),
  plate: z.string(),
  model: z.string(),
  category: z.string(),
});

/** A trip as its rider, its driver and operators see it. Distances in metres, durations in seconds. */
export const tripSchema = z.object({
  id: z.string(),
  refId: z.string(),
  type: z.enum(["ride_request", "parcel"]),
  status: tripStatusSchema,
  version: z.int(),
  zoneId: z.string().nullable(),
  vehicleCategory: z.string(),
  paymentMethod: z.string(),
  pickup: placeSchema,
  destination: placeSchema,
  stops: z.array(placeSchema),
  estimatedFare: moneySchema,
  actualFare: moneySchema.nullable(),
  /** Whether drivers name their fare for this trip, and its rider chooses. */
  bidding: z.boolean(),
  /** The fare of the bid that the rider took; null: the estimate stands, and the distance driven decides. */
  agreedFare: moneySchema.nullable(),
  estimatedDistanceMeters: z.int(),
  estimatedDurationSeconds: z.int(),
  actualDistanceMeters: z.int().nullable(),
  /** True when the estimate is a straight line at 40 km/h because no routing provider answered. */
  routeEstimated: z.boolean(),
  surgeMultiplier: z.number(),
  customerId: z.string(),
  customer: tripPersonSchema,
  driverId: z.string().nullable(),
  driver: tripPersonSchema.nullable(),
  vehicle: tripVehicleSchema.nullable(),
  cancelledBy: z.string().nullable(),
  cancelReason: z.string().nullable(),
  /** The rider's code for the driver to start with; shown to the rider only, while it is of use. */
  otp: z.string().optional(),
  /** A sentence for the app to show: set when the search ended without a driver. */
  message: z.string().nullable(),
  /** When the rider wants to be picked up; null: as soon as possible. Drivers are asked some time before. */
  scheduledAt: z.string().nullable(),
  createdAt: z.string(),
  acceptedAt: z.string().nullable(),
  arrivedAt: z.string().nullable(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});
export type Trip = z.infer<typeof tripSchema>;
