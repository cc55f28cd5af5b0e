/**
 * The one table of error codes. REST, tRPC, sockets and job retries all read it; `errors.test.ts` holds
 * tRPC's own status for each `trpc` key equal to `http` where the two could disagree.
 */
export type TrpcCode =
  | "BAD_REQUEST"
  | "UNAUTHORIZED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "METHOD_NOT_SUPPORTED"
  | "CONFLICT"
  | "PAYLOAD_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "UNPROCESSABLE_CONTENT"
  | "TOO_MANY_REQUESTS"
  | "SERVICE_UNAVAILABLE"
  | "INTERNAL_SERVER_ERROR";

interface ErrorSpec {
  readonly trpc: TrpcCode;
  readonly http: number;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** Whether `detail` may be shown to the caller; otherwise only the title is. */
  readonly expose: boolean;
  readonly title: string;
}

const spec = (trpc: TrpcCode, http: number, title: string, retryable = false, expose = true): ErrorSpec => ({
  trpc,
  http,
  title,
  retryable,
  expose,
});

export const ERRORS = {
  VALIDATION_FAILED: spec("BAD_REQUEST", 400, "The request is not valid"),
  IDEMPOTENCY_KEY_REQUIRED: spec("BAD_REQUEST", 400, "An Idempotency-Key header is required"),
  INVALID_SIGNATURE: spec("BAD_REQUEST", 400, "The signature does not match"),
  SIGNATURE_EXPIRED: spec("BAD_REQUEST", 400, "The signature's time is not near ours"),
  SIGNATURE_REPLAYED: spec("BAD_REQUEST", 400, "This nonce was used before"),
  SIGNATURE_REQUIRED: spec("UNAUTHORIZED", 401, "This call must be signed"),
  UNAUTHENTICATED: spec("UNAUTHORIZED", 401, "Sign in first"),
  SECOND_FACTOR_REQUIRED: spec("UNAUTHORIZED", 401, "A second factor is needed"),
  CAPTCHA_REQUIRED: spec("FORBIDDEN", 403, "Solve the challenge first"),
  PASSWORD_CHANGE_REQUIRED: spec("FORBIDDEN", 403, "Change your first password"),
  FORBIDDEN: spec("FORBIDDEN", 403, "Not allowed"),
  NOT_FOUND: spec("NOT_FOUND", 404, "Not found"),
  METHOD_NOT_ALLOWED: spec("METHOD_NOT_SUPPORTED", 405, "This path does not take this method"),
  TRIP_ALREADY_ASSIGNED: spec("CONFLICT", 409, "Another driver has this trip"),
  VERSION_CONFLICT: spec("CONFLICT", 409, "The trip changed meanwhile"),
  DRIVER_NOT_AVAILABLE: spec("CONFLICT", 409, "The driver cannot take this trip"),
  QUOTE_EXPIRED: spec("CONFLICT", 409, "The quoted price is no longer held"),
  ALREADY_REVIEWED: spec("CONFLICT", 409, "You have reviewed this trip"),
  INVALID_TRANSITION: spec("CONFLICT", 409, "The trip's state does not allow this"),
  IDEMPOTENCY_IN_PROGRESS: spec("CONFLICT", 409, "The first request with this key is still running", true),
  PAYLOAD_TOO_LARGE: spec("PAYLOAD_TOO_LARGE", 413, "The body is too large"),
  UNSUPPORTED_MEDIA_TYPE: spec("UNSUPPORTED_MEDIA_TYPE", 415, "Send application/json"),
  IDEMPOTENCY_KEY_REUSED: spec("UNPROCESSABLE_CONTENT", 422, "This key was used with another request"),
  OUTSIDE_SERVICE_AREA: spec("UNPROCESSABLE_CONTENT", 422, "We do not serve this place yet"),
  RATE_LIMIT_EXCEEDED: spec("TOO_MANY_REQUESTS", 429, "Too many requests", true),
  HIGH_DEMAND: spec("SERVICE_UNAVAILABLE", 503, "Too much demand right now", true),
  DB_READ_ONLY: spec("SERVICE_UNAVAILABLE", 503, "Changes are paused for a moment", true),
  GATEWAY_NOT_CONFIGURED: spec("SERVICE_UNAVAILABLE", 503, "This payment gateway is not configured"),
  SMS_NOT_CONFIGURED: spec("SERVICE_UNAVAILABLE", 503, "No SMS provider is configured"),
  SERVICE_UNAVAILABLE: spec("SERVICE_UNAVAILABLE", 503, "The service is not available right now", true, false),
  INTERNAL: spec("INTERNAL_SERVER_ERROR", 500, "Something went wrong on our side", true, false),
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** One field that was refused: where (a JSON path like `pickup.lat`) and why. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/**
 * The one error the domain throws: a code of the table, a detail for people, never a transport's error.
 * An outcome that is no fault (a lost accept) is a value, not one of these.
 */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly code: ErrorCode;
  readonly fields: readonly FieldError[] | undefined;
  /** Seconds after which a retry makes sense, when known. */
  readonly retryAfterSeconds: number | undefined;
  /** The request that got this answer first: a replayed error is the same bytes. */
  readonly replayOf: string | undefined;
  /** Members that the answer has besides: what a caller needs to go on. */
  readonly more: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    options: {
      cause?: unknown;
      fields?: readonly FieldError[];
      retryAfterSeconds?: number;
      replayOf?: string;
      more?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.replayOf = options.replayOf;
    this.more = options.more;
  }
}

/** RFC 9457 problem details, as every API error body has it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly instance: string;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
  readonly [more: string]: unknown;
}
