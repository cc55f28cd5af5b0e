import { z } from "zod";
import { idSchema } from "#server/contracts/ids.ts";
import { currencySchema, prioritySchema, shapeSchema, zoneNameSchema } from "#server/contracts/zones.ts";
import { recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { reasonSchema } from "#server/trpc/routers/trips.ts";

const version = z.int().min(0).max(2_147_483_647);
/** Each is judged by itself, so that a file's bad ones are named by their places. */
const features = z.array(z.unknown()).max(5000);

/** Where we drive, drawn by operators. */
export const zonesRouter = router({
  list: operatorQuery("trips.view").query(({ ctx }) => ctx.app.zones.list()),

  get: operatorQuery("trips.view")
    .input(z.strictObject({ id: idSchema }))
    .query(({ ctx, input }) => ctx.app.zones.get(input.id)),

  save: operatorProcedure({ permission: "zones.manage", audit: "zone.save" })
    .input(
      z.strictObject({
        id: idSchema.nullable(),
        name: zoneNameSchema,
        priority: prioritySchema,
        currency: currencySchema,
        isActive: z.boolean(),
        shape: shapeSchema.nullable(),
        acknowledgeOverlap: z.boolean(),
        expectedVersion: version,
        reason: reasonSchema,
      }),
    )
    .mutation(({ ctx, input: { reason, ...change } }) =>
      ctx.app.zones.save(ctx.actor, change, recorder(ctx, reason), ctx.claim),
    ),

  remove: operatorProcedure({ permission: "zones.manage", audit: "zone.remove" })
    .input(z.strictObject({ id: idSchema, expectedVersion: version, reason: reasonSchema }))
    .mutation(({ ctx, input: { reason, ...target } }) =>
      ctx.app.zones.remove(target, recorder(ctx, reason), ctx.claim),
    ),

  importPreview: operatorQuery("zones.manage")
    .input(z.strictObject({ features }))
    .query(({ ctx, input }) => ctx.app.zones.preview(input.features)),

  import: operatorProcedure({ permission: "zones.manage", audit: "zone.import" })
    .input(
      z.strictObject({
        features,
        basis: z.string().length(64),
        acknowledgeOverlap: z.boolean(),
        reason: reasonSchema,
      }),
    )
    .mutation(({ ctx, input: { reason, ...file } }) =>
      ctx.app.zones.import(ctx.actor, file, recorder(ctx, reason), ctx.claim),
    ),

  export: operatorQuery("trips.view").query(({ ctx }) => ctx.app.zones.export()),
});
