import { DomainError } from "#server/contracts/errors.ts";
import { type DeclaredLimit, LIMITS, type LimitScope, MAX_BATCH_CALLS } from "#server/contracts/limits.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import type { Admission, AdmittedWindow } from "#server/domain/limits/limit-service.ts";
import { addressSubject, type LimitSubject, namedSubject, personSubject } from "#server/domain/limits/limit-subject.ts";
import { sha256Hex } from "#server/platform/crypto.ts";
import { asTrpcError, domainErrorOf, type RequestContext } from "#server/trpc/init.ts";

const GENERAL = { customer: "user", driver: "driver", operator: "admin" } as const satisfies Record<
  Actor["type"],
  LimitScope
>;

interface EnforceOptions {
  /** Names an operation that may be retried: its retries count as general calls. */
  readonly operation?: string | null;
  /** Whether a refused call does nothing new: it then counts as a general one. */
  readonly pardon?: () => Promise<boolean>;
}

/**
 * Counts the call under its scope; RATE_LIMIT_EXCEEDED once it is used up. A scope that is counted by name is left to
 * `enforceNamedLimit`: until the name is read, the address stands for it.
 */
export async function enforceLimit(
  ctx: RequestContext,
  limit: DeclaredLimit,
  actor: Actor | null,
  { operation = null, pardon }: EnforceOptions = {},
): Promise<void> {
  if (limit === "general") return enforceGeneralLimit(ctx, actor);
  const { by } = LIMITS[limit];
  if (by === "named") return enforceAddressLimit(ctx, "auth.address");
  const subject = by === "actor" && actor !== null ? personSubject(actor) : addressSubject(ctx.ip);
  const hashed = operation === null ? null : sha256Hex(operation).slice(0, 32);
  const admission = await ctx.app.limits.take(limit, subject, { operation: hashed });
  if (admission === null) return;
  ctx.admissions.set(limit, Promise.resolve(admission));
  if (admission.verdict === "repeat") return enforceGeneralLimit(ctx, actor);
  // Without the common store there are no locks to look at either, and nobody should wait to be told so.
  const asks = admission.verdict === "refused" && !admission.insured;
  if (asks && (await pardon?.()) === true) return enforceGeneralLimit(ctx, actor);
  settle(ctx, admission);
}

async function enforceAddressLimit(ctx: RequestContext, scope: LimitScope): Promise<void> {
  const admission = await ctx.app.limits.take(scope, addressSubject(ctx.ip));
  ctx.admissions.set(scope, Promise.resolve(admission));
  settle(ctx, admission);
}

/** Who asks. A request of nobody's is counted by its address: looking at tokens costs something too. */
export async function authenticated(ctx: RequestContext): Promise<Actor> {
  try {
    return await ctx.authenticate();
  } catch (error) {
    if (domainErrorOf(error).code === "UNAUTHENTICATED")
      settle(ctx, await takeOnce(ctx, "unauthenticated", addressSubject(ctx.ip)));
    throw error;
  }
}

/** Once for each HTTP request, however many procedures a batch of the console's calls. */
async function enforceGeneralLimit(ctx: RequestContext, actor: Actor | null): Promise<void> {
  settle(ctx, await takeGeneral(ctx, actor));
}

const takeGeneral = (ctx: RequestContext, actor: Actor | null) =>
  actor === null
    ? takeOnce(ctx, "public", addressSubject(ctx.ip))
    : takeOnce(ctx, GENERAL[actor.type], personSubject(actor));

function takeOnce(ctx: RequestContext, scope: LimitScope, subject: LimitSubject): Promise<Admission | null> {
  const known = ctx.admissions.get(scope);
  if (known !== undefined) return known;
  const admission = ctx.app.limits.take(scope, subject);
  ctx.admissions.set(scope, admission);
  return admission;
}

/**
 * Counts a request whose answer is a stream: its headers go before its procedures run. What is wrong with the request,
 * each of its procedures says itself; but as it counts once, more than a page's calls are refused, and all but one of
 * who is no operator: else a batch would be a way around every limit.
 */
export async function countStreamed(ctx: RequestContext, calls: number): Promise<void> {
  const actor = await ctx.authenticate().catch(() => null);
  const admission = actor === null ? null : await takeGeneral(ctx, actor);
  if (admission !== null) Object.assign(ctx.reply.headers, limitHeaders(admission));
  const most = actor === null || actor.type === "operator" ? MAX_BATCH_CALLS : 1;
  if (calls > most)
    throw asTrpcError(new DomainError("VALIDATION_FAILED", `One request may hold ${most} call(s), not ${calls}.`));
}

/** For scopes by what the caller names: a phone, an account. */
export async function enforceNamedLimit(ctx: RequestContext, scope: LimitScope, name: string): Promise<void> {
  const admission = await ctx.app.limits.take(scope, namedSubject(name));
  if (admission === null) return;
  ctx.admissions.set(scope, Promise.resolve(admission));
  settle(ctx, admission);
}

/**
 * The work of a door that reads the request itself: what it refuses before a procedure has counted it is counted all the
 * same, so that a flood of unreadable requests is a flood.
 */
export async function countUnread<T>(ctx: RequestContext, limit: DeclaredLimit, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (ctx.admissions.size > 0) throw error;
    if (limit !== "general" && LIMITS[limit].by !== "actor") await enforceLimit(ctx, limit, null);
    else await enforceLimit(ctx, limit, await authenticated(ctx));
    throw error;
  }
}

/** The call did nothing new: what it was counted under `scope` is given back. */
export async function giveLimitBack(ctx: RequestContext, scope: LimitScope): Promise<void> {
  const admission = await ctx.admissions.get(scope);
  if (admission != null) ctx.app.limits.giveBack(admission);
}

/** Tells the caller in the answer's headers; throws for a refusal. */
function settle(ctx: RequestContext, admission: Admission | null): void {
  if (admission === null) return;
  Object.assign(ctx.reply.headers, limitHeaders(admission));
  if (admission.verdict === "refused") throw ctx.app.limits.refusal(admission);
}

/** Both families: the customary three for the tightest window, the standard's structured fields for all. */
function limitHeaders({ scope, windows, tightest, retryAfterSeconds, at }: Admission): Record<string, string> {
  if (tightest === null) return {};
  const named = windows.map((window) => ({ ...window, name: policyName(scope, windows, window) }));
  return {
    ...(retryAfterSeconds === null ? {} : { "Retry-After": String(retryAfterSeconds) }),
    "X-RateLimit-Limit": String(tightest.points),
    "X-RateLimit-Remaining": String(tightest.remaining),
    "X-RateLimit-Reset": String(Math.ceil(at.getTime() / 1000) + tightest.resetSeconds),
    "RateLimit-Policy": named.map(({ name, points, per }) => `"${name}";q=${points};w=${per}`).join(", "),
    RateLimit: named
      .map(({ name, remaining, resetSeconds }) => `"${name}";r=${remaining};t=${resetSeconds}`)
      .join(", "),
  };
}

const policyName = (scope: LimitScope, windows: readonly AdmittedWindow[], { per }: AdmittedWindow) =>
  windows.length === 1 ? scope : `${scope}.${per}`;
