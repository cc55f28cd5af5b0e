import { z } from "zod";
import { DomainError } from "#server/contracts/errors.ts";
import { idSchema } from "#server/contracts/ids.ts";
import type { SignInRequest } from "#server/domain/identity/identity-service.ts";
import { signInName } from "#server/domain/limits/limit-subject.ts";
import { type RequestContext, router } from "#server/trpc/init.ts";
import { ownAccountProcedure, publicProcedure } from "#server/trpc/middleware/procedures.ts";
import { enforceNamedLimit, giveLimitBack } from "#server/trpc/middleware/rate-limit.ts";

const phoneSchema = z.string().regex(/^\+[1-9]\d{6,14}$/, "an international number like +201100000001");
const passwordSchema = z.string().min(1).max(256);
const codeSchema = z.string().regex(/^\d{6}$/, "six digits");
const nameSchema = z.string().trim().min(1).max(80);
const documentSchema = z.string().trim().min(4).max(40);

const signedInSchema = z.object({
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
});

export const requestOf = ({ ip, userAgent, requestId }: RequestContext): SignInRequest => ({
  ip,
  device: userAgent,
  requestId,
});

/** SMS_NOT_CONFIGURED instead of a promise of a code that nobody can get. */
function assertCodesReach({ app }: RequestContext): void {
  if (!app.notifications.canSendCodes)
    throw new DomainError(
      "SMS_NOT_CONFIGURED",
      "This server cannot send codes by SMS. Sign in with a password, or ask its operators to set up an SMS provider.",
    );
}

