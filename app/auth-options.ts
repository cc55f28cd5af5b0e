import type { AuthOptions, DefaultSession, Session } from "next-auth";
import { getServerSession } from "next-auth";
import credentials from "next-auth/providers/credentials";
import { z } from "zod";
import { serverContext } from "#server/context-access.ts";
import type { DomainError } from "#server/contracts/errors.ts";
import { ownAddress } from "./callback-url.ts";

const EIGHT_HOURS_S = 8 * 3600;

interface SignedInOperator {
  id: string;
  readonly sessionId: string;
  readonly roles: readonly string[];
}

declare module "next-auth" {
  interface Session {
    user: SignedInOperator & { name: string; email: string } & Omit<
        NonNullable<DefaultSession["user"]>,
        "name" | "email"
      >;
  }
  interface User extends SignedInOperator {}
}

declare module "next-auth/jwt" {
  interface JWT extends SignedInOperator {}
}

/** What the sign-in page is told beside "wrong": a code of ours, and for a CAPTCHA what it takes to draw one. */
function wordsFor(error: unknown): string | null {
  const { code, more, retryAfterSeconds } = (error ?? {}) as Partial<DomainError>;
  if (code === "SECOND_FACTOR_REQUIRED") return code;
  if (code === "CAPTCHA_REQUIRED") return `${code} ${JSON.stringify(more)}`;
  if (code === "RATE_LIMIT_EXCEEDED") return `Too many tries. Wait ${retryAfterSeconds ?? 60} seconds.`;
  return code === "SERVICE_UNAVAILABLE" ? "Nobody can sign in at this moment. Try again in a few seconds." : null;
}

const blankIsNone = (text: string) => text || undefined;
/** What the sign-in page sends. Anyone can send anything else: JSON too, in which a field need not be text. */
const givenSchema = z.object({
  email: z.string().trim().max(254).pipe(z.email()),
  password: z.string().min(1).max(256),
  totp: z.string().max(20).transform(blankIsNone).optional(),
  captchaToken: z.string().max(4096).transform(blankIsNone).optional(),
});

const first = (header: unknown): string | null => (typeof header === "string" && header !== "" ? header : null);

/** Built for each request: the context exists only once the server has started, not while Next builds. */
export function authOptions(sent: Headers | null = null): AuthOptions {
  const { identity, config, limits, logger } = serverContext();
  return {
    secret: config.auth.secret,
    session: { strategy: "jwt", maxAge: EIGHT_HOURS_S },
    pages: { signIn: "/sign-in", error: "/sign-in" },
    providers: [
      credentials({
        name: "Email and password",
        credentials: { email: { type: "email" }, password: { type: "password" }, totp: {}, captchaToken: {} },
        async authorize(fields, { headers = {} }) {
          const given = givenSchema.safeParse(fields);
          if (!given.success) return null;
          const { email, ...proofs } = given.data;
          const request = {
            ip: first(headers["x-client-address"]),
            device: first(headers["user-agent"]),
            requestId: first(headers["x-request-id"]) ?? "console",
          };
          try {
            const by = { ip: request.ip, account: email };
            return { ...(await limits.signIn(by, () => identity.signInOperator(email, proofs, request))) };
          } catch (error) {
            const words = wordsFor(error);
            if (words !== null) throw new Error(words);
            if ((error as { code?: string }).code === "UNAUTHENTICATED") return null;
            // The page shows an error's words to whoever asked: they must be ours.
            logger.error({ err: error, requestId: request.requestId }, "console sign-in failed");
            throw new Error("Signing in failed on our side. Try again in a few seconds.");
          }
        },
      }),
    ],
    events: {
      async signOut({ token }) {
        if (!token?.sessionId) return;
        const { id, sessionId, name, roles } = token;
        const actor = { type: "operator", id, sessionId, name: name ?? "", role: roles[0] ?? "" } as const;
        const request = {
          ip: first(sent?.get("x-client-address")),
          requestId: first(sent?.get("x-request-id")) ?? "console",
        };
        await identity.endSession(actor, sessionId, "operator.sign_out", request);
      },
    },
    callbacks: {
      redirect: ({ url, baseUrl }) => ownAddress(url, baseUrl),
      jwt({ token, user }) {
        if (!user) return token;
        const { id, sessionId, roles } = user;
        return { ...token, id, sessionId, roles };
      },
      session({ session, token }) {
        const { id, sessionId, roles } = token;
        return {
          ...session,
          user: { id, sessionId, name: token.name ?? "", email: token.email ?? "", roles },
        };
      },
    },
  };
}

/** The signed-in operator's session; null when there is none, or it was ended, or the account was. */
export async function consoleSession(): Promise<Session | null> {
  const session = await getServerSession(authOptions());
  if (!session?.user?.sessionId) return null;
  const { id, sessionId } = session.user;
  return (await serverContext().identity.consoleGrant(id, sessionId)) === null ? null : session;
}
