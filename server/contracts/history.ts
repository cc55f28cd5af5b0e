import { z } from "zod";
import { idSchema } from "./ids.ts";

/** Hours of a driver that can be replayed at once. */
export const MAX_HISTORY_HOURS = 24;
/** Points told at the most: more are thinned evenly. */
export const MAX_HISTORY_POINTS = 5000;

const at = z.iso.datetime({ offset: true });
export const historyQuerySchema = z.union([
  z.strictObject({ tripId: idSchema }),
  z
    .strictObject({ driverId: idSchema, from: at, to: at })
    .refine(({ from, to }) => Date.parse(to) > Date.parse(from), { path: ["to"], message: "must be after from" })
    .refine(({ from, to }) => Date.parse(to) - Date.parse(from) <= MAX_HISTORY_HOURS * 3600_000, {
      path: ["to"],
      message: `at most ${MAX_HISTORY_HOURS} hours after from`,
    }),
]);
export type HistoryQuery = z.infer<typeof historyQuerySchema>;

export interface HistoryPoint {
  readonly lat: number;
  readonly lng: number;
  readonly heading: number | null;
  /** Metres per second. */
  readonly speed: number | null;
  readonly at: string;
  readonly tripId: string | null;
}

/** What happened on the way. */
export interface HistoryMark {
  readonly at: string;
  readonly kind: "requested" | "accepted" | "arrived" | "started" | "ended";
  readonly tripId: string;
  readonly refId: string;
}

export interface History {
  readonly driver: { readonly id: string; readonly name: string } | null;
  readonly points: readonly HistoryPoint[];
  readonly marks: readonly HistoryMark[];
  /** Points there were, when not all are told. */
  readonly thinnedFrom: number | null;
}