export const authRouter = router({
  login: publicProcedure({ limit: "auth.login" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/auth/login", summary: "Sign in with phone or email and password" },
    })
    .input(
      z
        .strictObject({
          phone: phoneSchema.optional(),
          email: z.email().optional(),
          password: passwordSchema,
          totp: z.string().max(20).optional(),
          captchaToken: z.string().min(1).max(4096).optional(),
        })
        .refine(({ phone, email }) => (phone === undefined) !== (email === undefined), {
          path: ["phone"],
          message: "give either phone or email",
        }),
    )
    .output(signedInSchema)
    .mutation(async ({ ctx, input: { phone, email = "", ...proofs } }) => {
      const account = phone === undefined ? { email: email.toLowerCase() } : { phone };
      await enforceNamedLimit(ctx, "auth.login", signInName(ctx.ip, phone ?? email));
      return ctx.app.identity.login(account, proofs, requestOf(ctx));
    }),

  requestCode: publicProcedure({ limit: "otp.generate" })
    .meta({
      openapi: { method: "POST", path: "/api/v1/auth/otp", status: 202, summary: "Ask for a sign-in code by SMS" },
    })
    .input(z.strictObject({ phone: phoneSchema }))
    .output(z.object({ status: z.literal("accepted"), expiresIn: z.int() }))
    .mutation(async ({ ctx, input: { phone } }) => {
      assertCodesReach(ctx);
      await enforceNamedLimit(ctx, "otp.generate", phone);
      await ctx.app.identity.codes.request("sign_in", phone);
      return { status: "accepted" as const, expiresIn: 300 };
    }),

  verifyCode: publicProcedure({ limit: "otp.verify" })
    .meta({ openapi: { method: "POST", path: "/api/v1/auth/otp/verify", summary: "Sign in with a code from an SMS" } })
    .input(z.strictObject({ phone: phoneSchema, code: codeSchema }))
    .output(signedInSchema)
    .mutation(async ({ ctx, input: { phone, code } }) => {
      await enforceNamedLimit(ctx, "otp.verify", phone);
      return ctx.app.identity.loginByCode(phone, code, requestOf(ctx));
    }),

  register: publicProcedure({ limit: "auth.register" })
    .meta({
      openapi: {
        method: "POST",
        path: "/api/v1/auth/register",
        status: 202,
        summary: "Ask for a new account; a code by SMS confirms it",
      },
    })
    .input(
      z
        .strictObject({
          type: z.enum(["customer", "driver"]),
          phone: phoneSchema,
          password: passwordSchema,
          firstName: nameSchema,
          lastName: nameSchema,
          licenceNumber: documentSchema.optional(),
          identityNumber: documentSchema.optional(),
        })
        .refine(({ type, licenceNumber, identityNumber }) => type === "driver" || !(licenceNumber || identityNumber), {
          path: ["type"],
          message: "only drivers have licence and identity numbers here",
        }),
    )
    .output(z.object({ registrationId: z.string(), status: z.literal("code_sent"), expiresIn: z.int() }))
    .mutation(async ({ ctx, input }) => {
      assertCodesReach(ctx);
      const registrationId = await ctx.app.identity.registrations.begin(input, () =>
        enforceNamedLimit(ctx, "otp.generate", input.phone),
      );
      return { registrationId, status: "code_sent" as const, expiresIn: 300 };
    }),

  verifyRegistration: publicProcedure({ limit: "otp.verify" })
    .meta({
      openapi: {
        method: "POST",
        path: "/api/v1/auth/register/verify",
        status: 201,
        summary: "Confirm a new account with the code from the SMS, and sign in",
      },
    })
    .input(z.strictObject({ registrationId: idSchema, code: codeSchema }))
    .output(signedInSchema)
    .mutation(async ({ ctx, input: { registrationId, code } }) => {
      await enforceNamedLimit(ctx, "otp.verify", registrationId);
      return ctx.app.identity.finishRegistration(registrationId, code, requestOf(ctx));
    }),

  refresh: publicProcedure({ limit: "public" })
    .meta({
      openapi: {
        method: "POST",
        path: "/api/v1/auth/refresh",
        summary: "Exchange a refresh token for a new pair; the old one dies, and its reuse ends the session",
      },
    })
    .input(z.strictObject({ refreshToken: z.string().min(1).max(200) }))
    .output(signedInSchema)
    .mutation(async ({ ctx, input }) => {
      const { sessions } = ctx.app.identity;
      const renewed = await sessions.refresh(input.refreshToken, requestOf(ctx), ctx.idempotencyKey);
      // Thousands of phones may share one carrier's address: only failures are held against it.
      await giveLimitBack(ctx, "public");
      return renewed;
    }),

  logout: ownAccountProcedure({ withFirstPassword: true })
    .meta({ openapi: { method: "POST", path: "/api/v1/auth/logout", summary: "End this session" } })
    .input(z.strictObject({}))
    .output(z.object({ ended: z.boolean() }))
    .mutation(async ({ ctx }) => {
      const { sessionId } = ctx.actor;
      if (sessionId === undefined) return { ended: false };
      const { identity } = ctx.app;
      return { ended: await identity.endSession(ctx.actor, sessionId, "operator.sign_out", requestOf(ctx)) };
    }),

  changePassword: ownAccountProcedure({ limit: "auth.password", withFirstPassword: true })
    .meta({
      openapi: {
        method: "POST",
        path: "/api/v1/auth/password",
        summary: "Change the password: every other token and session ends",
      },
    })
    .input(z.strictObject({ oldPassword: passwordSchema, newPassword: passwordSchema }))
    .output(z.object({ accessToken: z.string(), expiresIn: z.int(), sessionsEnded: z.int() }))
    .mutation(async ({ ctx, input }) => ({
      ...(await ctx.app.identity.changePassword(ctx.actor, input, requestOf(ctx))),
      expiresIn: ctx.app.tokens.accessTokenSeconds,
    })),

  sessions: ownAccountProcedure()
    .meta({ openapi: { method: "GET", path: "/api/v1/auth/sessions", summary: "Where one is signed in" } })
    .input(z.strictObject({}))
    .output(
      z.object({
        sessions: z.array(
          z.object({
            id: z.string(),
            kind: z.enum(["app", "console"]),
            device: z.string().nullable(),
            ip: z.string().nullable(),
            createdAt: z.string(),
            lastUsedAt: z.string(),
            expiresAt: z.string(),
            current: z.boolean(),
          }),
        ),
      }),
    )
    .query(async ({ ctx }) => {
      const sessions = await ctx.app.identity.sessions.list(ctx.actor.id);
      return {
        sessions: sessions.map(({ createdAt, lastUsedAt, expiresAt, ...session }) => ({
          ...session,
          createdAt: createdAt.toISOString(),
          lastUsedAt: lastUsedAt.toISOString(),
          expiresAt: expiresAt.toISOString(),
          current: session.id === ctx.actor.sessionId,
        })),
      };
    }),

  revokeSession: ownAccountProcedure()
    .meta({
      openapi: { method: "POST", path: "/api/v1/auth/sessions/{id}/revoke", summary: "End one of one's own sessions" },
    })
    .input(z.strictObject({ id: idSchema }))
    .output(z.object({ ended: z.boolean() }))
    .mutation(async ({ ctx, input }) => {
      const { identity } = ctx.app;
      if (await identity.endSession(ctx.actor, input.id, "operator.session_ended", requestOf(ctx)))
        return { ended: true };
      throw new DomainError("NOT_FOUND", "You have no such session, or it has ended already.");
    }),
});
