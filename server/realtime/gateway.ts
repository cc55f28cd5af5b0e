import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { AppContext } from "#server/context.ts";
import { Connection, HEARTBEAT_SECONDS } from "#server/realtime/connection.ts";
import { DriverPositions } from "#server/realtime/driver-positions.ts";

const MAX_FRAME_BYTES = 16 * 1024;

export interface Gateway {
  /** True when the request was for us. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  close(): void;
}

/** Closed for good once the answer is sent: a client that never ends its own side would keep the socket for ever. */
function refuse(socket: Duplex, status: string): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Apps send no Origin; a browser's must be this very host or the configured public one. */
function originAllowed(request: IncomingMessage, publicUrl: string | null): boolean {
  const origin = request.headers.origin;
  if (origin === undefined) return true;
  const host = URL.canParse(origin) ? new URL(origin).host : null;
  return host !== null && (host === request.headers.host || (publicUrl !== null && host === new URL(publicUrl).host));
}

/** Role `gateway`: `GET /ws`. Compression stays off: it costs 244 KiB a connection instead of 8. */
export function createGateway(app: AppContext): Gateway {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  const connections = new Set<Connection>();
  const positions = new DriverPositions(app);
  const heartbeat = setInterval(() => {
    for (const connection of connections) connection.heartbeat();
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
          const connection = new Connection(app, webSocket, positions);
          connections.add(connection);
          webSocket.on("close", () => connections.delete(connection));
        });
      }
      return true;
    },
    close() {
      clearInterval(heartbeat);
      leaveRevocations();
      for (const connection of connections) connection.goAway();
      server.close();
    },
  };
}
