import { z } from "zod";
import { MAX_VERTICES, type Position, type Shape } from "./zone-shape.ts";

/** Beyond any town; what an import may take in one go. */
export const MAX_IMPORTED_ZONES = 1000;

// Numbers of any kind pass here: what is wrong with them is said by `shapeFaults`, by place and in words.
const positionSchema = z.tuple([z.number(), z.number()]);
const ringSchema = z.array(positionSchema).max(MAX_VERTICES + 1);
/** GeoJSON's MultiPolygon coordinates. Bounds of size only; what it must be to be a zone, `shapeFaults` says. */
export const shapeSchema = z.array(z.array(ringSchema).max(200)).max(500);

export const zoneNameSchema = z.string().trim().min(1).max(100);
export const currencySchema = z.string().regex(/^[A-Z]{3}$/, "three capital letters, as EGP");
export const prioritySchema = z.int().min(-1000).max(1000);

/** A zone of the list. Times are ISO 8601 UTC. */
export interface ZoneRow {
  readonly id: string;
  /** What files know it by. */
  readonly code: string;
  readonly name: string;
  readonly priority: number;
  readonly currency: string;
  readonly isActive: boolean;
  readonly parts: number;
  readonly holes: number;
  readonly points: number;
  readonly squareKm: number;
  readonly version: number;
  readonly updatedBy: string | null;
  readonly updatedAt: string;
}

/** With its outline, and whether anything was ever booked there: then it stays. */
export interface ZoneDetail extends ZoneRow {
  readonly shape: Shape;
  readonly isUsed: boolean;
}

/** Another zone on the same ground with the same priority: which of them holds is then decided by nothing that anybody chose. */
export interface ZoneOverlap {
  readonly zoneId: string;
  readonly name: string;
  readonly at: Position;
}

/** One zone of a file, and what the import would do. */
export interface ImportedZone {
  /** Places in the file's list of features, from 0: parts of one zone may stand apart. */
  readonly features: readonly number[];
  readonly code: string;
  readonly name: string;
  readonly what: "added" | "changed" | "unchanged";
  /** What of it is another than before: `name`, `outline`, … */
  readonly changes: readonly string[];
}

export interface ImportPreview {
  readonly zones: readonly ImportedZone[];
  readonly bad: readonly {
    readonly feature: number;
    readonly name: string | null;
    readonly reasons: readonly string[];
  }[];
  /** Pairs that would share ground at the same priority, by name. */
  readonly overlaps: readonly { readonly one: string; readonly other: string; readonly at: Position }[];
}
