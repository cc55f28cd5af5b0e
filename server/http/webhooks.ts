import type { Context, Hono } from "hono";
import { DomainError } from "#server/contracts/errors.ts";
import { GATEWAYS, type Gateway } from "#server/contracts/payments.ts";
import { type DoorEnv, respond } from "#server/http/door.ts";
import { readBytes } from "#server/http/request.ts";
import { enforceNamedLimit } from "#server/trpc/middleware/rate-limit.ts";

const MAX_DELIVERY_BYTES = 1024 * 1024;
const ROUTE = "/api/webhooks/:gateway";

const isGateway = (name: string): name is Gateway => (GATEWAYS as readonly string[]).includes(name);

function gatewayOf(c: Context): Gateway {
  const name = c.req.param("gateway") ?? "";
  if (!isGateway(name)) throw new DomainError("NOT_FOUND", `There is no gateway "${name.slice(0, 40)}".`);
  return name;
}

/** Query parameters; a repeated one stays a list, which no verifier takes for a value. */
const queryOf = ({ searchParams }: URL) =>
  Object.fromEntries(
    [...new Set(searchParams.keys())].map((name) => {
      const values = searchParams.getAll(name);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );

/** `POST /api/webhooks/{gateway}`: the bytes as they came, verified and kept before they are answered. Anyone may knock. */
export function mountWebhooks(hono: Hono<DoorEnv>): void {
  hono.post(ROUTE, (c) =>
    respond(c, ROUTE, async (ctx) => {
      const gateway = gatewayOf(c);
      // By address too: whoever floods us with forged deliveries uses up nothing of the gateway's own.
      await enforceNamedLimit(ctx, "webhook", `${gateway} ${ctx.ip ?? ""}`);
      const rawBody = await readBytes(c, MAX_DELIVERY_BYTES);
      const status = await ctx.app.webhooks.receive(gateway, {
        rawBody,
        headers: Object.fromEntries(c.req.raw.headers),
        query: queryOf(new URL(c.req.url)),
        ip: ctx.ip,
        requestId: ctx.requestId,
      });
      return { status };
    }),
  );
}
