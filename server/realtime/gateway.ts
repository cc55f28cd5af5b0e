import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer } from "ws";
import type { AppContext } from "#server/context.ts";
import { isOurOrigin } from "#server/platform/origin.ts";
import { Connection, HEARTBEAT_SECONDS } from "#server/realtime/connection.ts";
import { ConnectionRegistry } from "#server/realtime/connection-registry.ts";
import { DriverPositions } from "#server/realtime/driver-positions.ts";

const MAX_FRAME_BYTES = 16 * 1024;
const PONG_WITHIN_MS = 8000;
const GONE_WITHIN_MS = 2500;

export interface Gateway {
  /** True when the request was for us. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** All connections are closed and told so. */
  close(): Promise<void>;
}

/** Closed for good once the answer is sent: a client that never ends its own side would keep the socket for ever. */
function refuse(socket: Duplex, status: string): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Apps send no Origin; a browser's page must be ours. */
const originAllowed = ({ headers: { origin, host } }: IncomingMessage, publicUrl: string | null): boolean =>
  origin === undefined || isOurOrigin(origin, host, publicUrl);

/** Role `gateway`: `GET /ws`. Compression stays off: it costs 244 KiB a connection instead of 8. */
export function createGateway(app: AppContext): Gateway {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  const connections = new Set<Connection>();
  const registry = new ConnectionRegistry(app);
  const shared = { registry, positions: new DriverPositions(app, registry.serverId) };
  let silence: NodeJS.Timeout | undefined;
  const heartbeat = setInterval(() => {
    for (const connection of connections) connection.ping();
    registry.renew();
    silence = setTimeout(() => {
      for (const connection of connections) connection.dropSilent();
    }, PONG_WITHIN_MS);
  }, HEARTBEAT_SECONDS * 1000);

  const leaveRevocations = app.revocations.onChange(() => {
    for (const connection of connections) connection.recheck();
  });

  return {
    upgrade(request, socket, head) {
      // A path such as `//` is a host without a name: no URL.
      const url = URL.parse(request.url ?? "/", "http://internal");
      if (url !== null && url.pathname !== "/ws") return false;
      if (url === null) refuse(socket, "400 Bad Request");
      else if (!originAllowed(request, app.config.http.publicUrl)) refuse(socket, "403 Forbidden");
      else if (url.searchParams.has("token") || url.searchParams.has("access_token")) refuse(socket, "400 Bad Request");
      else {
        server.handleUpgrade(request, socket, head, (webSocket) => {
          const connection = new Connection(app, webSocket, shared);
          connections.add(connection);
          webSocket.on("close", () => connections.delete(connection));
        });
      }
      return true;
    },
    async close() {
      clearInterval(heartbeat);
      clearTimeout(silence);
      leaveRevocations();
      for (const connection of connections) connection.goAway();
      server.close();
      // Each that has closed is told of; a peer that does not answer is dropped by then.
      const deadline = app.clock.monotonicMs() + GONE_WITHIN_MS;
      while (connections.size > 0 && app.clock.monotonicMs() < deadline) await sleep(20);
      await registry.close();
    },
  };
}
