import { parseArgs } from "node:util";
import { ConfigError, demoWarning, loadConfig } from "#server/config/env.ts";
import { createContext } from "#server/context.ts";
import { publishContext } from "#server/context-access.ts";
import { type HttpServer, startHttp } from "#server/http/server.ts";
import { startWorkers, type WorkerRole } from "#server/jobs/workers.ts";
import { createGateway, type Gateway } from "#server/realtime/gateway.ts";

/** Entry: `node server/main.ts [--roles=web,gateway,worker] [--no-console] [--dev]`. */
const ROLES = ["web", "gateway", "worker"] as const;
type Role = (typeof ROLES)[number];

function readRoles(text: string): ReadonlySet<Role> {
  const named = text.split(",").map((role) => role.trim());
  const unknown = named.find((role) => !(ROLES as readonly string[]).includes(role));
  if (unknown !== undefined) throw new ConfigError(`--roles: "${unknown}" is none of ${ROLES.join(", ")}`);
  return new Set(named as Role[]);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      roles: { type: "string", default: ROLES.join(",") },
      console: { type: "boolean", default: true },
      dev: { type: "boolean", default: false },
    },
    allowNegative: true,
  });
  const roles = readRoles(values.roles);
  const config = loadConfig();
  const app = createContext(config, { processMetrics: true });
  publishContext(app);

  let http: HttpServer | null = null;
  let gateway: Gateway | null = null;
  let workers: WorkerRole | null = null;

  async function stop(signal: NodeJS.Signals | "uncaughtException"): Promise<void> {
    if (app.stopping.aborted) return;
    const started = Date.now();
    app.logger.info({ signal }, "stopping");
    // Nothing below may keep the process for ever.
    setTimeout(
      () => {
        app.logger.error("not stopped in time; leaving");
        process.exit(1);
      },
      config.shutdownSeconds * 1000 + 5000,
    ).unref();
    app.beginStop();
    const [, , unfinished] = await Promise.all([
      gateway?.close(),
      http?.stop(config.shutdownSeconds * 500),
      workers?.stop(config.shutdownSeconds * 1000) ?? 0,
    ]);
    await app.dispose();
    app.logger.info({ ms: Date.now() - started, unfinishedJobs: unfinished }, "stopped");
    process.exit(signal === "uncaughtException" ? 1 : 0);
  }
  // The last resort. A promise that nobody waited for harms nobody; after an exception nobody caught anything may be half
  // done in memory, so the process ends in order, and whatever runs it starts it anew.
  process.on("unhandledRejection", (reason) =>
    app.logger.error({ err: reason, alert: "process.unhandled_rejection" }, "a failure that nobody waited for"),
  );
  process.on("uncaughtException", (error) => {
    app.logger.fatal({ err: error, alert: "process.uncaught_exception" }, "an exception that nobody caught; stopping");
    void stop("uncaughtException");
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop(signal));

  if (roles.has("web")) app.jobs.startSampling();
  if (roles.has("gateway")) gateway = createGateway(app);
  // A worker alone still answers health checks and metrics.
  http = await startHttp(app, {
    console: values.console && roles.has("web"),
    development: values.dev,
    upgrade: gateway?.upgrade ?? null,
  });
  const demo = demoWarning(config);
  if (demo !== null) app.logger.warn(demo);
  for (const warning of config.warnings) app.logger.warn(`configuration: ${warning}`);
  if (!app.notifications.canSendCodes)
    app.logger.warn(
      "no SMS provider is configured (SMS_HTTP_URL): codes cannot be sent, and signing in or registering by code is refused with 503",
    );
  // Only now: a process that gets no port must not have taken jobs with it.
  if (roles.has("worker")) workers = startWorkers(app);
  app.logger.info({ port: http.port, roles: [...roles], jobs: app.queue.backend, lock: app.lock.backend }, "listening");
}

main().catch((error: Error & { code?: string }) => {
  const line =
    error instanceof ConfigError
      ? error.message
      : error.code === "EADDRINUSE"
        ? `The port is taken (${error.message}). Stop what uses it, or set PORT.`
        : (error.stack ?? error.message);
  process.stderr.write(`${line}\n`);
  process.exit(1);
});
