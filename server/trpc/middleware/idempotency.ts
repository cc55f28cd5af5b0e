import { TRPCError } from "@trpc/server";
import { DomainError, ERRORS, type ErrorCode, type FieldError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import { type OpenClaim, resultJson } from "#server/domain/idempotency/open-claim.ts";
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
  readonly failure: {
    readonly code: ErrorCode;
    readonly detail: string;
    readonly requestId: string;
    readonly fields?: readonly FieldError[];
  };
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

/** What the procedure is given of its key. */
interface Operation {
  /** The same for every execution under one key: what is created takes it for its id, and is so created once. */
  readonly operationId: string;
  /** To be handed to `remember` in the transaction that does the work; null without a key. */
  readonly claim: OpenClaim | null;
}

/** Runs `work` once for each key; the key's scope is (actor, operation, key). See decision 0009. */
export async function runOnce<R extends { readonly ok: boolean }>(
  { ctx, mode, actor, path, getRawInput }: OneCall,
  work: (operation: Operation) => Promise<R>,
): Promise<R> {
  if (ctx.idempotencyKey === null) {
    if (mode === "required")
      throw new DomainError(
        "IDEMPOTENCY_KEY_REQUIRED",
        "Send an Idempotency-Key header: one new value for each new request, the same one when you retry.",
      );
    return work({ operationId: newId(), claim: null });
  }
  const { idempotency } = ctx.app;
  const claim = await idempotency.claim({
    actorId: actor.id,
    operation: path,
    key: readKey(ctx.idempotencyKey),
    input: await getRawInput(),
    status: ctx.reply.status ?? 200,
  });
  if (claim.kind === "replay") {
    ctx.reply.headers["X-Idempotent-Replay"] = "true";
    const stored: unknown = JSON.parse(claim.result.body);
    if (isFailure(stored)) {
      const { code, detail, requestId, fields } = stored.failure;
      throw new DomainError(code, detail, { replayOf: requestId, ...(fields === undefined ? {} : { fields }) });
    }
    // What answered nothing is stored as null.
    return { ok: true as const, data: stored ?? undefined, marker: "middlewareMarker" as never, ctx } as never;
  }
  const { open } = claim;
  const result = (await work({ operationId: open.id, claim: open })) as R & {
    readonly data?: unknown;
    readonly error?: unknown;
  };
  if (result.ok) {
    const body = resultJson(result.data);
    if (open.stored !== body) await idempotency.finish(open, { status: open.status, body });
    return result;
  }
  const error = domainErrorOf(result.error);
  if (STORED_FAILURES.includes(error.code)) {
    const body = JSON.stringify({
      failure: {
        code: error.code,
        detail: error.message,
        requestId: ctx.requestId,
        ...(error.fields === undefined ? {} : { fields: error.fields }),
      },
    } satisfies StoredFailure);
    await idempotency.finish(open, { status: ERRORS[error.code].http, body });
  } else {
    // What could not be given back ends with its lease; the caller is told what went wrong first.
    await idempotency.giveUp(open).catch((err: unknown) => ctx.logger.warn({ err }, "idempotency key not given back"));
  }
  throw new TRPCError({ code: ERRORS[error.code].trpc, message: error.message, cause: error });
}
