import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import type { DeclaredLimit } from "#server/contracts/limits.ts";
import type { Permission } from "#server/contracts/permissions.ts";
import { canonicalJson } from "#server/domain/idempotency/idempotency-service.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import { type Audience, asTrpcError, procedure, type RequestContext } from "#server/trpc/init.ts";
import { runOnce } from "#server/trpc/middleware/idempotency.ts";
import { authenticated, enforceLimit, giveLimitBack } from "#server/trpc/middleware/rate-limit.ts";
import { assertSignature } from "#server/trpc/middleware/signature.ts";

/**
 * The chain every procedure stands in, declared in its first line: who may call, what they must hold, how often, whether
 * a retry is recognised, and under which name the audit log keeps it. One middleware does all of it, in that order;
 * validation comes after, so that a refused caller learns nothing and a flood of bad input is a flood all the same.
 */
interface Declaration {
  readonly limit: DeclaredLimit;
  readonly idempotency: "required" | "optional" | "none";
}

interface DriverDeclaration extends Declaration {
  /** Whether a call beyond the limit only repeats what the caller did: it then counts as a general one. */
  readonly pardon?: (ctx: RequestContext, actor: Actor, input: unknown) => Promise<boolean>;
}

interface OperatorDeclaration extends Declaration {
  /** null: any operator. */
  readonly permission: Permission | null;
  /** The action's name in the audit log; null: nothing is changed. */
  readonly audit: string | null;
}

type Operator = Extract<Actor, { type: "operator" }>;
type AppUser = Exclude<Actor, Operator>;

const forbidden = (detail: string) => new DomainError("FORBIDDEN", detail);
const REFUSALS: Readonly<Record<Exclude<Audience, "public" | "anyone">, string>> = {
  app: "This is for the apps; operators use the console.",
  customer: "Only customers may do this.",
  driver: "Only drivers may do this.",
  operator: "Only operators may do this.",
};

async function admit<A extends Actor>(
  ctx: RequestContext,
  audience: keyof typeof REFUSALS | "anyone",
  { limit, idempotency, pardon }: DriverDeclaration,
  { path, getRawInput }: { readonly path: string; readonly getRawInput: () => Promise<unknown> },
): Promise<A> {
  const actor = await authenticated(ctx);
  const key = idempotency === "none" ? null : ctx.idempotencyKey;
  await enforceLimit(ctx, limit, actor, {
    // With its input: another request under the same key is no retry.
    operation: key === null ? null : `${path} ${key} ${canonicalJson(await getRawInput())}`,
    ...(pardon === undefined ? {} : { pardon: async () => pardon(ctx, actor, await getRawInput()) }),
  });
  await assertSignature(ctx, path, actor);
  if (audience === "anyone") return actor as A;
  if (audience === "app" ? actor.type === "operator" : actor.type !== audience) throw forbidden(REFUSALS[audience]);
  return actor as A;
}

const appGuard = <A extends AppUser>(
  audience: "app" | "customer" | "driver",
  { pardon, ...declared }: DriverDeclaration,
) =>
  procedure
    .meta({ auth: audience, permission: null, audit: null, ...declared })
    .use(async ({ ctx, next, path, getRawInput }) => {
      const guarded = pardon === undefined ? declared : { ...declared, pardon };
      const actor = await admit<A>(ctx, audience, guarded, { path, getRawInput });
      if (declared.idempotency === "none") return next({ ctx: { actor, operationId: newId(), claim: null } });
      return runOnce({ ctx, mode: declared.idempotency, actor, path, getRawInput }, (operation) =>
        next({ ctx: { actor, ...operation } }),
      );
    });

/** Anyone, signed in or not. */
export const publicProcedure = (declared: { readonly limit: DeclaredLimit }) =>
  procedure
    .meta({ auth: "public", permission: null, audit: null, idempotency: "none", ...declared })
    .use(async ({ ctx, next, path }) => {
      await enforceLimit(ctx, declared.limit, null);
      await assertSignature(ctx, path, null);
      const result = await next();
      // Many people may share an address: those who prove who they are do not shut it for the others.
      if (result.ok && (declared.limit === "auth.login" || declared.limit === "otp.verify"))
        await giveLimitBack(ctx, "auth.address");
      return result;
    });

