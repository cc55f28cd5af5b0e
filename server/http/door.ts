import type { ServerResponse } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import type { AppContext } from "#server/context.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { sendProblem } from "#server/http/problem.ts";
import type { ClientAddressOf, RequestContextFactory } from "#server/http/request.ts";
import { writeHeldHead } from "#server/http/security.ts";
import { domainErrorOf, type RequestContext } from "#server/trpc/init.ts";

/** The apps give up after 7 s, and then nobody would hear the answer. */
const ANSWER_WITHIN_MS = 6500;

/** `work`, or the error that says that nobody knows yet: what it began may still come about. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new DomainError(
            "SERVICE_UNAVAILABLE",
            "This took too long, and may or may not have been done. Ask again, with the same Idempotency-Key.",
            { retryAfterSeconds: 2 },
          ),
        ),
      ANSWER_WITHIN_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface DoorEnv {
  Variables: { app: AppContext; contexts: RequestContextFactory; clientAddress: ClientAddressOf; requestId: string };
}

/**
 * Straight to the socket: a `Response`, its headers and its body's stream cost as much as the rest of a small answer. What
 * the outer middleware and the guard add to other answers is added here.
 */
function sendJson(
  c: Context<DoorEnv>,
  status: number,
  headers: Readonly<Record<string, string>>,
  result: unknown,
): Response {
  const body = JSON.stringify(result);
  const { outgoing } = c.env as unknown as HttpBindings;
  const head = ["Content-Type", "application/json", "Content-Length", String(Buffer.byteLength(body))];
  for (const name of Object.keys(headers)) head.push(name, headers[name] ?? "");
  if (headers["Cache-Control"] === undefined) head.push("Cache-Control", "no-store");
  writeHeldHead(outgoing as ServerResponse, status, head);
  outgoing.end(body);
  return RESPONSE_ALREADY_SENT;
}

/**
 * Every JSON door: makes the request's context, runs the work, writes its result (a `Response` as it is), times and logs it. `onError` writes
 * errors in the door's own dialect; problem+json unless given.
 */
export async function respond(
  c: Context<DoorEnv>,
  route: string,
  work: (ctx: RequestContext) => Promise<unknown>,
  onError: (c: Context, error: DomainError, requestId: string) => Response = sendProblem,
): Promise<Response> {
  const app = c.get("app");
  const started = performance.now();
  const requestId = c.get("requestId");
  const ctx = c.get("contexts")({ headers: c.req.raw.headers, requestId, ip: c.get("clientAddress")(c) });
  let response: Response;
  try {
    const result = await inTime(work(ctx));
    if (result instanceof Response) {
      response = result;
      for (const [name, value] of Object.entries(ctx.reply.headers)) response.headers.set(name, value);
    } else response = sendJson(c, ctx.reply.status ?? 200, ctx.reply.headers, result);
  } catch (thrown) {
    const error = domainErrorOf(thrown);
    if (error.code === "INTERNAL") ctx.logger.error({ err: error.cause ?? error, route }, "request failed");
    response = onError(c, error, requestId);
    for (const [name, value] of Object.entries(ctx.reply.headers)) response.headers.set(name, value);
  }
  const ms = performance.now() - started;
  const status = response === RESPONSE_ALREADY_SENT ? (ctx.reply.status ?? 200) : response.status;
  app.metrics.httpRequest.observe({ method: c.req.method, route, status }, ms / 1000);
  if (status >= 500 || app.logger.isLevelEnabled("debug")) {
    const line = { method: c.req.method, route, status, ms: Math.round(ms * 10) / 10, ...c.req.param() };
    ctx.logger[status >= 500 ? "warn" : "debug"](line, "request");
  }
  return response;
}
