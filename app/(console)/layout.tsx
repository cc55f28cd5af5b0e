import { cookies } from "next/headers";
import type { ReactNode } from "react";
import { FirstPassword } from "#components/account/first-password.tsx";
import { DataProvider } from "#components/data/data-provider.tsx";
import { OperatorProvider } from "#components/session/operator.tsx";
import { ToSignIn } from "#components/session/to-sign-in.tsx";
import { Shell } from "#components/shell/shell.tsx";
import { serverContext } from "#server/context-access.ts";
import { consoleSession } from "../auth-options.ts";

/** No room is drawn without a session of somebody who still may sign in. Every procedure checks again: this only spares a signed-out person the shell. */
export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  // Read first: it tells Next that this cannot be drawn while building, when there is no server context yet.
  const railCollapsed = (await cookies()).get("rail")?.value === "narrow";
  const session = await consoleSession();
  if (session === null) return <ToSignIn />;
  const { access } = serverContext();
  if (await access.mustChangePassword(session.user.id))
    return (
      <DataProvider>
        <FirstPassword name={session.user.name} />
      </DataProvider>
    );
  const held = await access.of(session.user.id);
  if (held === null) return <ToSignIn />;
  const { id, name, email, title, permissions } = held;
  return (
    <DataProvider>
      <OperatorProvider operator={{ id, name, email: email ?? "", roles: [title], permissions: [...permissions] }}>
        <Shell railCollapsed={railCollapsed}>{children}</Shell>
      </OperatorProvider>
    </DataProvider>
  );
}
