import { z } from "zod";
import { IDEMPOTENCY_STATES } from "#server/contracts/console.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { idSchema } from "#server/contracts/ids.ts";
import { pageSizeSchema } from "#server/contracts/paging.ts";
import { listKeys, readKey } from "#server/domain/idempotency/idempotency-view-store.ts";
import { router } from "#server/trpc/init.ts";
import { operatorQuery } from "#server/trpc/middleware/procedures.ts";

/** Idempotency keys, as operators see them. */
export const idempotencyRouter = router({
  list: operatorQuery("idempotency.view")
    .input(
      z.strictObject({
        states: z.array(z.enum(IDEMPOTENCY_STATES)).default([]),
        /** Exactly: a key, or an actor's id. */
        q: z.string().trim().max(255).default(""),
        conflicts: z.boolean().default(false),
        cursor: idSchema.nullish(),
        limit: pageSizeSchema({ max: 200, fallback: 50 }),
      }),
    )
    .query(({ ctx, input }) => listKeys(ctx.app.db.pool, { ...input, cursor: input.cursor ?? null })),

  detail: operatorQuery("idempotency.view")
    .input(z.strictObject({ id: idSchema }))
    .query(async ({ ctx, input }) => {
      const key = await readKey(ctx.app.db.pool, input.id);
      if (key === null)
        throw new DomainError("NOT_FOUND", "There is no such key any more: they are kept for 24 hours.");
      return key;
    }),
});
