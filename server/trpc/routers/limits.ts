import { z } from "zod";
import { idSchema } from "#server/contracts/ids.ts";
import { LIMIT_SCOPES } from "#server/contracts/limits.ts";
import { pageSizeSchema } from "#server/contracts/paging.ts";
import { listViolations } from "#server/domain/limits/violation-store.ts";
import { router } from "#server/trpc/init.ts";
import { operatorQuery } from "#server/trpc/middleware/procedures.ts";

export const limitsRouter = router({
  violations: operatorQuery("limits.view")
    .input(
      z.strictObject({
        scopes: z.array(z.enum(LIMIT_SCOPES)).optional(),
        q: z.string().max(80).optional(),
        cursor: idSchema.nullish(),
        limit: pageSizeSchema({ max: 200, fallback: 50 }),
      }),
    )
    .query(({ ctx, input }) =>
      listViolations(ctx.app.db.pool, {
        scopes: input.scopes === undefined || input.scopes.length === 0 ? null : input.scopes,
        q: input.q ?? null,
        cursor: input.cursor ?? null,
        limit: input.limit,
      }),
    ),
});
