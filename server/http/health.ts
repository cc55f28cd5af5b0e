import type { Hono } from "hono";
import type { AppContext } from "#server/context.ts";
import type { DoorEnv } from "#server/http/door.ts";
import { equalInConstantTime } from "#server/platform/crypto.ts";
import { databaseOutage, sqlStateOf } from "#server/platform/db.ts";
import { seldom } from "#server/platform/seldom.ts";

interface Check {
  readonly status: "up" | "down" | "standalone" | "degraded";
  readonly latencyMs: number | null;
  readonly detail?: string;
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

async function checkRedis(app: AppContext): Promise<Check> {
  if (app.redis === null)
    return { status: "standalone", latencyMs: null, detail: "no REDIS_URL: one process, jobs in PostgreSQL" };
  if (!app.redis.isReady())
    return { status: "degraded", latencyMs: null, detail: "Redis is away; locks are local and jobs wait" };
  const started = performance.now();
  try {
    const policy = await app.redis.commands.config("GET", "maxmemory-policy").catch(() => null);
    await app.redis.commands.ping();
    const latencyMs = performance.now() - started;
    const value = Array.isArray(policy) ? policy[1] : null;
    if (typeof value === "string" && value !== "noeviction")
      return {
        status: "degraded",
        latencyMs,
        detail: `maxmemory-policy is ${value}; jobs can be evicted: set noeviction`,
      };
    return { status: "up", latencyMs };
  } catch {
    return { status: "degraded", latencyMs: null, detail: "Redis does not answer; locks are local and jobs wait" };
  }
}

/** Why the database is down in a word for anyone: its own texts name users, databases and addresses. */
export function causeOf(error: unknown): "refused" | "unreachable" | "failing" {
  // Class 28: not this user or password; 3D000: no such database.
  if (/^(28...|3D000)$/.test(sqlStateOf(error) ?? "")) return "refused";
  const silent = error instanceof Error && error.message.startsWith("no answer");
  return silent || databaseOutage(error) !== null ? "unreachable" : "failing";
}

async function checkDatabase(app: AppContext, complain: (error: unknown) => void): Promise<Check> {
  try {
    return { status: "up", latencyMs: await app.db.ping() };
  } catch (error) {
    complain(error);
    return { status: "down", latencyMs: null, detail: causeOf(error) };
  }
}

/** `/health/live` says the process runs; `/health/ready` whether to send it traffic; `/metrics` is for Prometheus. */
export function mountHealth(hono: Hono<DoorEnv>, app: AppContext): void {
  const complain = seldom((trouble) => app.logger.warn(trouble, "not ready: the database does not answer"));
  hono.get("/health/live", (c) => c.json({ status: "live" }));

  hono.get("/health/ready", async (c) => {
    const [postgres, redis] = await Promise.all([checkDatabase(app, complain), checkRedis(app)]);
    // From the first signal on, so that a load balancer stops sending.
    const stopping = app.stopping.aborted;
    const ready = !stopping && postgres.status === "up";
    const status = stopping ? "stopping" : !ready ? "down" : redis.status === "degraded" ? "degraded" : "ready";
    const round = (check: Check) => ({
      ...check,
      latencyMs: check.latencyMs === null ? null : Math.round(check.latencyMs * 100) / 100,
    });
    const body = {
      status,
      dependencies: { postgres: round(postgres), redis: round(redis) },
      providers: app.notifications.providers,
    };
    return c.json(body, ready ? 200 : 503);
  });

  hono.get("/metrics", async (c) => {
    const token = app.config.http.metricsToken;
    const bearer = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
    // What a proxy on this machine passes on is nobody of this machine.
    const passedOn = c.req.header("x-forwarded-for") !== undefined || c.req.header("forwarded") !== undefined;
    const allowed =
      (!passedOn && LOOPBACK.has(c.get("clientAddress")(c) ?? "")) ||
      (token !== null && bearer !== undefined && equalInConstantTime(bearer, token));
    if (!allowed) return c.text("metrics need a bearer token (METRICS_TOKEN) or a loopback address\n", 401);
    app.metrics.redisUp.set(app.redis?.isReady() === true ? 1 : 0);
    return c.body(await app.metrics.registry.metrics(), 200, { "Content-Type": app.metrics.registry.contentType });
  });
}
