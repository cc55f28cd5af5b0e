import { z } from "zod";
import { router } from "#server/trpc/init.ts";
import { publicProcedure } from "#server/trpc/middleware/auth.ts";

const phoneSchema = z.string().regex(/^\+[1-9]\d{6,14}$/, "an international number like +201100000001");
const passwordSchema = z.string().min(1).max(256);

export const authRouter = router({
  login: publicProcedure
    .meta({
      openapi: { method: "POST", path: "/api/v1/auth/login", summary: "Sign in with phone or email and password" },
    })
    .input(
      z.union([
        z.strictObject({ phone: phoneSchema, password: passwordSchema }),
        z.strictObject({ email: z.email(), password: passwordSchema }),
      ]),
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
    .mutation(({ ctx, input }) =>
      ctx.app.identity.login("phone" in input ? { phone: input.phone } : { email: input.email }, input.password),
    ),
});
