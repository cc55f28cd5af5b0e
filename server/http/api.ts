import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { Hono } from "hono";
import type { AppContext } from "#server/context.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { mountCompat } from "#server/http/compat.ts";
import type { DoorEnv } from "#server/http/door.ts";
import { mountHealth } from "#server/http/health.ts";
import { sendProblem } from "#server/http/problem.ts";
import { assertBodySize, peerOf, requestContexts, requestIdOf } from "#server/http/request.ts";
import { mountRest } from "#server/http/rest.ts";
import { domainErrorOf } from "#server/trpc/init.ts";
import { appRouter } from "#server/trpc/root.ts";

/** All that is not a page: REST, the older paths, tRPC, health and metrics. */
export function createApi(app: AppContext): Hono<DoorEnv> {
  const hono = new Hono<DoorEnv>();
  const contexts = requestContexts(app);

  hono.use(async (c, next) => {
    const requestId = requestIdOf(c.req.header("x-request-id"));
    c.set("app", app);
    c.set("contexts", contexts);
    c.set("requestId", requestId);
    await next();
    c.res.headers.set("X-Request-Id", requestId);
    c.res.headers.set("X-Content-Type-Options", "nosniff");
    if (!c.res.headers.has("Cache-Control")) c.res.headers.set("Cache-Control", "no-store");
  });

  mountHealth(hono, app);
  hono.all("/api/trpc/*", (c) => {
    assertBodySize(c.req.raw.headers);
    // The console's client always announces its length; without one there is nothing to hold the body to.
    if (c.req.header("transfer-encoding") !== undefined)
      throw new DomainError("VALIDATION_FAILED", "Send a Content-Length.");
    return fetchRequestHandler({
      endpoint: "/api/trpc",
      req: c.req.raw,
      router: appRouter,
      responseMeta: ({ ctx }) => ({ headers: new Headers(ctx?.reply.headers) }),
      createContext: () => contexts({ headers: c.req.raw.headers, requestId: c.get("requestId"), ip: peerOf(c) }),
    });
  });
  mountRest(hono);
  mountCompat(hono);

  hono.notFound((c) =>
    sendProblem(
      c,
      new DomainError("NOT_FOUND", `There is no ${c.req.method} ${new URL(c.req.url).pathname}.`),
      c.get("requestId"),
    ),
  );
  hono.onError((thrown, c) => {
    const error = domainErrorOf(thrown);
    app.logger.error({ err: error.cause ?? error, requestId: c.get("requestId") }, "request failed");
    return sendProblem(c, error, c.get("requestId"));
  });
  return hono;
}
