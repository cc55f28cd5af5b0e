import { z } from "zod";
import { recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";
import { enforceLimit } from "#server/trpc/middleware/rate-limit.ts";

const passwordSchema = z.string().min(1).max(256);

/** An operator's second factor: for themselves, so no permission is asked. Answers hold secrets, so none is kept for a retry. */
export const accountRouter = router({
  secondFactor: operatorQuery(null).query(async ({ ctx }) => {
    const { secondFactor } = ctx.app.identity;
    const [on, recoveryCodesLeft] = await Promise.all([
      secondFactor.isOn(ctx.actor.id),
      secondFactor.recoveryCodesLeft(ctx.actor.id),
    ]);
    return { on, recoveryCodesLeft };
  }),

  beginSecondFactor: operatorProcedure({ permission: null, audit: "operator.totp_begin", idempotency: "none" })
    .input(z.strictObject({ password: passwordSchema }))
    .mutation(async ({ ctx, input }) => {
      await enforceLimit(ctx, "auth.password", ctx.actor);
      await ctx.app.identity.assertPassword(ctx.actor, input.password);
      const record = recorder(ctx, "began to set up a second factor");
      return ctx.app.identity.secondFactor.begin(ctx.actor.id, ctx.actor.name, record);
    }),

  confirmSecondFactor: operatorProcedure({ permission: null, audit: "operator.totp_on", idempotency: "none" })
    .input(z.strictObject({ code: z.string().regex(/^\d{6}$/, "six digits") }))
    .mutation(async ({ ctx, input }) => {
      await enforceLimit(ctx, "auth.password", ctx.actor);
      const record = recorder(ctx, "switched the second factor on");
      return { recoveryCodes: await ctx.app.identity.secondFactor.confirm(ctx.actor.id, input.code, record) };
    }),

  switchOffSecondFactor: operatorProcedure({ permission: null, audit: "operator.totp_off", idempotency: "none" })
    .input(z.strictObject({ password: passwordSchema }))
    .mutation(async ({ ctx, input }) => {
      await enforceLimit(ctx, "auth.password", ctx.actor);
      await ctx.app.identity.assertPassword(ctx.actor, input.password);
      await ctx.app.identity.secondFactor.switchOff(ctx.actor.id, recorder(ctx, "switched the second factor off"));
    }),
});
