"use client";

import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import type { Me } from "#server/contracts/console.ts";
import type { Permission } from "#server/contracts/permissions.ts";

/** A role that changed shows in what is offered this soon; the server refuses it at once. */
const REFRESH_MS = 15_000;
const OperatorContext = createContext<Me | null>(null);

/** `operator`: as the server drew the page; read again from then on. */
export function OperatorProvider({ operator, children }: { operator: Me; children: ReactNode }) {
  const trpc = useTRPC();
  const me = useQuery({
    ...trpc.session.me.queryOptions(),
    initialData: operator,
    refetchInterval: REFRESH_MS,
  });
  return <OperatorContext value={me.data}>{children}</OperatorContext>;
}

export function useOperator(): Me {
  const operator = useContext(OperatorContext);
  if (!operator) throw new Error("useOperator outside the console's layout");
  return operator;
}

/** Only decides what is offered: the server checks every call on its own. */
export function useCan(permission: Permission): boolean {
  return useOperator().permissions.includes(permission);
}
