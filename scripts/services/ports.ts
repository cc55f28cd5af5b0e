import { createServer } from "node:net";

/** Binds for a moment and lets go: resolves the port that was bound, rejects with the system's error. */
function bind(port: number, host?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, ...(host ? { host } : {}) }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : port));
    });
  });
}

/** A TCP port of 127.0.0.1 that was free a moment ago; taken from the system, so two callers get different ones. */
export function findFreePort(): Promise<number> {
  return bind(0, "127.0.0.1");
}

/** Why nothing can listen on `port` on all interfaces, as the system's error code (`EADDRINUSE`, `EACCES`), or null. */
export async function portProblem(port: number): Promise<string | null> {
  try {
    await bind(port);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
