import { z } from "zod";
import { estimateSchema } from "#server/contracts/fares.ts";
import { placeSchema } from "#server/contracts/geo.ts";
import { moneySchema, tripPersonSchema, tripSchema, tripVehicleSchema } from "#server/contracts/trips.ts";

export type JsonSchema = { [key: string]: unknown };

/** What is described once and referred to. */
const NAMED = z.registry<{ id: string }>();
NAMED.add(tripSchema, { id: "Trip" });
NAMED.add(estimateSchema, { id: "Estimate" });
NAMED.add(moneySchema, { id: "Money" });
NAMED.add(placeSchema, { id: "Place" });
NAMED.add(tripPersonSchema, { id: "TripPerson" });
NAMED.add(tripVehicleSchema, { id: "TripVehicle" });

/** Where the format says it, zod's own pattern for it is noise; and every integer of JSON is a safe one. */
function tidy(schema: JsonSchema, io: "input" | "output", strict: boolean): void {
  if (["uuid", "email", "date-time"].includes(String(schema.format))) delete schema.pattern;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  // A field may join an answer without a new version.
  if (io === "output" && !strict) delete schema.additionalProperties;
  // A schema that reads several spellings says in its meta which one to send.
  if (schema.type !== undefined) delete schema.anyOf;
}

/** JSON Schema 2020-12 of a zod schema, its named parts gathered in `components`. */
export class SchemaWriter {
  readonly components: Record<string, JsonSchema> = {};

  write(schema: z.core.$ZodType, io: "input" | "output"): JsonSchema {
    const {
      $schema: _,
      $defs = {},
      ...written
    } = z.toJSONSchema(schema, {
      io,
      metadata: NAMED as never,
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema }) => {
        Object.assign(jsonSchema, z.globalRegistry.get(zodSchema));
        const { def } = zodSchema._zod;
        tidy(jsonSchema as JsonSchema, io, def.type === "object" && "catchall" in def && def.catchall !== undefined);
      },
    }) as JsonSchema & { $defs?: Record<string, JsonSchema> };
    const { id } = NAMED.get(schema as never) ?? {};
    for (const [name, part] of Object.entries($defs)) this.#add(name, part);
    if (id === undefined) return refer(written) as JsonSchema;
    if (!(id in $defs)) this.#add(id, written);
    return { $ref: `#/components/schemas/${id}` };
  }

  #add(name: string, { id: _, $schema: __, ...schema }: JsonSchema): void {
    this.components[name] = refer(schema) as JsonSchema;
  }
}

/** zod's own references, as OpenAPI's. */
function refer(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(refer);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === "$ref" && typeof item === "string" ? item.replace("#/$defs/", "#/components/schemas/") : refer(item),
    ]),
  );
}
