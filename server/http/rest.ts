import type { Hono } from "hono";
import { DomainError } from "#server/contracts/errors.ts";
import { type DoorEnv, respond } from "#server/http/door.ts";
import { readJson, signedRequest } from "#server/http/request.ts";
import type { ProcedureMeta } from "#server/trpc/init.ts";
import { countUnread } from "#server/trpc/middleware/rate-limit.ts";
import { appRouter } from "#server/trpc/root.ts";
import { type BuiltProcedure, callerOf } from "#server/trpc/run-procedure.ts";

type OpenApi = NonNullable<ProcedureMeta["openapi"]>;

interface RestProcedure {
  readonly path: string;
  readonly openapi: OpenApi;
  readonly meta: ProcedureMeta;
  readonly procedure: BuiltProcedure;
}

/** Every procedure that has a REST door. */
export function restProcedures(): RestProcedure[] {
  const procedures = appRouter._def.procedures as unknown as Record<string, BuiltProcedure>;
  return Object.entries(procedures).flatMap(([path, procedure]) => {
    const { meta } = procedure._def;
    return meta?.openapi === undefined ? [] : [{ path, openapi: meta.openapi, meta, procedure }];
  });
}

/** Query parameters as an object, `__proto__` being a name like any other; a repeated one is a list. */
function queryOf({ searchParams }: URL): Record<string, unknown> {
  return Object.fromEntries(
    [...new Set(searchParams.keys())].map((name) => {
      const values = searchParams.getAll(name);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

/**
 * Mounts one Hono route per procedure with `meta.openapi`, once, at start: the procedure is called with all its chain, so
 * REST and tRPC share every middleware. Path, query (GET) and body (POST) are one input; unknown fields are refused by it.
 */
export function mountRest(hono: Hono<DoorEnv>): void {
  for (const { path, openapi, meta, procedure } of restProcedures()) {
    const { limit = "general" } = meta;
    const call = callerOf(path, procedure);
    const route = openapi.path.replaceAll(/\{(\w+)\}/g, ":$1");
    hono.on(openapi.method, route, (c) =>
      respond(c, route, (ctx) =>
        countUnread(ctx, limit, async () => {
          const sent = openapi.method === "GET" ? queryOf(new URL(c.req.url)) : await readJson(c, ctx);
          if (openapi.method === "GET") ctx.signature.request = signedRequest(c, new Uint8Array());
          const params = c.req.param() as Record<string, string>;
          const clash = Object.keys(params).find((name) => name in sent);
          if (clash !== undefined)
            throw new DomainError("VALIDATION_FAILED", "The request is not valid; see errors.", {
              fields: [{ path: clash, message: "unknown field" }],
            });
          if (openapi.status !== undefined) ctx.reply.status = openapi.status;
          return call(ctx, { ...sent, ...params });
        }),
      ),
    );
  }
}
