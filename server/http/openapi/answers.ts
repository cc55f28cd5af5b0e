import { DomainError, ERRORS, type ErrorCode } from "#server/contracts/errors.ts";
import { problemOf } from "#server/http/problem.ts";
import type { JsonSchema } from "./schemas.ts";

const CODES = Object.keys(ERRORS) as ErrorCode[];

/** Names of the answers, by status: one component each, with an example for every code that has it. */
const NAMES: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthenticated",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  413: "PayloadTooLarge",
  415: "UnsupportedMediaType",
  422: "Unprocessable",
  429: "TooManyRequests",
  500: "InternalError",
  503: "Unavailable",
};

const header = (description: string, schema: JsonSchema, example: unknown) => ({ description, schema, example });
const integer = { type: "integer", minimum: 0 };

export const HEADERS = {
  RequestId: header(
    "This request's id: name it when you report a problem.",
    { type: "string" },
    "3f6c1c1e-7d0e-4d7b-9a53-6f3f0a1d2b4c",
  ),
  IdempotentReplay: header(
    "`true` when the answer is the stored one of an earlier request with this Idempotency-Key.",
    { type: "string", enum: ["true"] },
    "true",
  ),
  RateLimitLimit: header("Calls that the tightest limit allows.", integer, 10),
  RateLimitRemaining: header("Calls that are left of it.", integer, 9),
  RateLimitReset: header("When it starts anew, in seconds since 1970.", integer, 1_795_000_060),
  RateLimitPolicy: header(
    "The limits that were counted, as the standard writes them.",
    { type: "string" },
    '"trip.accept";q=10;w=60',
  ),
  RateLimit: header("What is left of them, as the standard writes it.", { type: "string" }, '"trip.accept";r=9;t=42'),
  RetryAfter: header("Seconds to wait before the next try.", { type: "integer", minimum: 1 }, 30),
};

const use = (name: keyof typeof HEADERS) => ({ $ref: `#/components/headers/${name}` });
export const REQUEST_ID_HEADER = { "X-Request-Id": use("RequestId") };
const LIMIT_HEADERS = {
  "X-RateLimit-Limit": use("RateLimitLimit"),
  "X-RateLimit-Remaining": use("RateLimitRemaining"),
  "X-RateLimit-Reset": use("RateLimitReset"),
  "RateLimit-Policy": use("RateLimitPolicy"),
  RateLimit: use("RateLimit"),
};

/** Headers of a call's answer. */
export const answerHeaders = (replayable: boolean) => ({
  ...REQUEST_ID_HEADER,
  ...LIMIT_HEADERS,
  ...(replayable ? { "X-Idempotent-Replay": use("IdempotentReplay") } : {}),
});

export const PROBLEM_SCHEMAS = {
  Problem: {
    type: "object",
    description: "RFC 9457. `code` is for programs and does not change; `detail` is for people and may.",
    required: ["type", "title", "status", "code", "detail", "instance", "requestId"],
    properties: {
      type: { type: "string", format: "uri" },
      title: { type: "string" },
      status: { type: "integer" },
      code: { $ref: "#/components/schemas/ErrorCode" },
      detail: { type: "string" },
      instance: { type: "string", description: "The path that was called." },
      requestId: { type: "string" },
      errors: {
        type: "array",
        description: "The fields that were refused.",
        items: {
          type: "object",
          required: ["path", "message"],
          properties: { path: { type: "string", examples: ["pickup.lat"] }, message: { type: "string" } },
        },
      },
    },
  },
  ErrorCode: { type: "string", description: "See the table of codes.", enum: CODES },
};

function exampleOf(code: ErrorCode): { summary: string; value: unknown } {
  const { title } = ERRORS[code];
  const fields =
    code === "VALIDATION_FAILED"
      ? { fields: [{ path: "pickup.lat", message: "expected number, received string" }] }
      : {};
  const at = { instance: "/api/v1/trips", requestId: HEADERS.RequestId.example as string };
  return { summary: title, value: problemOf(new DomainError(code, `${title}.`, fields), at) };
}

const ofStatus = (status: number) => CODES.filter((code) => ERRORS[code].http === status);

/** One answer for each status of the table of errors. */
export function problemResponses(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(NAMES).map(([status, name]) => {
      const codes = ofStatus(Number(status));
      const waits = status === "429" || status === "503" || status === "409";
      return [
        name,
        {
          description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join("; "),
          headers: {
            ...REQUEST_ID_HEADER,
            ...(status === "429" ? LIMIT_HEADERS : {}),
            ...(waits ? { "Retry-After": use("RetryAfter") } : {}),
          },
          content: {
            "application/problem+json": {
              schema: { $ref: "#/components/schemas/Problem" },
              examples: Object.fromEntries(codes.map((code) => [code, exampleOf(code)])),
            },
          },
        },
      ];
    }),
  );
}

export const problems = (statuses: readonly number[]): Record<string, { $ref: string }> =>
  Object.fromEntries(statuses.map((status) => [String(status), { $ref: `#/components/responses/${NAMES[status]}` }]));

/** Every code with its status, for people. */
export function codesTable(): string {
  const rows = CODES.map(
    (code) =>
      `| \`${code}\` | ${ERRORS[code].http} | ${ERRORS[code].title} | ${ERRORS[code].retryable ? "yes" : "no"} |`,
  );
  return [
    "| code | status | meaning | the same request may succeed later |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}
