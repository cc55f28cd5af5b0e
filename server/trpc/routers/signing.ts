import { z } from "zod";
import { idSchema } from "#server/contracts/ids.ts";
import { router } from "#server/trpc/init.ts";
import { appProcedure } from "#server/trpc/middleware/procedures.ts";

const keySchema = z.object({
  id: z.string(),
  device: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
});

/** Keys with which a device signs its requests. */
export const signingRouter = router({
  // No Idempotency-Key: a stored answer would hold the secret. An app that lost it revokes that key.
  issue: appProcedure({ limit: "general", idempotency: "none" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/signing-keys", status: 201, summary: "A signing key for a device" },
    })
    .input(z.strictObject({ device: z.string().trim().min(1).max(80) }))
    .output(keySchema.extend({ secret: z.string() }))
    .mutation(({ ctx, input }) => ctx.app.signing.issue(ctx.actor, input.device)),

  list: appProcedure({ limit: "general", idempotency: "none" })
    .meta({
      openapi: { method: "GET", path: "/api/v1/signing-keys", summary: "Own signing keys, without their secrets" },
    })
    .input(z.strictObject({}))
    .output(z.object({ items: z.array(keySchema) }))
    .query(async ({ ctx }) => ({ items: await ctx.app.signing.list(ctx.actor.id) })),

  revoke: appProcedure({ limit: "general", idempotency: "optional" })
    .meta({ openapi: { method: "POST", path: "/api/v1/signing-keys/{id}/revoke", summary: "Revoke a signing key" } })
    .input(z.strictObject({ id: idSchema }))
    .output(z.object({ revoked: z.literal(true) }))
    .mutation(async ({ ctx, input }) => {
      await ctx.app.signing.revoke(ctx.actor.id, input.id);
      return { revoked: true as const };
    }),
});
