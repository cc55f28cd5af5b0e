import { z } from "zod";
import { latSchema, lngSchema } from "#server/contracts/geo.ts";
import { newId } from "#server/contracts/ids.ts";
import type { Position, Shape } from "#server/contracts/zone-shape.ts";
import { writeShape } from "#server/domain/zones/zone-store.ts";
import type { Queryable } from "#server/platform/db.ts";

const positionSchema = z.tuple([lngSchema, latSchema]).rest(z.number());
const ringSchema = z.array(positionSchema).min(4, "a ring has at least four positions");
const geometrySchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("Polygon"), coordinates: z.array(ringSchema).min(1) }),
  z.object({ type: z.literal("MultiPolygon"), coordinates: z.array(z.array(ringSchema).min(1)).min(1) }),
]);

/** A GeoJSON FeatureCollection of zones: `properties.name`, and `code` or `id` to know a zone again. */
export const zoneCollectionSchema = z.object({
  type: z.literal("FeatureCollection"),
  features: z
    .array(
      z.object({
        properties: z.object({
          name: z.string().min(1),
          code: z.string().optional(),
          id: z.union([z.string(), z.number()]).optional(),
        }),
        geometry: geometrySchema,
      }),
    )
    .min(1),
});
export type ZoneCollection = z.infer<typeof zoneCollectionSchema>;
/** Adds or replaces zones by their code. Call it in a transaction. Returns how many. */
export async function importZones(
  tx: Queryable,
  collection: ZoneCollection,
  options: { readonly codePrefix: string; readonly currency: string },
): Promise<number> {
  for (const { code, name, shape } of zonesOf(collection)) {
    const { rows } = await tx.query<{ id: string }>(
      `INSERT INTO zones (id, code, name, currency) VALUES ($1, $2, $3, $4)
       ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, is_active = true, version = zones.version + 1, updated_at = now()
       RETURNING id`,
      [newId(), `${options.codePrefix}${code}`, name, options.currency],
    );
    await writeShape(tx, rows[0]?.id ?? "", shape);
  }
  return zonesOf(collection).length;
}

/** Real files spread one zone over several features of the same id (New York's 56 and 103): their parts belong together. */
function zonesOf({
  features,
}: ZoneCollection): { readonly code: string; readonly name: string; readonly shape: Shape }[] {
  const zones = new Map<string, { code: string; name: string; shape: Shape }>();
  for (const [index, { properties, geometry }] of features.entries()) {
    const code = String(properties.code ?? properties.id ?? index + 1);
    const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    const shape = parts.map((part) => part.map((ring) => ring.map(([lng, lat]): Position => [lng, lat])));
    zones.set(code, { code, name: properties.name, shape: [...(zones.get(code)?.shape ?? []), ...shape] });
  }
  return [...zones.values()];
}
