"use client";

import { createContext, type ReactNode, useContext } from "react";
import type { Permission } from "#server/contracts/permissions.ts";

export interface Operator {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

const OperatorContext = createContext<Operator | null>(null);

export function OperatorProvider({ operator, children }: { operator: Operator; children: ReactNode }) {
  return <OperatorContext value={operator}>{children}</OperatorContext>;
}

export function useOperator(): Operator {
  const operator = useContext(OperatorContext);
  if (!operator) throw new Error("useOperator outside the console's layout");
  return operator;
}

/** Only decides what is offered: the server checks every call on its own. */
export function useCan(permission: Permission): boolean {
  return useOperator().permissions.includes(permission);
}
