import { z } from "zod";
import { latSchema, lngSchema } from "#server/contracts/geo.ts";
import { newId } from "#server/contracts/ids.ts";
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
type Ring = z.infer<typeof ringSchema>;

/** PostgreSQL closes a polygon by itself; GeoJSON repeats the first position. */
function polygonText(ring: Ring): string {
  const [first, last] = [ring[0], ring.at(-1)];
  const closed = first !== undefined && last !== undefined && first[0] === last[0] && first[1] === last[1];
  const open = closed ? ring.slice(0, -1) : ring;
  return `(${open.map(([lng, lat]) => `(${lng},${lat})`).join(",")})`;
}

/** Adds or replaces zones by their code. Call it in a transaction. Returns how many. */
export async function importZones(
  tx: Queryable,
  collection: ZoneCollection,
  options: { readonly codePrefix: string; readonly currency: string },
): Promise<number> {
  // Real files spread one zone over several features of the same id (New York's 56 and 103): their parts belong together.
  const partsOf = new Map<string, number>();
  for (const [index, feature] of collection.features.entries()) {
    const { name, code, id } = feature.properties;
    const { rows } = await tx.query<{ id: string }>(
      `INSERT INTO zones (id, code, name, currency) VALUES ($1, $2, $3, $4)
       ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, is_active = true, updated_at = now() RETURNING id`,
      [newId(), `${options.codePrefix}${code ?? id ?? index + 1}`, name, options.currency],
    );
    const zoneId = rows[0]?.id ?? "";
    const first = partsOf.get(zoneId) ?? 0;
    if (first === 0) await tx.query("DELETE FROM zone_areas WHERE zone_id = $1", [zoneId]);
    const parts = feature.geometry.type === "Polygon" ? [feature.geometry.coordinates] : feature.geometry.coordinates;
    partsOf.set(zoneId, first + parts.length);
    for (const [part, rings] of parts.entries()) {
      for (const [position, ring] of rings.entries()) {
        await tx.query(
          "INSERT INTO zone_areas (id, zone_id, part, is_hole, area) VALUES ($1, $2, $3, $4, $5::polygon)",
          [newId(), zoneId, first + part, position > 0, polygonText(ring)],
        );
      }
    }
  }
  return partsOf.size;
}
