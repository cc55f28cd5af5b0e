import { z } from "zod";
import { moneySchema } from "./trips.ts";

/** What a ride would cost now, before it is booked. */
export const estimateSchema = z.object({
  zoneId: z.string(),
  zoneName: z.string(),
  estimatedDistanceMeters: z.int(),
  estimatedDurationSeconds: z.int(),
  /** True when distance and time are of a straight line. */
  routeEstimated: z.boolean(),
  /** What the fares below are multiplied by; 1: nothing. */
  surgeMultiplier: z.number(),
  /** A sentence for the rider while fares are higher than usual. */
  message: z.string().nullable(),
  options: z.array(
    z.object({
      vehicleCategory: z.string(),
      name: z.string(),
      estimatedFare: moneySchema,
      /** Sent with the booking before `expiresAt`, the fare and the multiplier are held. */
      quote: z.string(),
    }),
  ),
  expiresAt: z.string(),
});
export type Estimate = z.infer<typeof estimateSchema>;

const minorUnits = z.int().min(0).max(100_000_000);
export const tariffSchema = z.strictObject({
  baseFare: minorUnits,
  farePerKm: minorUnits,
  farePerMin: minorUnits,
  minimumFare: minorUnits,
});
export type TariffInput = z.infer<typeof tariffSchema>;

/** One zone's fare for one category, in minor units; `own` null: the general one holds. */
export interface FareCell {
  readonly categoryId: string;
  readonly own:
    | (TariffInput & { readonly version: number; readonly updatedBy: string | null; readonly updatedAt: string })
    | null;
}
export interface FareRow {
  /** Null: the general fares, for every zone that has none of its own. */
  readonly zoneId: string | null;
  readonly zoneName: string;
  readonly currency: string;
  readonly isActive: boolean;
  readonly fares: readonly FareCell[];
}
export interface FareView {
  readonly categories: readonly { readonly id: string; readonly code: string; readonly name: string }[];
  readonly rows: readonly FareRow[];
}
