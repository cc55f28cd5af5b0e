"use client";

import { useRouter } from "next/navigation";
import { signOut } from "next-auth/react";
import { Button } from "#components/ui/button.tsx";
import { PasswordSection } from "./password-section.tsx";

/** All that an invited operator sees until the password that somebody else has seen is changed. */
export function FirstPassword({ name }: { name: string }) {
  const router = useRouter();
  return (
    <main className="mx-auto max-w-xl space-y-4 p-6">
      <header className="space-y-1">
        <h1 className="font-semibold text-lg">Choose your own password</h1>
        <p className="text-ink-2 text-sm">
          Welcome, {name}. Whoever invited you has seen the password you signed in with. Choose another one, and the
          console opens.
        </p>
      </header>
      <div className="-mx-4">
        <PasswordSection onChanged={() => router.refresh()} />
      </div>
      <Button onClick={() => void signOut({ callbackUrl: "/sign-in" })}>Sign out</Button>
    </main>
  );
}
