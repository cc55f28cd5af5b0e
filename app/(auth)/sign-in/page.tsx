import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { SignInForm } from "#components/session/sign-in-form.tsx";
import { BrandMark } from "#components/shell/brand-mark.tsx";
import { serverContext } from "#server/context-access.ts";
import { consoleSession } from "../../auth-options.ts";

export const metadata: Metadata = { title: "Sign in" };

interface SignInPageProps {
  searchParams: Promise<{ callbackUrl?: string; ended?: string; error?: string }>;
}

/** Only a path of ours: a link must not send a person elsewhere after signing in. */
function safePath(callbackUrl: string | undefined): string {
  return callbackUrl && /^\/(?![/\\])/.test(callbackUrl) ? callbackUrl : "/map";
}

export default async function SignInPage({ searchParams }: SignInPageProps) {
  const { callbackUrl, ended, error } = await searchParams;
  const to = safePath(callbackUrl);
  if (await consoleSession()) redirect(to);
  return (
    <main className="grid min-h-dvh content-center justify-items-center bg-canvas px-4 py-10">
      <div className="w-full max-w-84">
        <div className="mb-6 flex items-center gap-2.5">
          <BrandMark className="size-7" />
          <span className="font-semibold text-lg">SmartLine Ops</span>
        </div>
        <h1 className="font-semibold text-xl">Sign in</h1>
        <p className="mt-1 mb-5 text-muted">Dispatch and operations console</p>
        <SignInForm
          to={to}
          demo={serverContext().config.demo}
          notice={
            ended ? "Your session ended. Sign in to go on where you were." : error ? "Sign-in failed. Try again." : null
          }
        />
      </div>
    </main>
  );
}
