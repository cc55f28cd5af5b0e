import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { Hono } from "hono";
import { ConfigError } from "#server/config/env.ts";
import type { AppContext } from "#server/context.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { mountAuditExport } from "#server/http/audit-export.ts";
import { mountCompat } from "#server/http/compat.ts";
import type { DoorEnv } from "#server/http/door.ts";
import { mountHealth } from "#server/http/health.ts";
import { mountOpenApi } from "#server/http/openapi/mount.ts";
import { sendProblem } from "#server/http/problem.ts";
import {
  assertBodySize,
  clientAddresses,
  isJson,
  maxBodyBytesOf,
  requestContexts,
  requestIdOf,
} from "#server/http/request.ts";
import { mountRest, restProcedures } from "#server/http/rest.ts";
import { mountSocketStats } from "#server/http/socket-stats.ts";
import { mountWebhooks } from "#server/http/webhooks.ts";
import { mountWellKnown } from "#server/http/well-known.ts";
import { domainErrorOf } from "#server/trpc/init.ts";
import { countStreamed } from "#server/trpc/middleware/rate-limit.ts";
import { appRouter } from "#server/trpc/root.ts";

/** The methods that some route takes at this path. */
function methodsAt(hono: Hono<DoorEnv>, pathname: string): string[] {
  const methods = hono.routes.flatMap(({ method, path }) => {
    if (method === "ALL") return [];
    const pattern = path.replaceAll(/[.]/g, "\\.").replaceAll(/:\w+/g, "[^/]+");
    return new RegExp(`^${pattern}$`).test(pathname) ? [method] : [];
  });
  const taken = new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])));
  return taken.size === 0 ? [] : [...[...taken].sort(), "OPTIONS"];
}

/** All that is not a page: REST, the older paths, webhooks, tRPC, health and metrics. */
export function createApi(app: AppContext): Hono<DoorEnv> {
  const hono = new Hono<DoorEnv>();
  const contexts = requestContexts(app);
  const clientAddress = clientAddresses(app.config.http.trustedProxies);

  hono.use(async (c, next) => {
    const requestId = requestIdOf(c.req.header("x-request-id"));
    c.set("app", app);
    c.set("contexts", contexts);
    c.set("clientAddress", clientAddress);
    c.set("requestId", requestId);
    await next();
    if (c.res === RESPONSE_ALREADY_SENT) return;
    c.res.headers.set("X-Request-Id", requestId);
    if (!c.res.headers.has("Cache-Control")) c.res.headers.set("Cache-Control", "no-store");
  });

  mountHealth(hono, app);
  mountWellKnown(hono, app);
  mountSocketStats(hono);
  hono.all("/api/trpc/*", (c) => {
    assertBodySize(c.req.raw.headers, maxBodyBytesOf(c.req.path));
    // A form on another site can send text and forms, but no JSON.
    if (c.req.method === "POST" && !isJson(c.req.header("content-type")))
      throw new DomainError("UNSUPPORTED_MEDIA_TYPE", "Send application/json.");
    // Signed is what an app sends to REST. Here it could be neither checked nor left unheeded.
    if (c.req.header("x-signature") !== undefined)
      throw new DomainError("INVALID_SIGNATURE", "Signed requests go to the REST paths, not to tRPC.");
    // The console's client always announces its length; without one there is nothing to hold the body to.
    if (c.req.header("transfer-encoding") !== undefined)
      throw new DomainError("VALIDATION_FAILED", "Send a Content-Length.");
    return fetchRequestHandler({
      endpoint: "/api/trpc",
      req: c.req.raw,
      router: appRouter,
      // A file of zones to be previewed is a question, and too long for an address.
      allowMethodOverride: true,
      createContext: async ({ info }) => {
        const ctx = contexts({ headers: c.req.raw.headers, requestId: c.get("requestId"), ip: clientAddress(c) });
        await countStreamed(ctx, info.calls.length);
        return ctx;
      },
      responseMeta: ({ ctx }) => ({ headers: new Headers(ctx?.reply.headers) }),
    });
  });
  const known = new Set(restProcedures().map(({ path }) => path));
  const unknown = [...app.config.signedOperations].filter((name) => !known.has(name));
  // A misspelt name would ask nobody for a signature.
  if (unknown.length > 0)
    throw new ConfigError(
      `SIGNED_OPERATIONS: no call is named ${unknown.join(", ")}; there are ${[...known].join(", ")}`,
    );
  mountRest(hono);
  mountAuditExport(hono);
  mountCompat(hono);
  mountWebhooks(hono);
  mountOpenApi(hono, app);

  hono.notFound((c) => {
    const { pathname } = new URL(c.req.url);
    const methods = methodsAt(hono, pathname);
    if (methods.length === 0)
      return sendProblem(
        c,
        new DomainError("NOT_FOUND", `There is no ${c.req.method} ${pathname}. All there is: /api/docs.`),
        c.get("requestId"),
      );
    const allow = methods.join(", ");
    // Without a word of CORS: other sites' pages may not call us.
    if (c.req.method === "OPTIONS") return c.body(null, 204, { Allow: allow });
    const error = new DomainError("METHOD_NOT_ALLOWED", `${pathname} takes ${allow}.`);
    const response = sendProblem(c, error, c.get("requestId"));
    response.headers.set("Allow", allow);
    return response;
  });
  hono.onError((thrown, c) => {
    const error = domainErrorOf(thrown);
    app.logger.error({ err: error.cause ?? error, requestId: c.get("requestId") }, "request failed");
    return sendProblem(c, error, c.get("requestId"));
  });
  return hono;
}
