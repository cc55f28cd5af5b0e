import { z } from "zod";
import { router } from "#server/trpc/init.ts";
import { publicProcedure } from "#server/trpc/middleware/procedures.ts";
import { enforceNamedLimit } from "#server/trpc/middleware/rate-limit.ts";

const phoneSchema = z.string().regex(/^\+[1-9]\d{6,14}$/, "an international number like +201100000001");
const passwordSchema = z.string().min(1).max(256);

export const authRouter = router({
  login: publicProcedure({ limit: "auth.login" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/auth/login", summary: "Sign in with phone or email and password" },
    })
    .input(
      z
        .strictObject({ phone: phoneSchema.optional(), email: z.email().optional(), password: passwordSchema })
        .refine(({ phone, email }) => (phone === undefined) !== (email === undefined), {
          path: ["phone"],
          message: "give either phone or email",
        }),
    )
    .output(
      z.object({
        accessToken: z.string(),
        refreshToken: z.string(),
        expiresIn: z.int(),
        user: z.object({
          id: z.string(),
          type: z.enum(["customer", "driver", "operator"]),
          name: z.string(),
          email: z.string().nullable(),
          phone: z.string().nullable(),
        }),
      }),
    )
    .mutation(async ({ ctx, input: { phone, email = "", password } }) => {
      await enforceNamedLimit(ctx, "auth.login", `${ctx.ip} ${phone ?? email.toLowerCase()}`);
      return ctx.app.identity.login(phone === undefined ? { email } : { phone }, password);
    }),
});
