import { z } from "zod";
import { recorder } from "#server/trpc/audit.ts";
import { router } from "#server/trpc/init.ts";
import { operatorProcedure, operatorQuery } from "#server/trpc/middleware/procedures.ts";

const passwordSchema = z.string().min(1).max(256);

/** No key: what is answered holds secrets, or done again changes nothing. */
const ofOwn = (audit: string) => ({ permission: null, audit, limit: "auth.password", idempotency: "none" }) as const;

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

  beginSecondFactor: operatorProcedure(ofOwn("operator.totp_begin"))
    .input(z.strictObject({ password: passwordSchema }))
    .mutation(async ({ ctx, input }) => {
      await ctx.app.identity.assertPassword(ctx.actor, input.password);
      const record = recorder(ctx, "began to set up a second factor");
      return ctx.app.identity.secondFactor.begin(ctx.actor.id, ctx.actor.name, record);
    }),

  confirmSecondFactor: operatorProcedure(ofOwn("operator.totp_on"))
    .input(z.strictObject({ code: z.string().regex(/^\d{6}$/, "six digits") }))
    .mutation(async ({ ctx, input }) => {
      const record = recorder(ctx, "switched the second factor on");
      return { recoveryCodes: await ctx.app.identity.secondFactor.confirm(ctx.actor.id, input.code, record) };
    }),

  switchOffSecondFactor: operatorProcedure(ofOwn("operator.totp_off"))
    .input(z.strictObject({ password: passwordSchema }))
    .mutation(async ({ ctx, input }) => {
      await ctx.app.identity.assertPassword(ctx.actor, input.password);
      await ctx.app.identity.secondFactor.switchOff(ctx.actor.id, recorder(ctx, "switched the second factor off"));
    }),
});
