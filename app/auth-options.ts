import type { AuthOptions, DefaultSession } from "next-auth";
import credentials from "next-auth/providers/credentials";
import { serverContext } from "#server/context-access.ts";

const EIGHT_HOURS_S = 8 * 3600;

interface SignedInOperator {
  id: string;
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

/** Built for each request: the context exists only once the server has started, not while Next builds. */
export function authOptions(): AuthOptions {
  const { identity, config } = serverContext();
  return {
    secret: config.auth.secret,
    session: { strategy: "jwt", maxAge: EIGHT_HOURS_S },
    pages: { signIn: "/sign-in", error: "/sign-in" },
    providers: [
      credentials({
        name: "Email and password",
        credentials: { email: { type: "email" }, password: { type: "password" } },
        async authorize(given) {
          if (!given?.email || !given.password) return null;
          const operator = await identity.signInOperator({ email: given.email, password: given.password });
          return operator && { ...operator };
        },
      }),
    ],
    callbacks: {
      jwt({ token, user }) {
        return user ? { ...token, id: user.id, roles: user.roles } : token;
      },
      session({ session, token }) {
        return {
          ...session,
          user: {
            id: token.id,
            name: token.name ?? "",
            email: token.email ?? "",
            roles: token.roles,
          },
        };
      },
    },
  };
}
