import type { Context } from "hono";
import { type DomainError, ERRORS, type Problem } from "#server/contracts/errors.ts";
import { shownDetail } from "#server/trpc/init.ts";

export function problemOf(error: DomainError, at: { readonly instance: string; readonly requestId: string }): Problem {
  const spec = ERRORS[error.code];
  const problem = {
    ...error.more,
    type: `https://smartline.example/problems/${error.code.toLowerCase().replaceAll("_", "-")}`,
    title: spec.title,
    status: spec.http,
    code: error.code,
    detail: shownDetail(error),
    instance: at.instance,
    requestId: error.replayOf ?? at.requestId,
  };
  return error.fields === undefined ? problem : { ...problem, errors: error.fields };
}

/** Seconds a caller should wait, for errors that pass. */
export function retryAfter(error: DomainError): number | null {
  if (error.retryAfterSeconds !== undefined) return Math.max(1, Math.ceil(error.retryAfterSeconds));
  return ERRORS[error.code].http === 503 ? 2 : null;
}

/** `application/problem+json` (RFC 9457). */
export function sendProblem(c: Context, error: DomainError, requestId: string): Response {
  const headers: Record<string, string> = { "Content-Type": "application/problem+json" };
  const wait = retryAfter(error);
  if (wait !== null) headers["Retry-After"] = String(wait);
  if (error.code === "UNAUTHENTICATED") headers["WWW-Authenticate"] = "Bearer";
  const body = JSON.stringify(problemOf(error, { instance: new URL(c.req.url).pathname, requestId }));
  return c.body(body, ERRORS[error.code].http as 400, headers);
}
