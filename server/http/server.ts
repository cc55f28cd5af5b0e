import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import next from "next";
import type { AppContext } from "#server/context.ts";
import { createApi } from "#server/http/api.ts";
import { createGuard, isNexts, MAX_CONNECTIONS, refuseUnreadable, SERVER_LIMITS } from "#server/http/security.ts";

export interface HttpServer {
  readonly port: number;
  /** Stops taking connections, lets running requests finish up to `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>;
}

export interface HttpOptions {
  /** False: API only, no console pages (load tests, and tests that need none). */
  readonly console: boolean;
  /** Takes the upgrades it knows; others go to Next in development. */
  readonly upgrade: ((request: import("node:http").IncomingMessage, socket: Duplex, head: Buffer) => boolean) | null;
  readonly development: boolean;
}

/** One port: `/api/*`, health and metrics on Hono, `/ws` on the gateway, everything else on Next. Mobile traffic never passes through Next. */
export async function startHttp(app: AppContext, options: HttpOptions): Promise<HttpServer> {
  await app.revocations.start();
  const api = getRequestListener(createApi(app).fetch, { overrideGlobalObjects: false });
  let page:
    | ((req: import("node:http").IncomingMessage, res: import("node:http").ServerResponse) => Promise<void>)
    | null = null;
  let nextUpgrade: ((req: import("node:http").IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>) | null =
    null;
  let closeNext: (() => Promise<void>) | null = null;

  const guard = createGuard({ config: app.config, development: options.development });
  const server: Server = createServer(SERVER_LIMITS, (req, res) => {
    if (!guard(req, res)) return;
    const path = (req.url ?? "/").split("?", 1)[0] ?? "/";
    if (page === null || !isNexts(path)) void api(req, res);
    else
      page(req, res).catch((error: unknown) => {
        // The guard refused its body meanwhile: no fault of the page's.
        if (res.writableEnded) return;
        app.logger.error({ err: error, path }, "page failed");
        res.destroy();
      });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("clientError", refuseUnreadable);
  server.on("upgrade", (req, socket, head) => {
    // Node takes its own listener away on an upgrade: unheard, a client's reset would end the process.
    socket.on("error", (error) => {
      app.logger.debug({ err: error }, "connection lost on its upgrade");
      socket.destroy();
    });
    if (options.upgrade?.(req, socket, head) === true) return;
    if (nextUpgrade !== null) return void nextUpgrade(req, socket, head).catch(() => socket.destroy());
    // Not `end` alone: a client that never ends its own side would keep the socket, and the server's stop, for ever.
    socket.once("finish", () => socket.destroy());
    socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(app.config.http.port, app.config.http.host, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : app.config.http.port;

  if (options.console) {
    // After listen, so that next-auth and Next know the port that was really taken.
    process.env.NEXTAUTH_URL ??= app.config.http.publicUrl ?? `http://localhost:${port}`;
    const pages = next({ dev: options.development, hostname: "localhost", port, httpServer: server });
    await pages.prepare();
    page = pages.getRequestHandler();
    nextUpgrade = options.development ? pages.getUpgradeHandler() : null;
    closeNext = () => pages.close();
  }

  return {
    port,
    async stop(deadlineMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
      await closed;
      clearTimeout(timer);
      await closeNext?.();
    },
  };
}
