import { TRPCError } from "@trpc/server";
import { DomainError, ERRORS, type ErrorCode } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import type { Actor } from "#server/domain/identity/tokens.ts";
import { domainErrorOf, type RequestContext } from "#server/trpc/init.ts";

/** Outcomes that a retry must see again. All other failures left nothing behind: the retry does the work. */
const STORED_FAILURES: readonly ErrorCode[] = [
  "OUTSIDE_SERVICE_AREA",
  "INVALID_TRANSITION",
  "TRIP_ALREADY_ASSIGNED",
  "VERSION_CONFLICT",
  "DRIVER_NOT_AVAILABLE",
];

/** 1–255 visible characters, plain or as a quoted string (the standard's form). */
function readKey(header: string): string {
  const quoted = /^"(.*)"$/.exec(header);
  const key = quoted?.[1] ?? header;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    const fields = [{ path: "Idempotency-Key", message: "1 to 255 visible characters" }];
    throw new DomainError("VALIDATION_FAILED", "The Idempotency-Key header is not valid.", { fields });
  }
  return key;
}

interface StoredFailure {
  readonly failure: { readonly code: ErrorCode; readonly detail: string; readonly requestId: string };
}
const isFailure = (value: unknown): value is StoredFailure =>
  typeof value === "object" && value !== null && "failure" in value;

interface OneCall {
  readonly ctx: RequestContext;
  readonly mode: "required" | "optional";
  readonly actor: Actor;
  /** The operation. */
  readonly path: string;
  readonly getRawInput: () => Promise<unknown>;
}

/**
 * Runs `work` once for each key; the key's scope is (actor, operation, key). `operationId` is the same for every
 * execution under one key: what is created takes it for its id, and is so created once.
 */
export async function runOnce<R extends { readonly ok: boolean }>(
  { ctx, mode, actor, path, getRawInput }: OneCall,
  work: (operationId: string) => Promise<R>,
): Promise<R> {
  if (ctx.idempotencyKey === null) {
    if (mode === "required")
      throw new DomainError(
        "IDEMPOTENCY_KEY_REQUIRED",
        "Send an Idempotency-Key header: one new value for each new request, the same one when you retry.",
      );
    return work(newId());
  }
  const request = { actorId: actor.id, operation: path, key: readKey(ctx.idempotencyKey), input: await getRawInput() };
  const claim = await ctx.app.idempotency.claim(request);
  if (claim.kind === "replay") {
    ctx.reply.headers["X-Idempotent-Replay"] = "true";
    ctx.reply.status = claim.result.status;
    const stored: unknown = JSON.parse(claim.result.body);
    if (isFailure(stored)) {
      throw new DomainError(stored.failure.code, stored.failure.detail, { replayOf: stored.failure.requestId });
    }
    return { ok: true as const, data: stored, marker: "middlewareMarker" as never, ctx } as never;
  }
  // The claim's id outlives its lease: work that is done under it is found again when a crash makes us do it twice.
  const result = (await work(claim.id)) as R & { readonly data?: unknown; readonly error?: unknown };
  if (result.ok) {
    await ctx.app.idempotency.finish(claim, { status: ctx.reply.status ?? 200, body: JSON.stringify(result.data) });
    return result;
  }
  const error = domainErrorOf(result.error);
  if (STORED_FAILURES.includes(error.code)) {
    const body = JSON.stringify({
      failure: { code: error.code, detail: error.message, requestId: ctx.requestId },
    } satisfies StoredFailure);
    await ctx.app.idempotency.finish(claim, { status: ERRORS[error.code].http, body });
  } else {
    await ctx.app.idempotency.giveUp(claim);
  }
  throw new TRPCError({ code: ERRORS[error.code].trpc, message: error.message, cause: error });
}
