import { connect, createServer, type Socket } from "node:net";

/** A way between a client and a server that can be slow, silent or cut. */
export interface TcpProxy {
  readonly port: number;
  /** Nothing passes either way until `resume`; connections stay open, new ones are taken and wait. */
  pause(): void;
  resume(): void;
  /** Nothing passes any more on the connections that there are, and neither end is told; new ones are as ever. */
  strand(): void;
  /** Milliseconds added to each piece of data, each way. */
  setLatency(ms: number): void;
  /** Cuts all connections with a TCP reset. Returns how many. */
  reset(): number;
  /** Where new connections lead from now on. */
  setTarget(port: number): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { readonly port: number; readonly host?: string }): Promise<TcpProxy> {
  const host = target.host ?? "127.0.0.1";
  let targetPort = target.port;
  let paused = false;
  let latencyMs = 0;
  const sockets = new Set<Socket>();

  function pipe(from: Socket, to: Socket): void {
    from.on("data", (data) => {
      if (latencyMs === 0) to.write(data);
      else setTimeout(() => to.write(data), latencyMs);
    });
    from.on("end", () => to.end());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
    from.on("error", () => to.destroy());
  }

  const server = createServer((client) => {
    const upstream = connect({ port: targetPort, host });
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
    }
    pipe(client, upstream);
    pipe(upstream, client);
    if (paused) for (const socket of [client, upstream]) socket.pause();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const reset = () => {
    const count = sockets.size / 2;
    for (const socket of sockets) socket.resetAndDestroy();
    return count;
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    pause: () => {
      paused = true;
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      paused = false;
      for (const socket of sockets) socket.resume();
    },
    strand: () => {
      for (const socket of sockets) socket.removeAllListeners("data").pause();
    },
    setLatency: (ms) => {
      latencyMs = ms;
    },
    reset,
    setTarget: (port) => {
      targetPort = port;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        reset();
      }),
  };
}

/** The same URL through the proxy. */
export function through(proxy: TcpProxy, url: string): string {
  const changed = new URL(url);
  changed.hostname = "127.0.0.1";
  changed.port = String(proxy.port);
  return changed.toString();
}

export const portOf = (url: string): number => Number(new URL(url).port);
