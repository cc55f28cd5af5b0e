import { z } from "zod";
import { idSchema } from "#server/contracts/ids.ts";
import { zoneMatchingSchema } from "#server/contracts/matching.ts";
import { recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { reasonSchema } from "#server/trpc/routers/trips.ts";

const version = z.int().min(0).max(2_147_483_647);

/** How zones look for drivers, why a search asked whom it asked, and giving a trip to a driver by hand. */
export const matchingRouter = router({
  zones: operatorQuery("zones.manage").query(({ ctx }) => ctx.app.matching.view()),

  setZone: operatorProcedure({ permission: "zones.manage", audit: "zone.matching" })
    .input(
      z.strictObject({
        zoneId: idSchema,
        settings: zoneMatchingSchema,
        expectedVersion: version,
        reason: reasonSchema,
      }),
    )
    .mutation(({ ctx, input: { reason, ...change } }) =>
      ctx.app.matching.set(ctx.actor, change, recorder(ctx, reason), ctx.claim),
    ),
});