/**
 * Whoever is signed in, with their own account. Answers may hold tokens, so none is kept for a retry.
 * `withFirstPassword`: also an operator who has not changed the password they were invited with.
 */
export const ownAccountProcedure = ({
  limit = "general",
  withFirstPassword = false,
}: {
  readonly limit?: DeclaredLimit;
  readonly withFirstPassword?: boolean;
} = {}) =>
  procedure
    .meta({ auth: "anyone", permission: null, audit: null, idempotency: "none", limit })
    .use(async ({ ctx, next, path, getRawInput }) => {
      const actor = await admit<Actor>(ctx, "anyone", { limit, idempotency: "none" }, { path, getRawInput });
      if (actor.type === "operator" && !withFirstPassword) await ctx.app.access.assert(actor.id, null);
      return next({ ctx: { actor } });
    });

/** A customer or a driver. */
export const appProcedure = (declared: Declaration) => appGuard<AppUser>("app", declared);
export const customerProcedure = (declared: Declaration) =>
  appGuard<AppUser & { type: "customer" }>("customer", declared);
export const driverProcedure = (declared: DriverDeclaration) =>
  appGuard<AppUser & { type: "driver" }>("driver", declared);

interface Stream {
  readonly actor: Operator;
  readonly permission: Permission | null;
  readonly lost: AbortController;
}

/** A stream outlives its check: it ends, with the reason, as soon as its operator no longer holds what it needs. */
async function* whileHeld(data: unknown, ctx: RequestContext, { actor, permission, lost }: Stream) {
  const refusal = () => asTrpcError(lost.signal.reason as DomainError);
  const stop = ctx.app.access.watch(() => {
    ctx.app.access.assert(actor.id, permission).catch((error: unknown) => {
      // A database that is away takes nothing from anyone.
      if (error instanceof DomainError) lost.abort(error);
    });
  });
  const stopListening = ctx.app.revocations.onChange(() => {
    if (!ctx.isStillGood()) lost.abort(new DomainError("UNAUTHENTICATED", "This session was ended. Sign in again."));
  });
  try {
    for await (const item of data as AsyncIterable<unknown>) {
      if (lost.signal.aborted) throw refusal();
      yield item;
    }
    if (lost.signal.aborted) throw refusal();
  } finally {
    stop();
    stopListening();
  }
}

/** An operator who holds `permission`. What changes something names the `audit` action that it is kept under. */
export const operatorProcedure = ({
  permission,
  audit,
  limit = "general",
  idempotency = audit === null ? "none" : "optional",
}: Pick<OperatorDeclaration, "permission" | "audit"> & Partial<Declaration>) => {
  const declared: OperatorDeclaration = { permission, audit, limit, idempotency };
  return procedure.meta({ auth: "operator", ...declared }).use(async ({ ctx, next, path, type, getRawInput }) => {
    const actor = await admit<Operator>(ctx, "operator", declared, { path, getRawInput });
    const { permissions: held } = await ctx.app.access.assert(actor.id, permission);
    if (type === "subscription") {
      const lost = new AbortController();
      const result = await next({ ctx: { actor, held, auditAction: "", claim: null, lost: lost.signal } });
      return result.ok ? { ...result, data: whileHeld(result.data, ctx, { actor, permission, lost }) } : result;
    }
    if (declared.idempotency === "none") return next({ ctx: { actor, held, auditAction: audit ?? "", claim: null } });
    return runOnce({ ctx, mode: declared.idempotency, actor, path, getRawInput }, ({ claim }) =>
      next({ ctx: { actor, held, auditAction: audit ?? "", claim } }),
    );
  });
};

/** What an operator only looks at. */
export const operatorQuery = (permission: Permission | null) => operatorProcedure({ permission, audit: null });
