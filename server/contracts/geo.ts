import { z } from "zod";

/** WGS84 degrees. */
export const latSchema = z.number().min(-90).max(90);
export const lngSchema = z.number().min(-180).max(180);

/** A point as it crosses the API: degrees, finite, in range (zod numbers refuse NaN and Infinity). */
export const coordinatesSchema = z.strictObject({ lat: latSchema, lng: lngSchema });
export type Coordinates = z.infer<typeof coordinatesSchema>;

/** A pickup, destination or stop: a point and, where the app knows it, the address shown to people. */
export const placeSchema = z.strictObject({ lat: latSchema, lng: lngSchema, address: z.string().max(255).optional() });
export type Place = z.infer<typeof placeSchema>;
