import { initTRPC, TRPCError } from "@trpc/server";
import superjson from "superjson";
import { ZodError } from "zod";
import type { AppContext } from "#server/context.ts";
import { DomainError, ERRORS, type ErrorCode, type FieldError } from "#server/contracts/errors.ts";
import type { DeclaredLimit, LimitScope } from "#server/contracts/limits.ts";
import type { Permission } from "#server/contracts/permissions.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import type { Admission } from "#server/domain/limits/limit-service.ts";
import type { SignedRequest } from "#server/domain/signing/request-signature.ts";
import { databaseProblem } from "#server/platform/db.ts";
import type { LineLogger } from "#server/platform/logger.ts";
import { logRefusal } from "#server/trpc/security-log.ts";
import { assertStorable } from "#server/trpc/storable-input.ts";

/** What a procedure knows of the request, whichever door it came through. */
export interface RequestContext {
  readonly app: AppContext;
  readonly requestId: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly logger: LineLogger;
  /** Who asks; throws UNAUTHENTICATED with the reason when there is no valid token or session. */
  readonly authenticate: () => Promise<Actor>;
  /** Whether who asks is still who they were, and allowed in: what lasts longer than a request asks again. */
  readonly isStillGood: () => boolean;
  readonly idempotencyKey: string | null;
  /** The request as its app signed it; null: it carries no signature. Written by the door that has its bytes. */
  readonly signature: { request: SignedRequest | null };
  /** What the limits said to this request, by scope. */
  readonly admissions: Map<LimitScope, Promise<Admission | null>>;
  /** What the answer carries besides its body: set by middleware, written by the door. */
  readonly reply: { readonly headers: Record<string, string>; status?: number };
  /** Of a stream: aborted when its operator no longer holds what it needs. */
  readonly lost?: AbortSignal;
}

/** Who may call at all. `app`: a customer or a driver; `anyone`: whoever is signed in. */
export type Audience = "public" | "anyone" | "customer" | "driver" | "app" | "operator";

/** What every procedure says of itself, in its first line; `declarations.test.ts` walks them all. */
export interface ProcedureMeta {
  readonly auth?: Audience;
  /** What an operator must hold; null: any operator, or no operator's procedure. */
  readonly permission?: Permission | null;
  readonly limit?: DeclaredLimit;
  /** `required`: without an Idempotency-Key the call is refused; `optional`: it is heeded when sent. */
  readonly idempotency?: "required" | "optional" | "none";
  /** The action's name in the audit log; null: nothing is changed, or not by an operator. */
  readonly audit?: string | null;
  /** The REST door: mounted by `http/rest.ts`. Path parameters as `{name}`. */
  readonly openapi?: {
    readonly method: "GET" | "POST";
    readonly path: `/api/v1/${string}`;
    readonly status?: number;
    readonly summary: string;
  };
}

/** The platform's error behind whatever was thrown: ours, a validation, or a fault that is only logged. */
export function domainErrorOf(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof TRPCError) {
    if (error.cause instanceof DomainError) return error.cause;
    if (error.cause instanceof ZodError)
      return new DomainError("VALIDATION_FAILED", "The request is not valid; see errors.", {
        cause: error,
        fields: fieldErrors(error.cause),
      });
    if (error.code === "NOT_FOUND")
      return new DomainError("NOT_FOUND", "There is no such operation.", { cause: error });
    if (error.code === "METHOD_NOT_SUPPORTED")
      return new DomainError("METHOD_NOT_ALLOWED", "Queries are asked for with GET, changes with POST.", {
        cause: error,
      });
    if (error.code === "PARSE_ERROR" || error.code === "BAD_REQUEST")
      return new DomainError("VALIDATION_FAILED", "The request could not be read.", { cause: error });
    return domainErrorOf(error.cause ?? new Error(error.message));
  }
  if (error instanceof ZodError)
    return new DomainError("VALIDATION_FAILED", "The request is not valid; see errors.", {
      cause: error,
      fields: fieldErrors(error),
    });
  return (
    databaseProblem(error) ??
    new DomainError("INTERNAL", "Something went wrong on our side. Nothing is lost; try again.", { cause: error })
  );
}

function fieldErrors(error: ZodError): FieldError[] {
  return error.issues.flatMap((issue): FieldError[] => {
    const path = issue.path.join(".");
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ path: path === "" ? key : `${path}.${key}`, message: "unknown field" }));
    return [{ path, message: issue.message }];
  });
}

/** What a caller may see of an error. */
export function shownDetail(error: DomainError): string {
  return ERRORS[error.code].expose ? error.message : ERRORS[error.code].title;
}

const t = initTRPC
  .context<RequestContext>()
  .meta<ProcedureMeta>()
  .create({
    transformer: superjson,
    sse: { ping: { enabled: true, intervalMs: 5000 }, client: { reconnectAfterInactivityMs: 15_000 } },
    errorFormatter({ shape, error }) {
      const domain = domainErrorOf(error);
      const { stack: _stack, ...data } = shape.data;
      return {
        ...shape,
        message: shownDetail(domain),
        data: { ...data, domainCode: domain.code as ErrorCode, fields: domain.fields ?? null, ...domain.more },
      };
    },
  });

export const router = t.router;
export const createCallerFactory = t.createCallerFactory;

export const asTrpcError = (domain: DomainError) =>
  new TRPCError({ code: ERRORS[domain.code].trpc, message: shownDetail(domain), cause: domain });

/**
 * First in every chain: input that cannot be stored is refused, and the domain's errors leave as tRPC errors with the
 * table's status. One middleware, for each costs an accept a copy of its context.
 */
const outermost = t.middleware(async ({ next, ctx, path, type, getRawInput }) => {
  try {
    if (type !== "subscription") assertStorable(await getRawInput());
  } catch (error) {
    const domain = domainErrorOf(error);
    await logRefusal(ctx, path, domain);
    throw asTrpcError(domain);
  }
  const result = await next();
  if (result.ok) return result;
  const domain = domainErrorOf(result.error);
  await logRefusal(ctx, path, domain);
  if (domain.code === "INTERNAL")
    ctx.logger.error({ err: result.error.cause ?? result.error, procedure: path }, "unexpected error");
  throw asTrpcError(domain);
});

export const procedure = t.procedure.use(outermost);
