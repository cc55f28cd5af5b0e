import { z } from "zod";
import { overlapAt, type Position, type Shape, shapeFaults, tidyShape } from "#server/contracts/zone-shape.ts";
import type { ImportedZone, ImportPreview } from "#server/contracts/zones.ts";
import { currencySchema, MAX_IMPORTED_ZONES, prioritySchema, zoneNameSchema } from "#server/contracts/zones.ts";
import type { StoredZone, ZoneFields } from "#server/domain/zones/zone-store.ts";

// Wrong numbers pass: `shapeFaults` names their place, and knows swapped ones when it sees them.
const ring = z.array(z.tuple([z.number(), z.number()]).rest(z.number()));
const featureSchema = z.object({
  type: z.literal("Feature"),
  properties: z.object({
    name: zoneNameSchema,
    code: z.string().trim().min(1).max(100).nullish(),
    id: z.union([z.string().trim().min(1).max(100), z.number()]).nullish(),
    priority: prioritySchema.nullish(),
    currency: currencySchema.nullish(),
    active: z.boolean().nullish(),
  }),
  geometry: z.discriminatedUnion("type", [
    z.object({ type: z.literal("Polygon"), coordinates: z.array(ring) }),
    z.object({ type: z.literal("MultiPolygon"), coordinates: z.array(z.array(ring)) }),
  ]),
});
type Feature = z.infer<typeof featureSchema>;

/** A zone of a file beside the one it would replace. */
export interface PlannedZone extends ImportedZone {
  readonly before: StoredZone | null;
  readonly fields: ZoneFields;
  readonly shape: Shape;
}
export interface ImportPlan {
  readonly zones: readonly PlannedZone[];
  readonly bad: ImportPreview["bad"];
  readonly overlaps: ImportPreview["overlaps"];
}

/** Two outlines of the same key cover the same ground in the same parts; in which order holes were stored says nothing. */
export const shapeKey = (shape: Shape): string =>
  JSON.stringify(
    tidyShape(shape).map(([outer, ...holes]) => [outer, holes.map((hole) => JSON.stringify(hole)).sort()]),
  );

function shapeOf({ geometry }: Feature): Shape {
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  return parts.map((part) => part.map((points) => points.map(([lng, lat]): Position => [lng, lat])));
}

function nameOf(feature: unknown): string | null {
  const read = z.object({ properties: z.object({ name: z.string() }) }).safeParse(feature);
  return read.data?.properties.name.slice(0, 100) ?? null;
}

/** How a file knows a zone: by its code, else its id, else by its name among ours; a new one is coded by its name. */
function codeOf({ code, id, name }: Feature["properties"], ours: readonly StoredZone[]): string {
  if (code != null) return code;
  if (id != null) return String(id);
  const named = ours.filter((zone) => zone.name === name);
  return named.length === 1 && named[0] ? named[0].code : name.toLowerCase().replace(/\s+/g, "-");
}

interface Gathered {
  readonly code: string;
  readonly features: number[];
  readonly properties: Feature["properties"];
  shape: Shape;
}

/** What a file would change, zone by zone, and what of it is no zone: nothing is written. */
export function planImport(features: readonly unknown[], ours: readonly StoredZone[]): ImportPlan {
  const bad: { feature: number; name: string | null; reasons: string[] }[] = [];
  const gathered = new Map<string, Gathered>();
  for (const [index, raw] of features.entries()) {
    const read = featureSchema.safeParse(raw);
    if (!read.success) {
      const reasons = read.error.issues.slice(0, 5).map(({ path, message }) => `${path.join(".")}: ${message}`);
      bad.push({ feature: index, name: nameOf(raw), reasons });
      continue;
    }
    const code = codeOf(read.data.properties, ours);
    const shape = shapeOf(read.data);
    const faults = shapeFaults(shape);
    if (faults.length > 0)
      bad.push({
        feature: index,
        name: read.data.properties.name,
        reasons: faults.slice(0, 5).map(({ message }) => message),
      });
    const zone = gathered.get(code);
    if (zone === undefined) gathered.set(code, { code, features: [index], properties: read.data.properties, shape });
    else {
      zone.features.push(index);
      zone.shape = [...zone.shape, ...shape];
    }
  }
  // Features that are each right may lie over each other as parts of one zone.
  for (const { features: of, shape, properties } of gathered.values()) {
    if (of.length === 1 || of.some((index) => bad.some(({ feature }) => feature === index))) continue;
    const faults = shapeFaults(shape);
    if (faults.length > 0)
      bad.push({
        feature: of[0] ?? 0,
        name: properties.name,
        reasons: [`together with features ${of.slice(1).join(", ")}: ${faults[0]?.message}`],
      });
  }
  if (gathered.size > MAX_IMPORTED_ZONES)
    bad.push({
      feature: MAX_IMPORTED_ZONES,
      name: null,
      reasons: [`more than ${MAX_IMPORTED_ZONES} zones in one file`],
    });
  const byCode = new Map(ours.map((zone) => [zone.code, zone]));
  const zones = [...gathered.values()].map((zone) => planned(zone, byCode.get(zone.code) ?? null));
  bad.sort((a, b) => a.feature - b.feature);
  return { zones, bad, overlaps: bad.length > 0 ? [] : overlapsAfter(zones, ours) };
}

function planned({ code, features, properties, shape }: Gathered, before: StoredZone | null): PlannedZone {
  const fields: ZoneFields = {
    name: properties.name,
    priority: properties.priority ?? before?.priority ?? 0,
    currency: properties.currency ?? before?.currency ?? "EGP",
    isActive: properties.active ?? before?.is_active ?? true,
  };
  const changes =
    before === null
      ? []
      : [
          ...(fields.name === before.name ? [] : ["name"]),
          ...(fields.priority === before.priority ? [] : ["priority"]),
          ...(fields.currency === before.currency ? [] : ["currency"]),
          ...(fields.isActive === before.is_active ? [] : [fields.isActive ? "switched on" : "switched off"]),
          ...(shapeKey(shape) === shapeKey(before.shape) ? [] : ["outline"]),
        ];
  const what = before === null ? "added" : changes.length > 0 ? "changed" : "unchanged";
  return { features, code, name: fields.name, what, changes, before, fields, shape: tidyShape(shape) };
}

/** Pairs of active zones of one priority over each other, of which the import brings or changes at least one. */
function overlapsAfter(zones: readonly PlannedZone[], ours: readonly StoredZone[]): ImportPlan["overlaps"] {
  const replaced = new Set(zones.map(({ before }) => before?.id));
  const after = [
    ...zones.map(({ fields, shape, what, name }) => ({ ...fields, name, shape, isNew: what !== "unchanged" })),
    ...ours
      .filter(({ id }) => !replaced.has(id))
      .map(({ name, priority, is_active: isActive, shape }) => ({ name, priority, isActive, shape, isNew: false })),
  ].filter(({ isActive }) => isActive);
  return after.flatMap((one, i) =>
    after.slice(i + 1).flatMap((other) => {
      if (one.priority !== other.priority || !(one.isNew || other.isNew)) return [];
      const at = overlapAt(one.shape, other.shape);
      return at === null ? [] : [{ one: one.name, other: other.name, at }];
    }),
  );
}
