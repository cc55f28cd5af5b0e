import type { Hono } from "hono";
import { type DoorEnv, respond } from "#server/http/door.ts";
import { createCaller } from "#server/trpc/root.ts";

const ROUTE = "/ws/stats";

/** `GET /ws/stats`: who is connected, over all gateways; whichever process is asked. Who may ask is the procedure's to say. */
export function mountSocketStats(hono: Hono<DoorEnv>): void {
  hono.get(ROUTE, (c) => respond(c, ROUTE, async (ctx) => Response.json(await createCaller(ctx).drivers.sockets())));
}
